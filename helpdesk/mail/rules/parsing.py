"""One mail (RFC 5322, MIME) as what the helpdesk needs of it. Whatever it is made of, this never raises."""

import dataclasses
import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import BytesParser
from itertools import islice

from helpdesk.mail.rules import automatic, bodies, cms, files, headers, returns
from helpdesk.mail.rules.charsets import decoded
from helpdesk.mail.rules.incoming import File, Incoming

TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "Resent-To", "X-Forwarded-To")
MOST_PARTS = 500
DEEPEST = 30
LONGEST_TEXT = 200_000
"""Characters; what is longer is an attachment in disguise and is kept as one."""
LONGEST_HTML = 1_000_000
HEADS = re.compile(rb"^[!-9;-~]{1,76}[ \t]*:", re.MULTILINE)
BEFORE = re.compile(rb"(?:\xef\xbb\xbf|[ \t]*\r?\n)*")
"""What some programs put before the header."""
HEADER = re.compile(rb".*?(?:\r?\n\r?\n|\Z)", re.DOTALL)
BLANK = re.compile(rb"^([!-9;-~]{1,76})[ \t]+:(?!//)", re.MULTILINE)
"""A blank before the colon (RFC 5322, 4.5.8), where Python's parser ends the header."""
TORN = re.compile(
    rb"^(?=[^\s:][^:\r\n]*\r?\n(?:From|To|Cc|Subject|Date|Message-ID|MIME-Version|Content-[A-Za-z-]+|Received)[ \t]*:)",
    re.MULTILINE | re.IGNORECASE,
)
"""Before a line that is no field and stands in the midst of them."""
LONGEST_HEADER = 2**20
WRITTEN = frozenset({"text/markdown", "text/x-markdown", "text/enriched", "text/richtext"})
"""What is read as it stands, where it does not stand beside the same in plain words."""
LONGEST_REPORT = 5_000


def parsed(raw: bytes) -> Incoming:
    """Never raises; `unreadable` says why nothing can be made of it."""
    if not raw.strip():
        return Incoming(unreadable="the message is empty")
    if not HEADS.search(raw[:65536]):
        return Incoming(unreadable="this is no mail: it has no header")
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(_mended(raw))
        envelope = _envelope(message)
    except Exception as error:  # whatever malformed input leads the parser to
        return Incoming(unreadable=f"the header cannot be read ({type(error).__name__})")
    try:
        read = _with_content(message, envelope)
    except Exception as error:
        return dataclasses.replace(envelope, unreadable=f"the content cannot be read ({type(error).__name__})")
    return read if read.sender.address or read.bounce else dataclasses.replace(read, unreadable="nobody is named as sender")


def _mended(raw: bytes) -> bytes:
    """With a header that Python's parser reads to its end."""
    begin = BEFORE.match(raw)
    raw = raw[begin.end() :] if begin else raw
    found = HEADER.match(raw, 0, LONGEST_HEADER)
    if found is None:
        return raw
    return TORN.sub(f"{headers.TORN}: ".encode(), BLANK.sub(rb"\1:", found.group())) + raw[found.end() :]


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
        addressed=headers.addresses(message, TO[:2]),
        recipients=headers.addresses(message, TO),
        date=headers.value(message, "Date")[:100],
        subject=subject[:1000],
        number=headers.number(subject),
        automatic=reason,
        bounce=bounce,
        quiet=bool(reason) or automatic.is_quiet(message, subject, sender.address),
        loops=tuple(headers.raw_values(message, "X-Loop")),
    )


def _with_content(message: Message, envelope: Incoming) -> Incoming:
    content = _Content()
    for number, (part, alternative) in enumerate(_parts(message)):
        if number < MOST_PARTS:
            content.take(part, alternative=alternative, alone=part is message)
        else:
            content.beyond += 1
    text = content.texts.whole() or content.instead(bounce=envelope.bounce)
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
        elif level < DEEPEST and (signed := _signed(part)):
            pending.append((signed, level + 1, alternative))
        else:
            yield part, alternative


def _signed(part: Message) -> Message | None:
    """What lies inside of an opaque signature."""
    if part.get_content_type() not in cms.TYPES:
        return None
    content = cms.signed_content(files.content_of(part))
    return BytesParser(policy=policy.compat32).parsebytes(content) if content else None


def _kind(part: Message) -> str:
    """Of several parts between which no boundary was found, all is one text."""
    in_one = part.get_content_maintype() == "multipart" and not part.is_multipart()
    return "text/plain" if in_one else part.get_content_type()


def _is_text(part: Message, *, alone: bool) -> bool:
    """`alone`: it is all that the mail has; then a name does not make a file of it."""
    named = part.get_filename() and not alone
    return part.get_content_disposition() != "attachment" and not named and not part.is_multipart()


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
    reports: list[Message] = dataclasses.field(default_factory=list)
    forwarded: list[Message] = dataclasses.field(default_factory=list)
    winmails: list[Message] = dataclasses.field(default_factory=list)

    def take(self, part: Message, *, alternative: bool, alone: bool = False) -> None:
        kind, is_text = _kind(part), self.texts.length < LONGEST_TEXT and _is_text(part, alone=alone)
        if kind in automatic.REPORTS:
            self.reports.append(part)
        if kind == "message/rfc822" and (message := files.enclosed(part)):
            self.forwarded.append(message)
        if is_text and (kind == "text/plain" or (kind in WRITTEN and not alternative)):
            text = _limited(_text(part), LONGEST_TEXT, File("text.txt", "text/plain"), self.files)
            self.texts.plain(text, alternative=alternative)
        elif is_text and kind == "text/html":
            self.htmls.append(_limited(_text(part), LONGEST_HTML, File("text.html", "text/html"), self.files))
            self.texts.formatted(bodies.text_of_html(self.htmls[-1]), alternative=alternative)
        elif len(self.files) < files.MOST:
            self.winmails += [part] if files.is_winmail(part, kind) else []
            self.files += files.files_of(part, kind)
        else:
            self.beyond += 1

    def instead(self, *, bounce: bool) -> str:
        """Where nobody wrote anything: what a mail server reports, what is in a winmail.dat, or the
        mail that was passed on without a word."""
        if bounce:
            return "\n".join(_report(one) for one in self.reports)[:LONGEST_REPORT]
        if said := "\n\n".join(filter(None, map(self._written, self.winmails))):
            return said[:LONGEST_TEXT]
        return _passed_on(self.forwarded[0]) if len(self.forwarded) == 1 else ""

    def _written(self, winmail: Message) -> str:
        """What cannot be read stays a file, for the files inside of it are not all."""
        content = files.content_of(winmail)
        text, html, more = files.written(content)
        if more and all(one.content != content for one in self.files):
            self.files.append(File("winmail.dat", "application/ms-tnef", content))
        if html:
            self.htmls.append(_limited(html, LONGEST_HTML, File("text.html", "text/html"), self.files))
        return _limited(text or bodies.text_of_html(html), LONGEST_TEXT, File("text.txt", "text/plain"), self.files)


def _report(part: Message) -> str:
    """Its groups of fields (RFC 3464, 2.1)."""
    groups = ("\n".join(f"{name}: {headers.words(str(said))}" for name, said in one.items()) for one in headers.inner(part))
    return "\n\n".join(group for group in groups if group)


def _passed_on(message: Message) -> str:
    """As mail programs put it into a mail that is passed on."""
    inside = _Content()
    for part, alternative in islice(_parts(message), MOST_PARTS):
        inside.take(part, alternative=alternative, alone=part is message)
    head = [f"{name}: {said}" for name in ("From", "Date", "Subject") if (said := headers.value(message, name))]
    return "\n\n".join(part for part in ("\n".join(head), inside.texts.whole()) if part)


def _text(part: Message) -> str:
    try:
        label = part.get_content_charset()
    except (LookupError, ValueError, TypeError, AttributeError):
        label = None
    text = decoded(files.content_of(part), label).replace("\r\n", "\n").replace("\r", "\n")
    return (
        bodies.unflowed(text, joins=_parameter(part, "delsp") == "yes") if _parameter(part, "format") == "flowed" else text
    )


def _parameter(part: Message, name: str) -> str:
    try:
        return str(part.get_param(name, "")).strip().lower()
    except (LookupError, ValueError, TypeError, AttributeError):
        return ""
