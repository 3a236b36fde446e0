"""When a standing order is due: RRULE (RFC 5545) by the clock of its place, so that daylight saving moves it along."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.parser import parse
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
UNTIL = re.compile(r"\d{8}(T\d{6}Z?)?", re.ASCII)
"""RFC 5545, 3.3.10: a day, which counts whole; a time by the clock of the place; or, with a Z, an instant in UTC."""
SKIPPED = timedelta(hours=1)
"""So much a clock is put forward in one night."""
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
    if not set(parts) <= ALLOWED[parts["FREQ"]] or not UNTIL.fullmatch(parts.get("UNTIL", "20000101")):
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
    parts = rule.split(";")
    until = next((part.removeprefix("UNTIL=") for part in parts if part.startswith("UNTIL=")), "")
    wall = rrulestr(";".join(part for part in parts if not part.startswith("UNTIL=")), dtstart=first)
    if not isinstance(wall, rrule):
        raise TypeError("one rule only")
    for found in wall.xafter(here - SKIPPED):
        instant = found.replace(tzinfo=place).astimezone(UTC)
        if instant > after:
            return None if until and _is_over(until, found, instant) else instant
    return None


def _is_over(until: str, wall: datetime, instant: datetime) -> bool:
    end = parse(until)
    if "T" not in until:
        return wall.date() > end.date()
    return (instant if end.tzinfo else wall) > end


def missed(due_at: datetime, now: datetime) -> bool:
    return now - due_at > GRACE
