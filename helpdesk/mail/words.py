"""Why a mail became what it did, and what is wrong with a mailbox, as people read it.

Reasons are stored in English, as `manage.py ingest_mail` prints them. Each is one of these sentences, with values in it.
"""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

REASONS = (
    gettext_noop("automatic: %(what)s"),
    gettext_noop("delivery report"),
    gettext_noop("subject of an out-of-office reply"),
    gettext_noop("its sender does not belong to the ticket"),
    gettext_noop("its sender has answered more than %(most)s times within an hour"),
    gettext_noop("its sender has opened too many tickets within an hour"),
    gettext_noop("too many people without an account have opened tickets within an hour"),
    gettext_noop("there is no school to which it could belong"),
    gettext_noop("it is our own mail"),
    gettext_noop("it was sent by an address of ours"),
    gettext_noop("it has been received before"),
    gettext_noop("it could not be worked with (%(error)s)"),
    gettext_noop("it has %(size)s MB, more than the %(most)s MB that are read"),
    gettext_noop("only its beginning was fetched, for it was too large"),
    gettext_noop("its server broke off whenever it was fetched; it lies in %(folder)s of %(address)s (UID %(uid)s)"),
    gettext_noop("the message is empty"),
    gettext_noop("this is no mail: it has no header"),
    gettext_noop("nobody is named as sender"),
    gettext_noop("the header cannot be read (%(error)s)"),
    gettext_noop("the content cannot be read (%(error)s)"),
    gettext_noop("reading it took longer than %(most)s s"),
    gettext_noop("reading it failed: it takes too much memory, or breaks the parser"),
)
ERRORS = (
    (r"the line broke at mail (?P<uid>\d+): .*", gettext_noop("It breaks off when mail %(uid)s is fetched.")),
    (r"without encryption only .*", gettext_noop("Without encryption only a server on this machine can be asked.")),
    (r"at this address is no mail server", gettext_noop("At this address is no mail server.")),
    (r".*certificate verify failed: (?P<why>[^(]*).*", gettext_noop("Its certificate is not to be trusted (%(why)s).")),
    (r".*Connection refused.*", gettext_noop("Nobody answers at this server and port.")),
    (r".*(timed out|timeout).*", gettext_noop("It does not answer in time.")),
    (r".*(Name or service not known|name resolution|No address associated).*", gettext_noop("There is no such server.")),
    (r".*(AUTHENTICATIONFAILED|Invalid credentials|authentication failed|LOGIN failed).*",
     gettext_noop("It does not take this user name and password.")),
    (r".*(EOF|hung up|reset by peer|[Bb]roken pipe).*", gettext_noop("It hangs up.")),
)  # fmt: skip
VALUE = re.compile(r"%\((\w+)\)s")


def _pattern(sentence: str) -> re.Pattern[str]:
    """`it has %(size)s MB` finds `it has 50 MB`, with the value by its name."""
    pieces = VALUE.split(sentence)
    return re.compile("".join(f"(?P<{one}>.+)" if odd % 2 else re.escape(one) for odd, one in enumerate(pieces)), re.DOTALL)


_REASONS = [(_pattern(sentence), sentence) for sentence in REASONS]
_ERRORS = [(re.compile(pattern, re.DOTALL), sentence) for pattern, sentence in ERRORS]


def reason(text: str) -> str:
    """Of a mail, in the reader's language; what nobody knows any more as it is."""
    for pattern, sentence in _REASONS:
        if found := pattern.fullmatch(text):
            return _(sentence) % {name: reason(value) for name, value in found.groupdict().items()}
    return text


def error(text: str) -> str:
    """Of a mailbox, in the reader's language; what only its server knows in the server's own words."""
    for pattern, sentence in _ERRORS:
        if found := pattern.fullmatch(text):
            return _(sentence) % {name: value.strip() for name, value in found.groupdict().items()}
    return _("The server says: %(text)s") % {"text": text} if text else ""
