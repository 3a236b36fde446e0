"""How business time runs: only while somebody works for the site.

Reckoned in instants, so daylight saving gives and takes no hour.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from fleet.sites.rules.clock import MIDNIGHT, ONE_DAY, Calendar, ClockSpan, ServiceHours

HORIZON_DAYS = 3 * 366
"""Who is not open within three years is never open."""
NOTHING = timedelta(0)
AROUND_THE_CLOCK = ServiceHours(dict.fromkeys(range(7), (ClockSpan(MIDNIGHT, MIDNIGHT),)), on_free_days=True)


class NeverOpenError(ValueError):
    """Business time that never passes: there are no service hours, or every day is free."""


def add_business_time(calendar: Calendar, start: datetime, duration: timedelta) -> datetime:
    """The first instant at which `duration` of business time has passed since `start`. Raises NeverOpenError."""
    left = duration
    if left <= NOTHING:
        return start
    for opens, closes in _open_from(calendar, start.astimezone(UTC)):
        if left <= closes - opens:
            return (opens + left).astimezone(start.tzinfo)
        left -= closes - opens
    raise NeverOpenError(f"{duration} of business time does not pass within {HORIZON_DAYS} days after {start}")


def business_seconds_between(calendar: Calendar, begin: datetime, end: datetime) -> float:
    """How much business time lies in [begin, end); 0 where `end` is not after `begin`."""
    passed, until = NOTHING, end.astimezone(UTC)
    for opens, closes in _open_from(calendar, begin.astimezone(UTC)):
        if opens >= until:
            break
        passed += min(closes, until) - opens
    return passed.total_seconds()


def _open_from(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """What is left of each open span, from `start` on. All in UTC: within one zone Python subtracts clock times."""
    first = calendar.local(start).date()
    for number in range(HORIZON_DAYS):
        for opens, closes in open_spans(calendar, first + number * ONE_DAY):
            if closes > start:
                yield max(opens, start), closes


def open_spans(calendar: Calendar, day: date) -> list[tuple[datetime, datetime]]:
    """When somebody works on this day, as instants in order; overlapping spans count once."""
    if day in calendar.free_days and not calendar.hours.on_free_days:
        return []
    spans = sorted(calendar.span(day, one.begins, one.ends) for one in calendar.hours.week.get(day.weekday(), ()))
    merged: list[tuple[datetime, datetime]] = []
    for opens, closes in spans:
        if merged and opens <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], closes)
        else:
            merged.append((opens, closes))
    return merged
