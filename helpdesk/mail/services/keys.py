"""What makes a mail count once."""

import hashlib
import re

from helpdesk.mail.rules.headers import LONGEST_ID, topic
from helpdesk.mail.rules.incoming import Incoming

MARK = re.compile(r"^(?:\[[^\]]{1,60}\]\s*)+")
"""`[EXTERN]`, `[lehrer-liste]`: what a gateway or a list puts before the subject of its own copy."""
MOST_MARKS = 5


def storable_id(message_id: str) -> str:
    """A Message-ID as long as a column takes; an endless one by its digest."""
    if len(message_id) <= LONGEST_ID:
        return message_id
    return f"<{hashlib.sha256(message_id.encode()).hexdigest()[:40]}@long.invalid>"


def key_of(mail: Incoming, digest: str) -> str:
    """Its Message-ID; without one what it says, which is the same in each copy; without a date the bytes themselves."""
    if mail.message_id:
        return storable_id(mail.message_id)
    said = [
        mail.sender.address,
        mail.date or digest,
        mail.subject,
        mail.text,
        mail.quoted,
        *(one.digest for one in mail.files),
    ]
    content = digest if mail.unreadable else "\0".join(said)
    return f"<{hashlib.sha256(content.encode()).hexdigest()[:40]}@content.invalid>"


def same(mail: Incoming, sender: str, subject: str) -> bool:
    """Whether what has this Message-ID already is another copy of it, and not another mail by a careless program."""
    mine, other = topic(mail.subject)[:200], topic(subject)[:200]
    bare = _unmarked(mine)
    return mail.sender.address == sender and (mine == other or bare == _unmarked(other) != "")


def _unmarked(subject: str) -> str:
    for _mark in range(MOST_MARKS):
        subject = topic(MARK.sub("", subject))
    return subject
