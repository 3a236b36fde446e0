"""What the API says about calendars, and takes."""

from datetime import date, datetime, time
from typing import Self

from django.utils.translation import gettext as _
from ninja import Field, Schema
from pydantic import model_validator

from fleet.sites.models.calendar import MOST_BUFFER_DAYS
from fleet.web.instants import Day, Instant


class ClockOut(Schema):
    """Monday is 0; an end of 00:00 is the end of the day. Local times."""

    weekday: int
    begins: time
    ends: time


class BellOut(ClockOut):
    number: int


class CalendarOut(Schema):
    """After `known_until` every weekday counts as a school day; `bells_are_assumed` where none are entered."""

    timezone: str
    known_until: date | None
    bells_are_assumed: bool
    bells: list[BellOut]
    naps: list[BellOut]
    service_hours: list[ClockOut]


class LessonOut(Schema):
    number: int
    begins_at: datetime
    ends_at: datetime


class MomentOut(Schema):
    """`moment` is lesson, break, off-hours or free; `why_free` names what makes the day free, null on a school day."""

    at: datetime
    moment: str
    why_free: str | None
    in_exam: bool
    in_nap: bool
    is_known: bool
    lesson: LessonOut | None
    next_lesson: LessonOut | None


class FreeOut(Schema):
    """Both days included. `source`: public (by law), state, file or hand."""

    closure_id: int | None
    name: str
    first_day: date
    last_day: date
    closure: bool
    source: str
    everywhere: bool


class ClosureOut(Schema):
    id: int
    site_id: int | None
    name: str
    first_day: date
    last_day: date


class ClosureIn(Schema):
    name: str = Field(min_length=1, max_length=200)
    first_day: Day
    last_day: Day
    everywhere: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError(_("The last day lies before the first."))
        return self


class ExamOut(Schema):
    id: int
    site_id: int | None
    name: str
    starts_at: datetime
    ends_at: datetime
    buffer_days: int


class ExamIn(Schema):
    name: str = Field(min_length=1, max_length=200)
    starts_at: Instant
    ends_at: Instant
    buffer_days: int = Field(0, ge=0, le=MOST_BUFFER_DAYS)
    everywhere: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError(_("The exam ends before it begins."))
        return self
