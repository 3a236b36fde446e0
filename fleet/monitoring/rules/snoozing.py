"""Until when an alert is put off."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from fleet.sites.rules import Calendar, next_lesson

BEFORE_SCHOOL = time(7)
LONGEST = timedelta(days=92)
"""What nobody wants to hear of for longer is not snoozed, its limit is wrong."""


class Choice(StrEnum):
    HOUR = "hour"
    SCHOOL_DAY = "school-day"
    DATE = "date"


def until(choice: Choice, day: date | None, calendar: Calendar, now: datetime) -> datetime | None:
    """The instant at which the alert comes back; None where that day is missing, over, or too far away.

    `school-day` is seven in the morning of the next school day, today's if that is still to come.
    """
    if choice is Choice.HOUR:
        return now + timedelta(hours=1)
    at = _school_morning(calendar, now) if choice is Choice.SCHOOL_DAY else _morning(calendar, day)
    return at if at is not None and now < at <= now + LONGEST else None


def _school_morning(calendar: Calendar, now: datetime) -> datetime | None:
    lesson = next_lesson(calendar, now)
    while lesson is not None:
        at = _morning(calendar, lesson.begins_at.astimezone(ZoneInfo(calendar.timezone)).date())
        if at is None or at > now:
            return at
        lesson = next_lesson(calendar, at + timedelta(days=1))
    return None


def _morning(calendar: Calendar, day: date | None) -> datetime | None:
    return datetime.combine(day, BEFORE_SCHOOL, tzinfo=ZoneInfo(calendar.timezone)) if day else None
