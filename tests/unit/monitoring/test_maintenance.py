"""When a maintenance window holds, and what hangs behind what it covers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fleet.monitoring.rules.maintenance import Plan, Repeats, current, occurrences, over_at, upcoming, with_children

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


ONCE = Plan(at("2026-03-24T22:00"), at("2026-03-25T04:00"))
WEEKLY = replace(ONCE, repeats=Repeats.WEEKLY)
DAILY = replace(ONCE, repeats=Repeats.DAILY)


@pytest.mark.parametrize(
    ("plan", "local", "holds"),
    [
        (ONCE, "2026-03-24T21:59:59", False),
        (ONCE, "2026-03-24T22:00", True),
        (ONCE, "2026-03-25T03:59:59", True),
        (ONCE, "2026-03-25T04:00", False),
        (ONCE, "2026-03-31T23:00", False),
        (WEEKLY, "2026-03-31T22:00", True),  # summer time now: still 22:00 on the clock
        (WEEKLY, "2026-03-31T21:59", False),
        (WEEKLY, "2026-04-01T03:59", True),
        (WEEKLY, "2026-04-01T04:00", False),
        (WEEKLY, "2026-03-17T23:00", False),  # before the first time
        (replace(WEEKLY, repeats_until=date(2026, 3, 30)), "2026-03-31T23:00", False),
        (replace(WEEKLY, repeats_until=date(2026, 3, 31)), "2026-04-01T03:00", True),
        (replace(WEEKLY, interrupted_at=at("2026-03-25T01:00")), "2026-03-25T02:00", False),
        (replace(WEEKLY, interrupted_at=at("2026-03-25T01:00")), "2026-03-25T00:59", True),
        (replace(WEEKLY, interrupted_at=at("2026-03-25T01:00")), "2026-03-31T23:00", True),
        (replace(WEEKLY, ended_at=at("2026-03-25T01:00")), "2026-03-25T02:00", False),
        (replace(WEEKLY, ended_at=at("2026-03-25T01:00")), "2026-03-31T23:00", False),
        (DAILY, "2026-03-28T23:30", True),
        (replace(ONCE, repeats=Repeats.MONTHLY), "2026-04-24T22:00", True),
        (replace(ONCE, repeats=Repeats.MONTHLY), "2026-04-25T22:00", False),
    ],
)
def test_when_a_window_holds(plan: Plan, local: str, holds: bool) -> None:
    assert (current(plan, at(local)) is not None) is holds


@pytest.mark.parametrize(
    ("begin", "end", "begins"), [("02:30", "03:15", "03:00"), ("02:45", "03:30", "03:00"), ("01:30", "03:15", "01:30")]
)
def test_what_would_begin_in_the_hour_that_is_skipped_begins_when_it_is(begin: str, end: str, begins: str) -> None:
    plan = Plan(at(f"2026-03-01T{begin}"), at(f"2026-03-01T{end}"), repeats=Repeats.DAILY)

    night = current(plan, at("2026-03-29T03:05"))

    assert night is not None
    assert night.begins_at == at(f"2026-03-29T{begins}")
    assert night.ends_at == at(f"2026-03-29T{end}")


def test_the_night_in_which_the_clock_is_put_forward_is_an_hour_shorter() -> None:
    night = current(DAILY, at("2026-03-29T01:00"))

    assert night is not None
    assert night.ends_at - night.begins_at == timedelta(hours=5)
    assert night.ends_at == at("2026-03-29T04:00")


def test_a_month_without_that_day_is_left_out() -> None:
    """RFC 5545, 3.3.10: an invalid date is ignored, not moved."""
    monthly = Plan(at("2026-01-31T22:00"), at("2026-01-31T23:00"), repeats=Repeats.MONTHLY)
    days = [one.begins_at.astimezone(BERLIN).date() for one in occurrences(monthly, at("2026-01-01"), at("2026-06-01"))]

    assert days == [
        date(2026, 1, 31),
        date(2026, 3, 31),
        date(2026, 5, 31),
    ]


def test_what_comes_next() -> None:
    following = upcoming(WEEKLY, at("2026-03-25T01:00"))

    assert following is not None
    assert following.begins_at == at("2026-03-31T22:00")
    assert upcoming(ONCE, at("2026-03-25T01:00")) is None


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (ONCE, at("2026-03-25T04:00")),
        (WEEKLY, None),
        (replace(WEEKLY, repeats_until=date(2026, 4, 6)), at("2026-04-01T04:00")),
        (replace(WEEKLY, repeats_until=date(2026, 4, 7)), at("2026-04-08T04:00")),
    ],
)
def test_when_it_is_over_for_good(plan: Plan, expected: datetime | None) -> None:
    assert over_at(plan) == expected


GATEWAY, SWITCH_1, SWITCH_2, ACCESS_POINT, SERVER = range(1, 6)
TREE: Mapping[int, frozenset[int]] = {
    SWITCH_1: frozenset({GATEWAY}),
    SWITCH_2: frozenset({GATEWAY}),
    ACCESS_POINT: frozenset({SWITCH_1}),
    SERVER: frozenset({SWITCH_1, SWITCH_2}),
}


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        (set(), set()),
        ({SWITCH_1}, {SWITCH_1, ACCESS_POINT}),  # the server has another way up
        ({SWITCH_1, SWITCH_2}, {SWITCH_1, SWITCH_2, ACCESS_POINT, SERVER}),
        ({GATEWAY}, {GATEWAY, SWITCH_1, SWITCH_2, ACCESS_POINT, SERVER}),
        ({ACCESS_POINT}, {ACCESS_POINT}),
    ],
)
def test_what_hangs_behind_is_covered_when_every_way_up_is(covered: set[int], expected: set[int]) -> None:
    assert with_children(covered, TREE) == expected


def test_cables_in_a_circle_are_no_maintenance() -> None:
    assert with_children({9}, {1: frozenset({2}), 2: frozenset({1})}) == {9}
