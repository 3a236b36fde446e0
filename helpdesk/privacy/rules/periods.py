"""From which day on something has been kept long enough."""

from datetime import date, datetime, time, timedelta, tzinfo

FIRST_HOUR = 2
"""Deleting begins in the night."""


def cutoff(day: date, days: int, zone: tzinfo) -> datetime:
    """What began before this instant is due on `day`: whole local days, so that every try of a day means the same."""
    return datetime.combine(day - timedelta(days=days), time.min, tzinfo=zone)


def to_be_stored(days: int, delivered: int) -> bool:
    """A period is a row only where it differs: a later release's better default then reaches everybody else."""
    return days != delivered


def within(days: int, least: int, most: int) -> bool:
    return least <= days <= most


def next_run(now: datetime, done_today: bool) -> datetime:
    """When deleting begins next. `now` in local time."""
    today = now.replace(hour=FIRST_HOUR, minute=0, second=0, microsecond=0)
    if done_today:
        return today + timedelta(days=1)
    return max(today, now)
