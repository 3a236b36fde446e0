"""One mail (RFC 5322, MIME) as what the helpdesk needs of it. Whatever it is made of, this never raises."""

import dataclasses
import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesParser

from helpdesk.mail.rules import automatic, bodies, files, headers, returns
from helpdesk.mail.rules.charsets import decoded
from helpdesk.mail.rules.incoming import File, Incoming

TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "Resent-To", "X-Forwarded-To")
MOST_PARTS = 500
DEEPEST = 30
LONGEST_TEXT = 200_000
"""Characters; what is longer is an attachment in disguise and is kept as one."""
LONGEST_HTML = 1_000_000
HEADS = re.compile(rb"^[!-9;-~]{1,76}[ \t]*:", re.MULTILINE)


def parsed(raw: bytes) -> Incoming:
    """Never raises; `unreadable` says why nothing can be made of it."""
    if not raw.strip():
        return Incoming(unreadable="the message is empty")
    if not HEADS.search(raw[:65536]):
        return Incoming(unreadable="this is no mail: it has no header")
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(raw)
        envelope = _envelope(message)
    except Exception as error:  # whatever malformed input leads the parser to
        return Incoming(unreadable=f"the header cannot be read ({type(error).__name__})")
    try:
        read = _with_content(message, envelope)
    except Exception as error:
        return dataclasses.replace(envelope, unreadable=f"the content cannot be read ({type(error).__name__})")
    return read if read.sender.address or read.bounce else dataclasses.replace(read, unreadable="nobody is named as sender")


def _envelope(message: Message) -> Incoming:
    sender = headers.sender(message)
    subject = headers.value(message, "Subject")
    reason = automatic.reason(message, subject, sender.address)
    bounce = automatic.is_bounce(message, sender.address)
    ancestors = headers.ancestors(message)
    return Incoming(
        message_id=headers.message_id(headers.raw_value(message, "Message-ID")),
        in_reply_to=next(iter(ancestors), "") if headers.raw_value(message, "In-Reply-To") else "",
        ancestors=ancestors,
        sender=sender,
        recipients=headers.addresses(message, TO),
        date=headers.value(message, "Date")[:100],
        subject=subject[:1000],
        number=headers.number(subject),
        automatic=reason,
        bounce=bounce,
        quiet=bool(reason) or automatic.is_quiet(message, sender.address),
        loops=tuple(headers.raw_values(message, "X-Loop")),
    )


def _with_content(message: Message, envelope: Incoming) -> Incoming:
    content = _Content()
    for number, (part, alternative) in enumerate(_parts(message)):
        if number < MOST_PARTS:
            content.take(part, alternative=alternative)
        else:
            content.beyond += 1
    text = content.texts.whole()
    returned = returns.ids(message, text) if envelope.bounce else []
    new, quoted = bodies.split_quoted(text)
    return dataclasses.replace(
        envelope,
        ancestors=tuple(dict.fromkeys([*envelope.ancestors, *returned])),
        text=new.strip("\n").rstrip(),
        quoted=quoted.strip("\n").rstrip(),
        html="\n".join(content.htmls)[:LONGEST_HTML],
        files=tuple(content.files[: files.MOST]),
        beyond=content.beyond + max(0, len(content.files) - files.MOST),
    )


def _parts(message: Message) -> Iterator[tuple[Message, bool]]:
    """Leaves in their order, each with whether it is one of several forms of the same; what is nested too deep is one."""
    pending: list[tuple[Message, int, bool]] = [(message, 0, False)]
    while pending:
        part, level, alternative = pending.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart() and level < DEEPEST:
            inside = alternative or part.get_content_type() == "multipart/alternative"
            pending += [(one, level + 1, inside) for one in reversed(headers.inner(part))]
        else:
            yield part, alternative


def _kind(part: Message) -> str:
    """Of several parts between which no boundary was found, all is one text."""
    in_one = part.get_content_maintype() == "multipart" and not part.is_multipart()
    return "text/plain" if in_one else part.get_content_type()


def _is_text(part: Message, kind: str, wanted: str) -> bool:
    disposition = part.get_content_disposition()
    return kind == wanted and disposition != "attachment" and not part.get_filename() and not part.is_multipart()


def _limited(text: str, most: int, whole: File, found: list[File]) -> str:
    """The beginning; what is longer is kept as a whole among the files."""
    if len(text) > most:
        found.append(dataclasses.replace(whole, content=text.encode()))
    return text[:most]


@dataclasses.dataclass
class _Texts:
    """The readable text in its order. Where a part comes in several forms, the plain one is read."""

    said: list[str] = dataclasses.field(default_factory=list)
    instead: list[str] = dataclasses.field(default_factory=list)
    has_plain_form: bool = False

    @property
    def length(self) -> int:
        return sum(map(len, [*self.said, *self.instead]))

    def plain(self, text: str, *, alternative: bool) -> None:
        self.said.append(text)
        self.has_plain_form |= alternative and bool(text.strip())

    def formatted(self, text: str, *, alternative: bool) -> None:
        (self.instead if alternative else self.said).append(text)

    def whole(self) -> str:
        parts = self.said if self.has_plain_form else [*self.instead, *self.said]
        return "\n\n".join(part for part in parts if part.strip())


@dataclasses.dataclass
class _Content:
    """What the parts of a mail hold."""

    texts: _Texts = dataclasses.field(default_factory=_Texts)
    htmls: list[str] = dataclasses.field(default_factory=list)
    files: list[File] = dataclasses.field(default_factory=list)
    beyond: int = 0

    def take(self, part: Message, *, alternative: bool) -> None:
        kind, has_room = _kind(part), self.texts.length < LONGEST_TEXT
        if has_room and _is_text(part, kind, "text/plain"):
            text = _limited(_text(part), LONGEST_TEXT, File("text.txt", "text/plain"), self.files)
            self.texts.plain(text, alternative=alternative)
        elif has_room and _is_text(part, kind, "text/html"):
            self.htmls.append(_limited(_text(part), LONGEST_HTML, File("text.html", "text/html"), self.files))
            self.texts.formatted(bodies.text_of_html(self.htmls[-1]), alternative=alternative)
        elif len(self.files) < files.MOST:
            self.files += files.files_of(part, kind)
        else:
            self.beyond += 1


def _text(part: Message) -> str:
    try:
        label = part.get_content_charset()
    except (LookupError, ValueError, TypeError, AttributeError):
        label = None
    return decoded(files.content_of(part), label).replace("\r\n", "\n").replace("\r", "\n")
