"""What makes a mail count once."""

import hashlib
import re
from datetime import datetime, timedelta

from helpdesk.mail.rules.headers import LONGEST_ID, topic
from helpdesk.mail.rules.incoming import Incoming

MARK = re.compile(r"^(?:\[[^\]]{1,60}\]\s*)+")
"""`[EXTERN]`, `[lehrer-liste]`: what a gateway or a list puts before the subject of its own copy."""
MOST_MARKS = 5
SAME_DELIVERY = timedelta(minutes=10)
"""Within which the copies of a mail come in that says neither its Message-ID nor its date, and within which a gateway may
add words to one of them."""


def storable_id(message_id: str) -> str:
    """A Message-ID as long as a column takes; an endless one by its digest."""
    if len(message_id) <= LONGEST_ID:
        return message_id
    return f"<{hashlib.sha256(message_id.encode()).hexdigest()[:40]}@long.invalid>"


def key_of(mail: Incoming, digest: str, now: datetime) -> str:
    """Its Message-ID; without one what it says, which is the same in each copy; without a date that and when it came.

    `digest`: of its bytes, which count for what cannot be read.
    """
    if mail.message_id:
        return storable_id(mail.message_id)
    if mail.unreadable:
        return _content_id(digest)
    return undated(mail, now)[0] if not mail.date else _content_id(mail.sender.address, mail.date, *_said(mail))


def second_key(mail: Incoming, key: str) -> str:
    """For a mail whose Message-ID another one has already: with what it says, which is the same in each copy."""
    return f"{key[:230]}#{_digest(mail.sender.address, _unmarked(mail.subject), mail.date, *_content(mail))}"


def undated(mail: Incoming, now: datetime) -> list[str]:
    """The keys under which a copy may have come in at most SAME_DELIVERY ago, the present one first; none where a mail says
    itself which one it is."""
    if mail.message_id or mail.date or mail.unreadable:
        return []
    stretch = int(now.timestamp() // SAME_DELIVERY.total_seconds())
    said = (mail.sender.address, *mail.addressed, *_said(mail))
    return [_content_id(str(one), *said) for one in (stretch, stretch - 1)]


def _said(mail: Incoming) -> list[str]:
    return [mail.subject, *_content(mail)]


def _content(mail: Incoming) -> list[str]:
    return [mail.text, mail.quoted, *(one.digest for one in mail.files)]


def _content_id(*parts: str) -> str:
    return f"<{_digest(*parts)}@content.invalid>"


def _digest(*parts: str) -> str:
    return hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:40]


def same_words(mail: Incoming, other: Incoming) -> bool:
    """Whether it was written at the same time, and says the same; a list may have put words of its own around it."""
    if mail.date != other.date:
        return False
    return _content(mail) == _content(other) or (mail.date != "" and _is_within(mail, other))


def _is_within(mail: Incoming, other: Incoming) -> bool:
    short, long = sorted((" ".join(f"{one.text} {one.quoted}".split()) for one in (mail, other)), key=len)
    mine, theirs = ({file.digest for file in one.files} for one in (mail, other))
    return short != "" and short in long and (mine <= theirs or theirs <= mine)


def same(mail: Incoming, sender: str, subject: str) -> bool:
    """Whether what has this Message-ID already is another copy of it, and not another mail by a careless program."""
    mine, other = topic(mail.subject)[:200], topic(subject)[:200]
    bare = _unmarked(mine)
    return mail.sender.address == sender and (mine == other or bare == _unmarked(other) != "")


def _unmarked(subject: str) -> str:
    for _mark in range(MOST_MARKS):
        subject = topic(MARK.sub("", subject))
    return subject
