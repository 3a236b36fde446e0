"""When a standing order is due: RRULE (RFC 5545) by the clock of its place, so that daylight saving moves it along."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

EVER = frozenset({"FREQ", "INTERVAL", "UNTIL", "BYHOUR", "BYMINUTE"})
ALLOWED = {
    "DAILY": EVER,
    "WEEKLY": EVER | {"BYDAY"},
    "MONTHLY": EVER | {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": EVER | {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"},
}
"""Per frequency: what, day by day, might never hold is looked through to the end of time."""
CHARACTERS = re.compile(r"[A-Z0-9=;,+-]+")
GRACE = timedelta(hours=6)
"""What was missed for longer, because nothing ran, is left out rather than done at another time of day."""
LONGEST_RULE = 300


class RuleError(ValueError):
    """The rule cannot be used; `key` says why (syntax, too-often, never)."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def checked(rule: str, starts_at: datetime, zone: str) -> str:
    """The rule in its usual form. Raises RuleError."""
    text = rule.strip().upper().removeprefix("RRULE:")
    parts = dict(part.partition("=")[::2] for part in text.split(";"))
    if len(text) > LONGEST_RULE or not CHARACTERS.fullmatch(text) or "FREQ" not in parts:
        raise RuleError("syntax")
    if parts["FREQ"] not in ALLOWED or "," in parts.get("BYHOUR", "") or "," in parts.get("BYMINUTE", ""):
        raise RuleError("too-often")
    if not set(parts) <= ALLOWED[parts["FREQ"]]:
        raise RuleError("syntax")
    try:
        first = following(text, starts_at, zone, starts_at - timedelta(seconds=1))
    except (ValueError, TypeError, OverflowError) as error:
        raise RuleError("syntax") from error
    if first is None:
        raise RuleError("never")
    return text


def following(rule: str, starts_at: datetime, zone: str, after: datetime) -> datetime | None:
    """The first instant later than `after`; None when there is none. A clock time that is skipped comes an hour later."""
    place = ZoneInfo(zone)
    first, here = (one.astimezone(place).replace(tzinfo=None) for one in (starts_at, after))
    wall = rrulestr(rule, dtstart=first, ignoretz=True)
    if not isinstance(wall, rrule):
        raise TypeError("one rule only")
    found = wall.after(here)
    if found is None:
        return None
    instant = found.replace(tzinfo=place).astimezone(UTC)
    return instant if instant > after else following(rule, starts_at, zone, after + timedelta(hours=1))


def missed(due_at: datetime, now: datetime) -> bool:
    return now - due_at > GRACE
