"""Which mail a report of delivery gives back (RFC 3464, section 2; RFC 6533 for addresses beyond ASCII)."""

import re
from collections.abc import Iterator
from email.message import Message
from itertools import islice

from helpdesk.mail.rules import files, headers
from helpdesk.mail.rules.charsets import decoded

HEADERS = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})
NAMED = ("Message-ID", "Original-Message-ID", "X-Original-Message-ID")
"""The second one in reports that a mail was read (RFC 8098, 3.2.5)."""
MOST = 200
"""Parts that are looked into: a report of a report holds the first mail in its innermost one."""
ID = re.compile(r"(?im)^[> \t]*Message-ID:\s*(<[^<>\s]{1,900}>)")


def ids(report: Message, text: str) -> list[str]:
    """Message-IDs of what came back, the outermost first; last those that stand in the report's own words, as old servers
    write it."""
    found = [one for part in islice(_below(report), MOST) for one in _of(part)]
    return list(dict.fromkeys([*found, *ID.findall(text)]))


def _below(report: Message) -> Iterator[Message]:
    """Every part inside, and inside of what is inside."""
    pending = list(reversed(headers.inner(report)))
    while pending:
        part = pending.pop()
        yield part
        pending += reversed(headers.inner(part))


def _of(part: Message) -> list[str]:
    if part.get_content_type() in HEADERS and not headers.inner(part):
        return ID.findall(decoded(files.content_of(part)[:65536]))
    return [found for name in NAMED if (found := headers.message_id(headers.raw_value(part, name)))]
