"""Whether a program wrote a mail, and whether a program may answer it (RFC 3834, RFC 3464)."""

import re
from email.message import Message

from helpdesk.mail.rules.charsets import storable
from helpdesk.mail.rules.headers import inner, raw_value, raw_values

OUT_OF_OFFICE = re.compile(
    r"\s*(?:automatische (?:antwort|e-?mail)|(?:urlaubs)?abwesenheit(?:s\w*)?|(?:ich bin )?abwesend|"
    r"out of (?:the )?office(?: auto-?reply)?|ooo|auto(?:matic|mated)?[- ]?(?:reply|response)|auto-?responder|"
    r"auto(?=\s*:)|réponse automatique)\b\s*(?P<names>[::])?",
    re.IGNORECASE,
)
"""`names`: after a colon, what it answers."""
COMMENT = re.compile(r"\([^()]*\)")
LONGEST_KEYWORD = 200
NOBODY = re.compile(
    r"^(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|nicht[-_.]?antworten|mailer-daemon|postmaster|bounces?)(?:[+\-_].*)?@"
)
BULK = frozenset({"bulk", "junk", "auto_reply", "auto-reply"})
LIST_FIELDS = ("List-Id", "List-Unsubscribe", "List-Post")


def keyword(field: str) -> str:
    """The word of a field without comments (RFC 5322, 3.2.2) and parameters: `no (a person); x=y` -> `no`."""
    left, text = "", field[:LONGEST_KEYWORD]
    while left != text:
        left, text = text, COMMENT.sub(" ", text)
    return text.partition("(")[0].partition(";")[0].strip().lower()


def _keywords(message: Message, name: str) -> list[str]:
    return [keyword(one) for one in raw_values(message, name)]


def is_bounce(message: Message, sender: str) -> bool:
    """A report of delivery, or something from a mail server that wants no answer."""
    report = _report(message)
    if report is not None:
        kind = str(report.get_param("report-type", "") or "").lower()
        return kind in {"delivery-status", "disposition-notification", ""}
    from_server = sender.startswith("postmaster@") or not sender
    return sender.startswith("mailer-daemon@") or (from_server and _has_no_way_back(message))


def _report(message: Message) -> Message | None:
    """The report, also first in what a gateway put around it; not one that a person has attached."""
    while message.get_content_type() == "multipart/mixed":
        parts = inner(message)
        if not parts:
            return None
        message = parts[0]
    return message if message.get_content_type() == "multipart/report" else None


def _has_no_way_back(message: Message) -> bool:
    """RFC 5321, 4.5.5: nobody shall be told of its fate."""
    return any("".join(value.split()) == "<>" for value in raw_values(message, "Return-Path"))


def reason(message: Message, subject: str, sender: str) -> str:
    """Why it counts as automatic; empty for what a person wrote."""
    submitted = [one for one in _keywords(message, "Auto-Submitted") if one not in {"", "no"}]
    if submitted:
        return storable(f"Auto-Submitted: {submitted[0]}"[:100])
    if is_bounce(message, sender):
        return "delivery report"
    precedence = [one for one in _keywords(message, "Precedence") if one in BULK]
    if precedence:
        return f"Precedence: {precedence[0]}"
    if raw_value(message, "X-Autoreply") or raw_value(message, "X-Autorespond"):
        return "X-Autoreply"
    if _has_no_way_back(message):
        return "Return-Path: <>"
    return "subject of an out-of-office reply" if _says_absent(message, subject) else ""


def _says_absent(message: Message, subject: str) -> bool:
    """Words of a subject that a person could write too count only in an answer."""
    said = OUT_OF_OFFICE.match(subject)
    answers = raw_value(message, "In-Reply-To") or raw_value(message, "References")
    return said is not None and bool(said["names"] is not None or answers)


def is_quiet(message: Message, sender: str) -> bool:
    """Lists, senders that nobody reads, and whoever asks programs not to answer."""
    suppress = raw_value(message, "X-Auto-Response-Suppress").lower()
    on_list = "list" in _keywords(message, "Precedence") or any(raw_value(message, one) for one in LIST_FIELDS)
    return on_list or bool(suppress and suppress != "none") or not sender or bool(NOBODY.match(sender))
