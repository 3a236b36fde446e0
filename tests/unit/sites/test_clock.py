"""The school clock: what kind of time it is, and when lessons are."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from fleet.sites.rules import (
    Bell,
    Calendar,
    ExamSpan,
    LessonSpan,
    Moment,
    in_exam,
    in_nap,
    lessons_between,
    moment,
    next_lesson,
    sheet,
)

BERLIN = ZoneInfo("Europe/Berlin")
BELLS = tuple(
    bell
    for weekday in range(5)
    for bell in (Bell(weekday, 1, time(8), time(8, 45)), Bell(weekday, 2, time(8, 50), time(9, 35)))
)
SCHOOL = Calendar(lessons=BELLS, free_days={date(2026, 6, 4): "Fronleichnam"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-06-03T07:59:59", Moment.OFF_HOURS),
        ("2026-06-03T08:00", Moment.LESSON),
        ("2026-06-03T08:45", Moment.BREAK),
        ("2026-06-03T08:50", Moment.LESSON),
        ("2026-06-03T09:35", Moment.OFF_HOURS),
        ("2026-06-04T08:10", Moment.FREE),  # a holiday
        ("2026-06-06T08:10", Moment.FREE),  # a Saturday
    ],
)
def test_what_kind_of_time_it_is(local: str, expected: Moment) -> None:
    assert moment(SCHOOL, at(local)) is expected


def test_the_instant_counts_not_the_zone_in_which_it_is_told() -> None:
    assert moment(SCHOOL, datetime(2026, 6, 3, 6, 10, tzinfo=UTC)) is Moment.LESSON  # 08:10 CEST
    assert moment(SCHOOL, datetime(2026, 12, 2, 6, 10, tzinfo=UTC)) is Moment.OFF_HOURS  # 07:10 CET


@pytest.mark.parametrize(("local", "expected"), [("2026-06-03T10:00", Moment.LESSON), ("2026-06-06T10:00", Moment.FREE)])
def test_without_any_data_a_weekday_is_a_school_day(local: str, expected: Moment) -> None:
    assert moment(Calendar(), at(local)) is expected


def test_a_weekday_on_which_this_school_never_teaches_is_free() -> None:
    four_days = Calendar(lessons=tuple(bell for bell in BELLS if bell.weekday != 4))

    assert moment(four_days, at("2026-06-05T08:10")) is Moment.FREE


@pytest.mark.parametrize(
    ("local", "buffer_days", "expected"),
    [
        ("2026-05-04T08:29", 0, False),
        ("2026-05-04T08:30", 0, True),
        ("2026-05-04T13:00", 0, False),
        ("2026-05-03T00:00", 1, True),
        ("2026-05-02T23:59", 1, False),
        ("2026-05-05T23:59", 1, True),
        ("2026-05-06T00:00", 1, False),
    ],
)
def test_an_exam_and_the_days_around_it(local: str, buffer_days: int, expected: bool) -> None:
    exam = ExamSpan("Abitur Mathematik", at("2026-05-04T08:30"), at("2026-05-04T13:00"), buffer_days)

    assert in_exam(Calendar(exams=(exam,)), at(local)) is expected


@pytest.mark.parametrize(("buffer_days", "days"), [(0, [10]), (1, [9, 10, 11])])
def test_an_exam_of_a_whole_day_ends_at_midnight_and_has_nothing_of_the_day_after(buffer_days: int, days: list[int]) -> None:
    exam = ExamSpan("Abitur", at("2026-06-10T00:00"), at("2026-06-11T00:00"), buffer_days)
    calendar = Calendar(lessons=BELLS, exams=(exam,))

    assert [day for day in range(7, 15) if in_exam(calendar, at(f"2026-06-{day:02}T09:00"))] == days
    on_the_wall = [day for week in sheet.weeks(calendar, (), 2026, 6) for day in week if day.mark is sheet.Mark.EXAM]
    assert [one.day.day for one in on_the_wall] == days


def test_the_lessons_that_an_outage_touches() -> None:
    touched = lessons_between(SCHOOL, at("2026-06-03T08:44"), at("2026-06-05T08:00:01"))

    assert [(lesson.number, lesson.begins_at.astimezone(BERLIN).isoformat()) for lesson in touched] == [
        (1, "2026-06-03T08:00:00+02:00"),
        (2, "2026-06-03T08:50:00+02:00"),
        (1, "2026-06-05T08:00:00+02:00"),
    ]
    assert lessons_between(SCHOOL, at("2026-06-03T08:45"), at("2026-06-03T08:50")) == []


def test_lessons_keep_their_clock_time_over_daylight_saving() -> None:
    begins = [one.begins_at for one in lessons_between(SCHOOL, at("2026-03-27T00:00"), at("2026-03-31T00:00"))]

    assert [one.isoformat() for one in begins[::2]] == ["2026-03-27T07:00:00+00:00", "2026-03-30T06:00:00+00:00"]


def test_the_next_lesson_skips_what_is_free() -> None:
    expected = LessonSpan(1, at("2026-06-05T08:00").astimezone(UTC), at("2026-06-05T08:45").astimezone(UTC))

    assert next_lesson(SCHOOL, at("2026-06-03T08:51")) == expected
    assert (
        next_lesson(SCHOOL, at("2026-06-03T08:50"))
        == lessons_between(SCHOOL, at("2026-06-03T08:50"), at("2026-06-03T08:51"))[0]
    )


def test_a_nap_is_no_time_to_come() -> None:
    kindergarten = Calendar(naps=(Bell(2, 1, time(12), time(14)),))

    assert in_nap(kindergarten, at("2026-06-03T13:59"))
    assert not in_nap(kindergarten, at("2026-06-03T14:00"))
    assert not in_nap(kindergarten, at("2026-06-04T13:00"))


def test_what_nobody_has_said_is_not_known() -> None:
    assert not Calendar().is_known(date(2026, 6, 3))
    assert Calendar(known_until=date(2026, 6, 3)).is_known(date(2026, 6, 3))
    assert not Calendar(known_until=date(2026, 6, 3)).is_known(date(2026, 6, 4))
