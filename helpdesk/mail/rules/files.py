"""Attachments of a mail: their names and their bytes; winmail.dat opened."""

import base64
import re
from email import policy
from email.errors import InvalidBase64CharactersDefect, InvalidBase64LengthDefect, InvalidBase64PaddingDefect
from email.message import Message
from email.parser import BytesParser
from typing import Any

from tnefparse import TNEF

from helpdesk.mail.rules.charsets import decoded, storable
from helpdesk.mail.rules.headers import inner, keyword, raw_value, topic, value, words
from helpdesk.mail.rules.incoming import File
from helpdesk.tickets.names import clean_name

MOST = 100
ENCODING = "Content-Transfer-Encoding"
BROKEN = (InvalidBase64CharactersDefect, InvalidBase64LengthDefect, InvalidBase64PaddingDefect)
BLANKS = re.compile(rb"^[^\r\n]*[^\s][ \t]+[^\s]", re.MULTILINE)
PIECE = re.compile(rb"[A-Za-z0-9+/]+")
AS_IT_CAME = policy.compat32.clone(max_line_length=0)
MAILS = frozenset({"message/rfc822", "message/global", "message/news"})
TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


def name_of(part: Message, otherwise: str) -> str:
    """RFC 2231 and, as many programs do it, RFC 2047 inside the parameter."""
    for field, header in (("filename", "content-disposition"), ("name", "content-type")):
        try:
            text = _parameter(raw_value(part, header), field)
        except (LookupError, ValueError, TypeError, AttributeError, IndexError):
            text = ""
        if text and (clean := clean_name(words(text))):
            return clean
    return clean_name(otherwise) or "attachment"


def _parameter(raw: str, field: str) -> str:
    """Empty where there is none; where it stands in both ways, that of RFC 2231 counts (RFC 6266, 4.3). The library reads
    parameters of text alone, and of bare bytes leaves nothing: to it each byte is one letter, and only the value is read
    in its charset."""
    header = Message()
    header["X"] = raw.encode("utf-8", "surrogateescape").decode("latin-1")
    values: list[Any] = [value for name, value in header.get_params([], "X") if name.lower() == field]
    found = next((one for one in values if isinstance(one, tuple)), next(iter(values), ""))
    if isinstance(found, tuple):
        charset, _language, letters = found
        return decoded(letters.encode("latin-1"), charset)
    return found.encode("latin-1").decode("ascii", "surrogateescape")


def content_of(part: Message) -> bytes:
    """Decoded bytes. Never raises; broken base64 gives what could be decoded, and mails inside are as they came."""
    if part.is_multipart():
        return b"".join(map(_flat, inner(part)))
    encoding = keyword(raw_value(part, ENCODING))
    try:
        if ENCODING in part:
            part.replace_header(ENCODING, encoding)  # `Quoted-Printable ` is no name that the library knows
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError, TypeError, AttributeError):
        payload = None
    if encoding == "base64" and any(isinstance(one, BROKEN) for one in part.defects):
        part.replace_header(ENCODING, "8bit")  # then the library gives the bytes as they came
        raw = part.get_payload(decode=True)
        return from_base64(raw) if isinstance(raw, bytes) else b""
    if isinstance(payload, bytes):
        return payload
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def from_base64(text: bytes) -> bytes:
    """Each piece between padding by itself, as some programs write it, and of a torn one as much as there is.

    What begins with words between blanks is no base64, and where those follow, it is over: somebody added them.
    """
    words = BLANKS.search(text)
    if words and not text[: words.start()].strip():
        return text
    encoded = text[: words.start()] if words else text
    pieces = PIECE.findall(re.sub(rb"[^A-Za-z0-9+/=]", b"", encoded))
    return b"".join(base64.b64decode(piece[: len(piece) - (len(piece) % 4 == 1)] + b"==") for piece in pieces)


def files_of(part: Message, content_type: str) -> list[File]:
    if content_type in MAILS:
        return [_forwarded(part)]
    content, content_type = content_of(part), storable(content_type)
    name = name_of(part, f"attachment{ENDINGS.get(content_type, '')}")
    if is_winmail(part, content_type):
        return opened(content) or [File(name, content_type, content)]
    return [File(name, content_type, content)]


ENDINGS = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "application/pdf": ".pdf", "text/calendar": ".ics",
    "text/html": ".html", "text/plain": ".txt", "text/csv": ".csv", "text/rfc822-headers": ".txt",
    "message/delivery-status": ".txt", "message/disposition-notification": ".txt", "application/pgp-signature": ".asc",
}  # fmt: skip


def enclosed(part: Message) -> Message | None:
    """The mail inside of a mail. It may not be encoded (RFC 2046, 5.2.1), and some programs do it."""
    message = next(iter(inner(part)), None)
    encoding = keyword(raw_value(part, ENCODING))
    if message is None or encoding not in {"base64", "quoted-printable"}:
        return message
    carrier = Message()
    carrier[ENCODING] = encoding
    carrier.set_payload(_flat(message).decode("ascii", "surrogateescape"))
    return BytesParser(policy=policy.compat32).parsebytes(content_of(carrier))


def _forwarded(part: Message) -> File:
    """A mail inside of a mail, as a file that mail programs open."""
    message = enclosed(part)
    if message is None:
        return File(name_of(part, "mail.eml"), "message/rfc822", content_of(part))
    title = topic(value(message, "Subject")) or "mail"
    return File(name_of(part, f"{title}.eml"), "message/rfc822", _flat(message))


def _flat(message: Message) -> bytes:
    try:
        return message.as_bytes(policy=AS_IT_CAME)
    except (ValueError, LookupError, TypeError, AttributeError, KeyError, UnicodeError):
        return b"" if message.is_multipart() else content_of(message)


def is_winmail(part: Message, content_type: str) -> bool:
    return content_type in TNEF_TYPES or name_of(part, "").lower() == "winmail.dat"


def written(content: bytes) -> tuple[str, str, bool]:
    """What somebody wrote into a winmail.dat: as text, as HTML, and whether there is more than can be read (RTF)."""
    try:
        inside = TNEF(content, do_checksum=False)
        text, html = (_said(one, inside.codepage) for one in (inside.body, inside.htmlbody))
    except Exception:  # likewise
        return "", "", False
    return text, html, bool(inside._rtfbody) and not (text.strip() or html.strip())


def _said(body: Any, codepage: str | None) -> str:
    text = decoded(body, codepage) if isinstance(body, bytes) else str(body or "")
    return text.rstrip("\0\ufffd").replace("\r\n", "\n")


def opened(content: bytes) -> list[File]:
    """What is inside of a winmail.dat (MS-OXTNEF); empty when it cannot be opened, and then the file stays as it is."""
    try:
        inside = TNEF(content, do_checksum=False).attachments
        found = [(_name_inside(one), bytes(one.data or b"")) for one in inside]
    except Exception:  # the library raises whatever its reading of damaged bytes leads to
        return []
    return [File(clean_name(name) or "attachment", "application/octet-stream", data) for name, data in found]


def _name_inside(attachment: Any) -> str:
    """The long one in Unicode; the short one is in the sender's code page, which the library takes for UTF-8."""
    try:
        name = attachment.long_filename()
    except UnicodeDecodeError:
        name = attachment._name
    text = decoded(name, attachment.codepage) if isinstance(name, bytes) else str(name)
    return text.strip("\0\ufffd")
