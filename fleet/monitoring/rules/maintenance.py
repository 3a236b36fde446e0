"""When a maintenance window holds, and whom it covers. Clock times are local: 22:00 stays 22:00 all year."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule


class Repeats(StrEnum):
    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


FREQUENCIES: Mapping[Repeats, Literal[1, 2, 3]] = {Repeats.DAILY: DAILY, Repeats.WEEKLY: WEEKLY, Repeats.MONTHLY: MONTHLY}
LONGEST = timedelta(days=31)
"""One occurrence; what is away for longer is taken out of service."""
LOOK_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Occurrence:
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """The first time, and how it goes on. `repeats_until` is the last local day on which an occurrence may begin."""

    begins_at: datetime
    ends_at: datetime
    timezone: str = "Europe/Berlin"
    repeats: Repeats = Repeats.NEVER
    repeats_until: date | None = None
    interrupted_at: datetime | None = None
    """The occurrence going on at this instant ended there; the later ones still come."""
    ended_at: datetime | None = None
    """From here on nothing of it holds any more."""


def occurrences(plan: Plan, begin: datetime, end: datetime) -> list[Occurrence]:
    """Those of which at least a moment lies in [begin, end), in order; shortened where a person ended them early."""
    found = (_shortened(plan, one) for one in _planned(plan, begin, end))
    return [one for one in found if one.begins_at < one.ends_at and one.begins_at < end and one.ends_at > begin]


def _planned(plan: Plan, begin: datetime, end: datetime) -> Iterator[Occurrence]:
    if plan.repeats is Repeats.NEVER:
        yield Occurrence(plan.begins_at, plan.ends_at)
        return
    zone = ZoneInfo(plan.timezone)
    first, last = _clock(plan.begins_at, zone), _clock(plan.ends_at, zone)
    earliest, latest = _clock(begin, zone) - (last - first) - timedelta(days=1), _clock(end, zone) + timedelta(days=1)
    for start in _starts(plan, first).between(earliest, latest, inc=True):
        yield Occurrence(_beginning(start, zone), _instant(start + (last - first), zone))


def _starts(plan: Plan, first: datetime) -> rrule:
    until = None
    if plan.repeats_until is not None:
        until = datetime.combine(plan.repeats_until, datetime.max.time())
    return rrule(FREQUENCIES[plan.repeats], dtstart=first, until=until)


def _clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock shows there, without its zone: repeating reckons in clock times."""
    return instant.astimezone(zone).replace(tzinfo=None)


def _instant(clock: datetime, zone: ZoneInfo) -> datetime:
    """A time that daylight saving skips is taken an hour later, one that comes twice the first time."""
    return clock.replace(tzinfo=zone).astimezone(UTC)


def _beginning(clock: datetime, zone: ZoneInfo) -> datetime:
    """What should begin at a time that daylight saving skips begins when the clock jumps over it."""
    begins_at = _instant(clock, zone)
    jumped = _clock(begins_at, zone) - clock
    minutes = (begins_at - jumped + timedelta(minutes=one) for one in range(int(jumped.total_seconds() // 60)))
    return next((at for at in minutes if _clock(at, zone) > clock), begins_at)


def _shortened(plan: Plan, one: Occurrence) -> Occurrence:
    ends = one.ends_at
    if plan.interrupted_at is not None and one.begins_at <= plan.interrupted_at < ends:
        ends = plan.interrupted_at
    if plan.ended_at is not None:
        ends = min(ends, plan.ended_at)
    return Occurrence(one.begins_at, ends)


def current(plan: Plan, at: datetime) -> Occurrence | None:
    """The occurrence going on at this instant."""
    return next((one for one in occurrences(plan, at, at + timedelta(microseconds=1)) if one.begins_at <= at), None)


def upcoming(plan: Plan, at: datetime) -> Occurrence | None:
    """The next one that has not begun; None if none begins within a year."""
    return next((one for one in occurrences(plan, at, at + LOOK_AHEAD) if one.begins_at > at), None)


def over_at(plan: Plan) -> datetime | None:
    """When the last occurrence ends; None: it goes on for ever."""
    if plan.repeats is Repeats.NEVER:
        return plan.ends_at
    if plan.repeats_until is None:
        return None
    zone = ZoneInfo(plan.timezone)
    first, last = _clock(plan.begins_at, zone), _clock(plan.ends_at, zone)
    latest = _starts(plan, first).before(datetime.combine(plan.repeats_until + timedelta(days=1), datetime.min.time()))
    return plan.ends_at if latest is None else _instant(latest + (last - first), zone)


def with_children(covered: Collection[int], parents: Mapping[int, Iterable[int]]) -> set[int]:
    """And what hangs behind them: a device is covered when all that it hangs on is; `parents` says what that is."""
    found = set(covered)
    while True:
        further = {child for child, above in parents.items() if child not in found and above and found.issuperset(above)}
        if not further:
            return found
        found |= further
