"""Deadlines out of what happened, as tables; and what must hold for every calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.sites.rules.clock import Calendar
from helpdesk.tickets.rules.sla import (
    Clock,
    Deadlines,
    History,
    Offer,
    Pressure,
    Question,
    Step,
    Terms,
    agreement_for,
    counted,
    deadlines,
    next_step_at,
    pressure,
    running_spans,
    steps_due,
)

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
USUAL = Calendar()
"""Monday to Friday, 8 to 16."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def same(found: datetime | None, expected: str | None) -> bool:
    return found == (at(expected) if expected else None)


def test_filed_on_sunday_and_answered_on_monday_five_past_eight_counts_five_minutes() -> None:
    history = History(at("2026-11-22 18:00"), answers=(at("2026-11-23 08:05"),))

    assert counted(USUAL, history, at("2026-11-23 08:05")) == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("opened", "hours", "always", "due"),
    [
        ("2026-03-27 15:00", 4, False, "2026-03-30 11:00"),
        ("2026-03-28 23:00", 4, True, "2026-03-29 04:00"),
        ("2026-11-22 18:00", 1, False, "2026-11-23 09:00"),
        ("2026-11-23 15:30", 1, False, "2026-11-24 08:30"),
    ],
)
def test_the_first_answer_is_due_in_business_time(opened: str, hours: int, *, always: bool, due: str) -> None:
    terms = Terms(first_response=hours * HOUR, always=always)

    found = deadlines(terms, USUAL, History(at(opened)))

    assert same(found.response, due)
    assert found.next == (at(due), Clock.FIRST_RESPONSE)


def test_around_the_clock_over_the_autumn_change_gives_no_hour_away() -> None:
    terms = Terms(resolution=4 * HOUR, always=True)
    opened = datetime(2026, 10, 25, 0, 30, tzinfo=BERLIN)

    found = deadlines(terms, USUAL, History(opened))

    assert found.resolution == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)  # 03:30 CET


def test_waiting_stops_the_clock_and_coming_back_goes_on_with_the_rest() -> None:
    terms = Terms(resolution=4 * HOUR)
    waiting = (Step(at("2026-11-23 09:00"), "waiting-vendor"),)
    back = (*waiting, Step(at("2026-11-24 10:00"), "open"))

    opened = at("2026-11-23 08:00")

    assert deadlines(terms, USUAL, History(opened, waiting)).resolution is None
    assert same(deadlines(terms, USUAL, History(opened, back)).resolution, "2026-11-24 13:00")


def test_from_one_kind_of_waiting_to_another_nothing_runs() -> None:
    steps = (
        Step(at("2026-11-23 09:00"), "waiting-vendor"),
        Step(at("2026-11-23 10:00"), "waiting-requester"),
        Step(at("2026-11-23 11:00"), "open"),
    )

    assert running_spans(History(at("2026-11-23 08:00"), steps)) == [
        (at("2026-11-23 08:00"), at("2026-11-23 09:00")),
        (at("2026-11-23 11:00"), None),
    ]


def test_a_missed_deadline_stays_missed_while_it_waits() -> None:
    history = History(at("2026-11-23 08:00"), (Step(at("2026-11-23 14:00"), "waiting-vendor"),))

    assert same(deadlines(Terms(resolution=HOUR), USUAL, history).resolution, "2026-11-23 09:00")


def test_news_are_due_after_the_last_answer() -> None:
    answers = (at("2026-11-23 08:10"), at("2026-11-23 15:00"))
    terms = Terms(first_response=HOUR, next_update=2 * HOUR, resolution=40 * HOUR)

    found = deadlines(terms, USUAL, History(at("2026-11-23 08:00"), answers=answers))

    assert found.answered_at == answers[0]
    assert same(found.response, "2026-11-23 09:00")  # kept, and still to be seen
    assert same(found.update, "2026-11-24 09:00")
    assert found.next == (at("2026-11-24 09:00"), Clock.NEXT_UPDATE)


def test_what_is_resolved_has_no_next_deadline_but_can_be_judged() -> None:
    steps = (Step(at("2026-11-23 09:00"), "resolved"), Step(at("2026-12-10 03:00"), "closed"))

    found = deadlines(Terms(first_response=HOUR / 2, resolution=4 * HOUR), USUAL, History(at("2026-11-23 08:00"), steps))

    assert found.next is None
    assert found.resolved_at == at("2026-11-23 09:00")
    assert same(found.resolution, "2026-11-23 12:00")  # kept
    assert found.answered_at == at("2026-11-23 09:00")
    assert same(found.response, "2026-11-23 08:30")  # missed


def test_opened_again_the_rest_goes_on() -> None:
    steps = (Step(at("2026-11-23 09:00"), "resolved"), Step(at("2026-11-25 09:00"), "open"))

    found = deadlines(Terms(resolution=4 * HOUR), USUAL, History(at("2026-11-23 08:00"), steps))

    assert (found.resolved_at, same(found.resolution, "2026-11-25 12:00")) == (None, True)


def test_what_was_said_before_it_was_opened_answers_nothing() -> None:
    before, after = at("2026-11-20 12:00"), at("2026-11-23 10:00")
    terms = Terms(first_response=HOUR)

    found = [deadlines(terms, USUAL, History(at("2026-11-23 08:00"), answers=told)) for told in ((before,), (before, after))]

    assert [one.answered_at for one in found] == [None, after]


def test_nobody_waits_for_an_answer_to_what_monitoring_reported() -> None:
    terms = Terms(first_response=HOUR, next_update=HOUR, resolution=4 * HOUR)

    found = deadlines(terms, USUAL, History(at("2026-11-23 08:00"), asked=False))

    assert (found.response, found.update) == (None, None)
    assert found.next == (at("2026-11-23 12:00"), Clock.RESOLUTION)


def test_nothing_promised_and_never_open_is_no_deadline() -> None:
    from fleet.sites.rules.clock import ServiceHours

    opened = History(at("2026-11-23 08:00"))

    assert deadlines(Terms(), USUAL, opened) == Deadlines()
    assert deadlines(Terms(resolution=HOUR), Calendar(hours=ServiceHours({})), opened).resolution is None


FIRST = datetime(2026, 9, 1, tzinfo=UTC)
moments = st.integers(0, 90 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
states = st.sampled_from(["open", "waiting-vendor", "waiting-requester", "resolved"])


@given(
    opened=moments,
    gaps=st.lists(st.tuples(st.timedeltas(timedelta(minutes=1), timedelta(days=4)), states), max_size=5),
    minutes=st.integers(1, 6000),
    holiday=st.dates(date(2026, 9, 1), date(2026, 12, 24)),
)
def test_adding_a_holiday_never_shortens_a_deadline(
    opened: datetime, gaps: list[tuple[timedelta, str]], minutes: int, holiday: date
) -> None:
    steps, moment = [], opened
    for gap, state in gaps:
        moment += gap
        steps.append(Step(moment, state))
    promise = timedelta(minutes=minutes)
    history = History(opened, tuple(steps))
    terms = Terms(first_response=promise, resolution=promise)

    before = deadlines(terms, USUAL, history)
    after = deadlines(terms, Calendar(free_days={holiday: "Feiertag"}), history)

    for was, now in [(before.response, after.response), (before.resolution, after.resolution)]:
        assert was is None or now is None or now >= was
        assert not (was is None and now is not None)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question(2, "school"), 1),
        (Question(4, "school"), 2),
        (Question(4, "school", frozenset({7, 3})), 3),
        (Question(2, "kindergarten"), 4),
        (Question(4, "kindergarten"), 2),
    ],
)
def test_the_agreement_that_says_most_holds(question: Question, expected: int) -> None:
    offers = [Offer(1), Offer(2, priority=4), Offer(3, category=7), Offer(4, site_kind="kindergarten"), Offer(5)]

    assert agreement_for(question, offers) == expected


def test_without_a_fitting_agreement_nothing_is_promised() -> None:
    assert agreement_for(Question(1, "school"), [Offer(1, priority=4)]) is None


def test_steps_before_and_after_the_deadline() -> None:
    due, steps = at("2026-11-23 12:00"), {3: HOUR, 1: -HOUR, 2: timedelta(0)}

    taken = {hour: steps_due(due, steps, at(f"2026-11-23 {hour}:00")) for hour in (10, 11, 12, 13)}

    assert taken == {10: [], 11: [1], 12: [1, 2], 13: [1, 2, 3]}
    assert same(next_step_at(due, steps, {1}), "2026-11-23 12:00")
    assert next_step_at(due, steps, {1, 2, 3}) is None


@pytest.mark.parametrize(("minutes", "expected"), [(-1, "overdue"), (0, "overdue"), (40, "soon"), (61, "calm")])
def test_pressure(minutes: int, expected: str) -> None:
    now = at("2026-11-23 12:00")

    assert pressure(now + timedelta(minutes=minutes), now) == Pressure(expected)
