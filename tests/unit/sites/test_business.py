"""Business time: deadlines over nights, weekends, holidays and daylight saving."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.sites.rules import (
    AROUND_THE_CLOCK,
    Calendar,
    ClockSpan,
    NeverOpenError,
    ServiceHours,
    add_business_time,
    business_seconds_between,
)

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar()
ALWAYS = Calendar(hours=AROUND_THE_CLOCK, free_days={date(2026, 3, 29): "Palmsonntag"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(BERLIN)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        (OFFICE, "2026-03-27T15:00+01:00", 4, "2026-03-30T11:00+02:00"),
        (ALWAYS, "2026-03-28T23:00+01:00", 4, "2026-03-29T04:00+02:00"),
        (ALWAYS, "2026-10-25T00:30+02:00", 4, "2026-10-25T03:30+01:00"),
        (OFFICE, "2026-03-27T15:00+01:00", 1, "2026-03-27T16:00+01:00"),  # closing time, not Monday morning
        (OFFICE, "2026-03-28T12:00+01:00", 0, "2026-03-28T12:00+01:00"),
        (replace(OFFICE, free_days={date(2026, 3, 30): "frei"}), "2026-03-27T15:00+01:00", 4, "2026-03-31T11:00+02:00"),
    ],
)
def test_a_deadline(calendar: Calendar, start: str, hours: int, due: str) -> None:
    assert add_business_time(calendar, at(start), timedelta(hours=hours)) == at(due)


def test_filed_on_sunday_and_answered_five_minutes_after_opening() -> None:
    assert business_seconds_between(OFFICE, at("2026-03-29T19:12+02:00"), at("2026-03-30T08:05+02:00")) == 300


def test_nothing_passes_backwards() -> None:
    assert business_seconds_between(OFFICE, at("2026-03-30T10:00+02:00"), at("2026-03-30T09:00+02:00")) == 0


def test_overlapping_spans_count_once() -> None:
    hours = ServiceHours({0: (ClockSpan(time(8), time(12)), ClockSpan(time(11), time(13)))})
    monday = at("2026-03-30T00:00+02:00")

    assert business_seconds_between(Calendar(hours=hours), monday, monday + timedelta(days=1)) == 5 * 3600


def test_who_never_opens_has_no_deadline() -> None:
    with pytest.raises(NeverOpenError):
        add_business_time(Calendar(hours=ServiceHours({})), at("2026-03-30T00:00+02:00"), timedelta(minutes=1))


YEAR = st.dates(date(2026, 1, 1), date(2026, 12, 31))
INSTANTS = st.builds(lambda day, clock: datetime.combine(day, clock, BERLIN), YEAR, st.times())
DURATIONS = st.integers(0, 60 * 60 * 60).map(lambda seconds: timedelta(seconds=seconds))
FREE = st.sets(YEAR, max_size=40).map(lambda days: dict.fromkeys(days, "frei"))


@given(start=INSTANTS, duration=DURATIONS, free=FREE, more=YEAR)
def test_another_holiday_never_shortens_a_deadline(
    start: datetime, duration: timedelta, free: Mapping[date, str], more: date
) -> None:
    before = add_business_time(replace(OFFICE, free_days=free), start, duration)
    after = add_business_time(replace(OFFICE, free_days={**free, more: "noch einer"}), start, duration)

    assert after >= before


@given(start=INSTANTS, duration=DURATIONS, free=FREE)
def test_until_the_deadline_exactly_the_agreed_time_passes(
    start: datetime, duration: timedelta, free: Mapping[date, str]
) -> None:
    calendar = replace(OFFICE, free_days=free)
    due = add_business_time(calendar, start, duration)

    assert business_seconds_between(calendar, start, due) == duration.total_seconds()
