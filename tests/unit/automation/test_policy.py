"""When a change may happen, why not, and when next. 2026: lessons 8:00–8:45, 8:50–9:35, 9:50–10:35 on school days."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.automation import policy_file
from fleet.automation.policy_file import PolicyError
from fleet.automation.rules.policy import (
    Exams,
    Frozen,
    Place,
    Question,
    Rule,
    Span,
    Times,
    disruption_s,
    later_s,
    verdict,
    without,
)
from fleet.monitoring.rules.maintenance import Plan, Repeats
from fleet.sites.rules import Bell, Calendar, ExamSpan

BERLIN = ZoneInfo("Europe/Berlin")
RULES = policy_file.known().rules
LESSONS = tuple(
    Bell(weekday, number, begins, ends)
    for weekday in range(5)
    for number, begins, ends in (
        (1, time(8), time(8, 45)),
        (2, time(8, 50), time(9, 35)),
        (3, time(9, 50), time(10, 35)),
    )
)
NAPS = tuple(Bell(weekday, 1, time(12), time(14)) for weekday in range(5))
HOLIDAYS = {date(2026, 8, 3) + timedelta(days=day): "Sommerferien" for day in range(43)}
SCHOOL = Calendar(lessons=LESSONS, free_days=HOLIDAYS)
KINDERGARTEN = Calendar(naps=NAPS)
UNTOLD = Calendar()


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def place(calendar: Calendar = SCHOOL, **other: Any) -> Place:
    return Place(1, "Schule A", calendar, **other)


def ask(at: str, *places: Place, risk: str = "medium", lasts: int = 120, **other: Any) -> Question:
    return Question(risk, lasts, local(at), places or (place(),), **other)


def answered(question: Question, rules: Iterable[Rule] = RULES) -> tuple[bool, list[str], str]:
    """(allowed, keys of what blocks, when next in local time)."""
    answer = verdict(question, tuple(rules))
    keys = sorted({reason.key for reason in answer.reasons if reason.blocks})
    return answer.allowed, keys, answer.next_at.astimezone(BERLIN).strftime("%m-%d %H:%M") if answer.next_at else "never"


@pytest.mark.parametrize(
    ("at", "risk", "lasts", "blocked", "next_at"),
    [
        # low without an interruption: any time
        ("2026-06-10T08:10", "low", 0, [], "06-10 08:10"),
        # low with one: between lessons
        ("2026-06-10T08:10", "low", 90, ["lesson"], "06-10 08:45"),
        ("2026-06-10T08:45", "low", 300, [], "06-10 08:45"),
        ("2026-06-10T08:45", "low", 301, ["lesson"], "06-10 09:35"),
        # medium: a change shorter than the break fits into it, a longer one waits for the next long enough
        ("2026-06-10T08:10", "medium", 120, ["lesson"], "06-10 08:45"),
        ("2026-06-10T08:10", "medium", 600, ["lesson"], "06-10 09:35"),
        ("2026-06-10T08:10", "medium", 1800, ["lesson"], "06-10 10:35"),
        ("2026-06-10T07:58", "medium", 121, ["lesson"], "06-10 08:45"),
        ("2026-06-10T07:58", "medium", 120, [], "06-10 07:58"),
        ("2026-06-10T10:35", "medium", 1800, [], "06-10 10:35"),
        # high: outside of school, and half an hour before and after it
        ("2026-06-10T08:47", "high", 60, ["school-day"], "06-10 11:05"),
        ("2026-06-10T07:29", "high", 120, ["school-day"], "06-10 11:05"),
        ("2026-06-10T11:05", "high", 60, [], "06-10 11:05"),
        ("2026-06-12T11:05", "high", 3 * 86400 - 5 * 3600, [], "06-12 11:05"),  # from Friday noon the weekend is long
        # weekends and holidays are free
        ("2026-06-13T08:10", "high", 3600, [], "06-13 08:10"),
        ("2026-08-05T08:10", "high", 3600, [], "08-05 08:10"),
        # a risk that nobody has described is only for windows
        ("2026-06-13T08:10", "reckless", 60, ["window"], "never"),
    ],
)
def test_the_school_day(at: str, risk: str, lasts: int, blocked: list[str], next_at: str) -> None:
    assert answered(ask(at, risk=risk, lasts=lasts)) == (not blocked, blocked, next_at)


@pytest.mark.parametrize(
    ("at", "risk", "lasts", "blocked", "next_at"),
    [
        ("2026-06-10T12:30", "medium", 60, ["nap"], "06-10 14:00"),
        ("2026-06-10T11:59", "medium", 61, ["nap"], "06-10 14:00"),
        ("2026-06-10T10:00", "medium", 60, [], "06-10 10:00"),
        ("2026-06-10T12:30", "low", 0, [], "06-10 12:30"),
        ("2026-06-10T12:30", "low", 60, ["nap"], "06-10 14:00"),
        ("2026-06-10T12:30", "high", 60, ["nap", "school-day"], "06-10 17:00"),
        ("2026-06-13T12:30", "medium", 60, [], "06-13 12:30"),
    ],
)
def test_nobody_disturbs_children_who_sleep(at: str, risk: str, lasts: int, blocked: list[str], next_at: str) -> None:
    question = ask(at, place(KINDERGARTEN), risk=risk, lasts=lasts)

    assert answered(question) == (not blocked, blocked, next_at)


@pytest.mark.parametrize(
    ("at", "allowed", "next_at"),
    [
        ("2026-06-10T06:59", True, "06-10 06:59"),
        ("2026-06-10T07:00", False, "06-10 17:00"),
        ("2026-06-10T17:00", True, "06-10 17:00"),
        ("2026-06-13T12:00", True, "06-13 12:00"),
    ],
)
def test_where_nobody_told_the_bells_the_day_is_seven_to_five_and_the_answer_warns(
    at: str, allowed: bool, next_at: str
) -> None:
    question = ask(at, place(UNTOLD), lasts=30)

    assert answered(question) == (allowed, [] if allowed else ["school-day"], next_at)
    assert [one.key for one in verdict(question, RULES).reasons if not one.blocks] == ["no-calendar"]


EXAM = ExamSpan("Abitur", local("2026-06-10T09:00"), local("2026-06-10T13:00"))


@pytest.mark.parametrize(
    ("at", "risk", "lasts", "buffer_days", "blocked", "next_at"),
    [
        ("2026-06-08T23:59", "medium", 30, 0, [], "06-08 23:59"),
        ("2026-06-08T23:59", "medium", 120, 0, ["exam"], "06-12 00:00"),
        ("2026-06-09T20:00", "medium", 30, 0, ["exam"], "06-12 00:00"),
        ("2026-06-11T23:59", "medium", 30, 0, ["exam"], "06-12 00:00"),
        ("2026-06-09T20:00", "medium", 30, 3, ["exam"], "06-14 00:00"),  # the exam's own buffer is longer
        ("2026-06-08T20:00", "high", 30, 0, ["exam"], "06-13 00:00"),  # two days around for a high risk
        ("2026-06-09T20:00", "low", 30, 0, [], "06-09 20:00"),
        ("2026-06-10T09:10", "low", 0, 0, [], "06-10 09:10"),
        ("2026-06-10T11:00", "low", 30, 0, ["exam"], "06-10 13:00"),
    ],
)
def test_exams_come_first(at: str, risk: str, lasts: int, buffer_days: int, blocked: list[str], next_at: str) -> None:
    calendar = replace(SCHOOL, exams=(replace(EXAM, buffer_days=buffer_days),))

    assert answered(ask(at, place(calendar), risk=risk, lasts=lasts)) == (not blocked, blocked, next_at)


@pytest.mark.parametrize(("margin_days", "next_at"), [(0, "06-11 00:00"), (1, "06-12 00:00"), (2, "06-13 00:00")])
def test_an_exam_of_a_whole_day_keeps_no_more_days_free_than_were_agreed(margin_days: int, next_at: str) -> None:
    """As a calendar feed tells it: from midnight to midnight."""
    calendar = replace(SCHOOL, exams=(ExamSpan("Abitur", local("2026-06-10T00:00"), local("2026-06-11T00:00")),))
    own = (Rule("medium", Times.ANY, exam_margin_days=margin_days),)

    assert answered(ask("2026-06-10T12:00", place(calendar, rules=own))) == (False, ["exam"], next_at)


@pytest.mark.parametrize("risk", ["low", "medium", "high"])
def test_a_freeze_stops_everything(risk: str) -> None:
    frozen = Frozen(local("2026-06-13T00:00"), local("2026-06-20T00:00"), "Umzug")

    assert answered(ask("2026-06-13T12:00", place(frozen=(frozen,)), risk=risk, lasts=0)) == (
        False,
        ["frozen"],
        "06-20 00:00",
    )


PATCH_EVENING = Plan(local("2026-06-02T08:00"), local("2026-06-02T10:00"), repeats=Repeats.WEEKLY)
"""Tuesdays from 8 to 10: an hour at which there are lessons, so that it makes a difference."""


@pytest.mark.parametrize(
    ("at", "risk", "lasts", "blocked", "next_at"),
    [
        ("2026-06-09T08:10", "high", 600, [], "06-09 08:10"),
        ("2026-06-09T08:10", "medium", 600, [], "06-09 08:10"),
        ("2026-06-09T07:40", "high", 600, ["school-day"], "06-09 08:00"),
        ("2026-06-09T09:55", "high", 600, ["school-day"], "06-09 11:05"),  # it would go on after the window's end
        ("2026-06-10T08:10", "high", 600, ["school-day"], "06-10 11:05"),
        ("2026-06-10T08:10", "reckless", 600, ["window"], "06-16 08:00"),
        ("2026-06-10T08:10", "reckless", 3 * 3600, ["window"], "never"),
    ],
)
def test_windows_open_what_the_clock_closes(at: str, risk: str, lasts: int, blocked: list[str], next_at: str) -> None:
    question = ask(at, place(windows=(PATCH_EVENING,)), risk=risk, lasts=lasts)

    assert answered(question) == (not blocked, blocked, next_at)


def test_a_window_opens_neither_exams_nor_freezes() -> None:
    calendar = replace(SCHOOL, exams=(ExamSpan("Test", local("2026-06-09T08:00"), local("2026-06-09T09:00")),))
    frozen = Frozen(local("2026-06-16T00:00"), local("2026-06-17T00:00"), "Umzug")
    here = place(calendar, windows=(PATCH_EVENING,), frozen=(frozen,))

    assert answered(ask("2026-06-09T08:10", here))[:2] == (False, ["exam"])
    assert answered(ask("2026-06-16T08:10", here))[:2] == (False, ["frozen"])


def test_what_touches_several_schools_waits_for_all_of_them() -> None:
    late = Calendar(lessons=(Bell(2, 1, time(8, 45), time(12)),))
    answer = verdict(ask("2026-06-10T08:10", place(), Place(2, "Schule B", late), Place(3, "Kita", UNTOLD)), RULES)

    assert answer.next_at == local("2026-06-10T17:00")
    assert {(one.key, one.details["site"]) for one in answer.reasons if one.blocks} == {
        ("lesson", "Schule A"),
        ("school-day", "Kita"),
    }


def test_an_authority_may_have_agreed_otherwise() -> None:
    own = (Rule("medium", Times.ANY, exams=Exams.IGNORED),)

    assert answered(ask("2026-06-10T08:10", place(rules=own))) == (True, [], "06-10 08:10")


@pytest.mark.parametrize(
    ("roles", "may_run", "allowed"),
    [(set(), set(), True), ({"technician"}, set(), True), ({"technician"}, {"administrator"}, False), ({"a"}, {"a"}, True)],
)
def test_a_playbook_may_be_for_some_roles_only(roles: set[str], may_run: set[str], allowed: bool) -> None:
    question = ask("2026-06-10T20:00", roles=frozenset(roles), may_run=frozenset(may_run))

    assert verdict(question, RULES).allowed is allowed
    assert verdict(replace(question, overridden=True), RULES).allowed is allowed, "the clock can be overridden, a role not"
    assert (verdict(question, RULES).next_at is None) is not allowed


def test_two_people_may_override_the_clock_and_the_reasons_stay_in_sight() -> None:
    answer = verdict(ask("2026-06-10T08:10", overridden=True), RULES)

    assert answer.allowed
    assert [(one.key, one.blocks) for one in answer.reasons] == [("overridden", False), ("lesson", False)]


NIGHT_LESSONS = tuple(Bell(weekday, 1, time(1, 30), time(3, 30)) for weekday in range(7))
"""No school has them; they show whether a night of 23 or 25 hours is reckoned right."""
SPRING, AUTUMN = "2026-03-29", "2026-10-25"


@pytest.mark.parametrize(
    ("begin", "lasts", "allowed", "next_at"),
    [
        (f"{SPRING}T01:15", 900, True, f"{SPRING}T01:15"),
        (f"{SPRING}T01:15", 901, False, f"{SPRING}T03:30"),
        (f"{SPRING}T03:10", 60, False, f"{SPRING}T03:30"),
        (f"{AUTUMN}T01:15", 900, True, f"{AUTUMN}T01:15"),
        (f"{AUTUMN}T02:30", 60, False, f"{AUTUMN}T03:30"),
        (f"{AUTUMN}T03:30", 60, True, f"{AUTUMN}T03:30"),
    ],
)
def test_the_nights_in_which_clocks_change(begin: str, lasts: int, allowed: bool, next_at: str) -> None:
    answer = verdict(ask(begin, place(Calendar(lessons=NIGHT_LESSONS)), lasts=lasts), RULES)

    assert answer.allowed is allowed
    assert answer.next_at == local(next_at).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "hours"), [(SPRING, 1), (AUTUMN, 3)], ids=["the night without two o'clock", "the night with two twos"]
)
def test_how_long_a_lesson_over_the_change_really_is(day: str, hours: int) -> None:
    """From 1:30 to 3:30 there lie one hour in spring and three in autumn: a window that long holds what lasts that long."""
    window = Plan(local(f"{day}T01:30"), local(f"{day}T03:30"))
    always = (Rule("medium", Times.WINDOWS),)
    here = place(windows=(window,))

    assert verdict(ask(f"{day}T01:30", here, lasts=hours * 3600), always).allowed
    assert not verdict(ask(f"{day}T01:30", here, lasts=hours * 3600 + 1), always).allowed


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_days_around_an_exam_end_at_local_midnight_over_the_change(day: str) -> None:
    noon = local(f"{day}T12:00") - timedelta(days=1)
    calendar = replace(SCHOOL, exams=(ExamSpan("Test", noon, noon + timedelta(hours=2)),))
    answer = verdict(ask(f"{day}T12:00", place(calendar)), RULES)

    assert answer.next_at == datetime.combine(noon.date() + timedelta(days=2), time(0), tzinfo=BERLIN)


@given(
    start=st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 20)),  # noqa: DTZ001  (Hypothesis wants them naive)
    risk=st.sampled_from(["low", "medium", "high"]),
    lasts=st.integers(0, 12 * 3600),
)
def test_the_next_time_is_allowed_and_none_before_it_is(start: datetime, risk: str, lasts: int) -> None:
    calendar = replace(SCHOOL, exams=(EXAM,), naps=NAPS)
    asked = Question(risk, lasts, start.replace(tzinfo=UTC), (place(calendar, windows=(PATCH_EVENING,)),))
    answer = verdict(asked, RULES)
    assert answer.next_at is not None

    assert verdict(replace(asked, at=answer.next_at), RULES).allowed
    steps = [asked.at + (answer.next_at - asked.at) * part / 24 for part in range(24)] if not answer.allowed else []
    assert not any(verdict(replace(asked, at=at), RULES).allowed for at in steps)


def test_cutting_open_stretches_out_of_what_is_closed() -> None:
    at = [local(f"2026-06-10T{hour:02}:00") for hour in range(24)]

    left = without([Span(at[8], at[12], "lesson")], [(at[7], at[9]), (at[10], at[11])])

    assert [(one.begins_at, one.ends_at) for one in left] == [(at[9], at[10]), (at[11], at[12])]
    assert without(left, [(at[0], at[23])]) == []


@pytest.mark.parametrize(
    ("risk", "restarts", "expected"),
    [("low", False, 0), ("low", True, 330), ("medium", False, 90), ("medium", True, 330), ("high", False, 90)],
)
def test_how_long_something_is_away(risk: str, restarts: bool, expected: int) -> None:
    assert disruption_s(risk=risk, expected_s=90, restarts=restarts, back_within_s=240) == expected


@pytest.mark.parametrize(("devices", "expected"), [(0, 0), (1, 0), (24, 0), (25, 15), (100, 60)])
def test_the_last_device_of_many_has_its_turn_later(devices: int, expected: int) -> None:
    assert later_s(devices=devices, at_once=24, expected_s=15) == expected


@pytest.mark.parametrize(("later", "allowed"), [(60, True), (105, True), (106, False)])
def test_a_step_of_many_devices_is_over_before_the_bell(later: int, allowed: bool) -> None:
    asked = ask("2026-06-10T07:58", lasts=15, later_s=later)

    assert answered(asked)[0] == allowed


@pytest.mark.parametrize(
    ("at", "planned", "blocked", "next_at"),
    [
        ("2026-06-09T20:00", None, [], "06-09 20:00"),
        ("2026-06-09T20:00", time(3), [], "06-09 20:00"),
        ("2026-06-09T20:00", time(8, 20), ["school-day"], "06-12 11:05"),  # Friday, so that Saturday has it
        ("2026-06-12T20:00", time(8, 20), [], "06-12 20:00"),
        ("2026-06-14T08:17", time(8, 20), ["school-day"], "06-19 11:05"),  # noted down before 8:20 or after it
        ("2026-06-14T08:00", time(8, 20), [], "06-14 08:00"),
    ],
)
def test_what_is_planned_for_later_is_asked_about_too(
    at: str, planned: time | None, blocked: list[str], next_at: str
) -> None:
    assert answered(ask(at, risk="high", lasts=300, planned=planned, planned_s=600)) == (not blocked, blocked, next_at)


def test_what_is_harmless_on_one_device_is_so_on_many() -> None:
    assert answered(ask("2026-06-10T08:10", lasts=10, later_s=3600))[0]


TEXT = policy_file.FILE.read_text()


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('begins = "07:00"', 'begins = "7"', 'policy.toml:19: day.begins: Value error, a time is written "07:00"'),
        ('ends = "17:00"', 'ends = "06:00"', "policy.toml:18: day: Value error, the day must end after it begins"),
        ('times = "outside-school"', 'times = "sometimes"', "policy.toml:51: risk.high.times: Input should be"),
        ("link_days = 7", "link_days = 7\nlnk = 1", "policy.toml:65: patience.lnk: Extra inputs are not permitted"),
        ("request_days = 14", "request_days = 0", "policy.toml:61: patience.request_days: Input should be greater"),
        ("[risk.medium]", "[risk.middling]", "Input should be 'low', 'medium' or 'high'"),
        ("[risk.low]", "[risk.low", "policy.toml: "),
    ],
)
def test_the_file_is_read_strictly(old: str, new: str, problem: str) -> None:
    with pytest.raises(PolicyError) as raised:
        policy_file.parse(TEXT.replace(old, new, 1), "policy.toml")

    assert problem in str(raised.value)
