"""What would be missing, decided from made-up cables, rooms and hours."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from fleet.automation.rules.outlook import (
    Fed,
    Kindred,
    Loss,
    PoeHit,
    Struck,
    lesson_minutes,
    losses,
    people,
    sample,
    site_hit,
    without_counts,
)
from fleet.sites.rules import Bell, Calendar, ExamSpan, LessonSpan

DAY = date(2026, 11, 26)  # a Thursday
BELLS = tuple(Bell(3, number, time(8 + number), time(8 + number, 45)) for number in (1, 2, 3))
SCHOOL = Calendar(timezone="UTC", lessons=BELLS, naps=(Bell(3, 1, time(12), time(14)),))


def at(clock: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(clock), tzinfo=UTC)


GATEWAY, SWITCH, OTHER_SWITCH, POINT, TWO_WAYS, PRINTER, UPPER = range(1, 8)


@pytest.mark.parametrize(
    ("chosen", "cables", "parents", "dark", "cut"),
    [
        ({SWITCH}, [Fed(POINT, SWITCH, feeds=True)], {POINT: {SWITCH}}, {POINT}, set()),
        ({SWITCH}, [Fed(PRINTER, SWITCH, feeds=False)], {PRINTER: {SWITCH}}, set(), {PRINTER}),
        ({GATEWAY}, [Fed(POINT, SWITCH, feeds=True)], {SWITCH: {GATEWAY}, POINT: {SWITCH}}, set(), {SWITCH, POINT}),
        ({SWITCH}, [], {TWO_WAYS: {SWITCH, OTHER_SWITCH}}, set(), set()),
        ({SWITCH, OTHER_SWITCH}, [], {TWO_WAYS: {SWITCH, OTHER_SWITCH}}, set(), {TWO_WAYS}),
        (
            {SWITCH},
            [Fed(TWO_WAYS, SWITCH, feeds=True), Fed(TWO_WAYS, OTHER_SWITCH, feeds=False)],
            {TWO_WAYS: {SWITCH, OTHER_SWITCH}},
            {TWO_WAYS},
            set(),
        ),
        (
            {SWITCH},
            [Fed(TWO_WAYS, SWITCH, feeds=True), Fed(TWO_WAYS, OTHER_SWITCH, feeds=True)],
            {TWO_WAYS: {SWITCH, OTHER_SWITCH}},
            set(),
            set(),
        ),
        ({SWITCH}, [], {SWITCH: {UPPER}, UPPER: {SWITCH}}, set(), {UPPER}),  # a cable in a circle
        ({POINT}, [Fed(POINT, SWITCH, feeds=True)], {POINT: {SWITCH}}, set(), set()),
        (set(), [], {POINT: {SWITCH}}, set(), set()),
    ],
)
def test_what_goes_with_what(
    chosen: set[int], cables: list[Fed], parents: dict[int, set[int]], dark: set[int], cut: set[int]
) -> None:
    assert losses(chosen, cables, parents) == Loss(frozenset(dark), frozenset(cut))


@pytest.mark.parametrize(
    ("begin", "end", "numbers"),
    [
        ("09:00", "09:10", [1]),
        ("09:30", "10:10", [1, 2]),
        ("09:45", "10:00", []),  # a break
        ("08:00", "09:00", []),
        ("13:00", "14:00", []),
    ],
)
def test_lessons_are_hit_and_breaks_are_not(begin: str, end: str, numbers: list[int]) -> None:
    hit = site_hit(1, "Schule", SCHOOL, at(begin), at(end))

    assert [lesson[0] for lesson in hit.lessons] == numbers
    assert not hit.bells_assumed


def test_exams_count_by_the_day_with_the_days_around() -> None:
    exam = ExamSpan("Abitur", at("09:00") + timedelta(days=1), at("12:00") + timedelta(days=1), buffer_days=1)
    calendar = Calendar(timezone="UTC", lessons=BELLS, exams=(exam,))

    assert site_hit(1, "S", calendar, at("20:00"), at("20:10")).exams == ("Abitur",)
    assert site_hit(1, "S", calendar, at("20:00") - timedelta(days=1), at("20:10") - timedelta(days=1)).exams == ()


def test_an_exam_of_a_whole_day_does_not_count_the_day_after() -> None:
    exam = ExamSpan("Abitur", at("00:00") - timedelta(days=1), at("00:00"))

    assert site_hit(1, "S", Calendar(timezone="UTC", exams=(exam,)), at("20:00"), at("20:10")).exams == ()


def test_nap_hours_are_told() -> None:
    assert len(site_hit(1, "Kita", SCHOOL, at("13:00"), at("13:10")).naps) == 1
    assert not site_hit(1, "Kita", SCHOOL, at("14:00"), at("14:10")).naps


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        (None, {"about": None, "fewer_than": None}),
        (0, {"about": 0, "fewer_than": None}),
        (4, {"about": None, "fewer_than": 5}),
        (5, {"about": 5, "fewer_than": None}),
    ],
)
def test_few_people_are_not_told_apart(clients: int | None, said: dict[str, int | None]) -> None:
    assert people(clients) == said


def test_a_single_count_of_few_is_left_out() -> None:
    assert without_counts(Struck(1, "AP", "access-point", "chosen", 1, None, 2)).clients is None
    assert without_counts(Struck(1, "AP", "access-point", "chosen", 1, None, 20)).clients == 20


@pytest.mark.parametrize(
    ("hit", "suffices"),
    [
        (PoeHit("S", ("AP",), 12.0, (("T", 100.0), ("U", 5.0))), True),
        (PoeHit("S", ("AP",), 120.0, (("T", 100.0),)), False),
        (PoeHit("S", ("AP",), None, (("T", 100.0),)), None),
        (PoeHit("S", ("AP",), 12.0), None),
        (PoeHit("S", ("AP",), 120.0, (("T", 100.0),), unknown=("U",)), None),
        (PoeHit("S", ("AP",), 12.0, (("T", 100.0),), unknown=("U",)), True),
        (PoeHit("S", ("AP",), None, (("T", 10.0),), at_least_w=12.0), False),
    ],
)
def test_whether_the_power_of_others_suffices(hit: PoeHit, suffices: bool | None) -> None:
    assert hit.suffices is suffices


def test_minutes_of_lessons_count_once_however_many_devices_were_silent() -> None:
    lessons = [LessonSpan(1, at("09:00"), at("09:45")), LessonSpan(2, at("10:00"), at("10:45"))]
    silent = [(at("08:50"), at("09:10")), (at("09:05"), at("09:15")), (at("09:50"), at("10:05"))]

    assert lesson_minutes(lessons, silent) == 20


def test_a_sample_has_one_of_each_kind_first() -> None:
    devices = [Kindred(pk, "openwrt", "W6", "school") for pk in range(1, 6)]
    devices += [Kindred(6, "openwrt", "W7", "school"), Kindred(7, "labswitch", "S24", "school")]
    devices += [Kindred(8, "openwrt", "W6", "kindergarten")]

    assert sorted(sample(devices, 4)) == [1, 6, 7, 8]
    assert len(sample(devices, 6)) == 6
    assert sample(devices, 99)[:4] == sample(devices, 4)
    assert sample([], 3) == []
