"""Rolling up keeps count, extremes and mean, in one go or in parts, whatever the layout does meanwhile."""

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.monitoring.rules import rollup
from fleet.monitoring.rules.packing import pack
from fleet.monitoring.rules.rollup import Grain, Packed, Summary

BERLIN = ZoneInfo("Europe/Berlin")


def poll(**values: float | None) -> Packed:
    return Packed(tuple(values), pack(list(values.values())))


def summaries(packed: Packed) -> dict[str, Summary | None]:
    return {name: rollup.summary_at(packed.octets, position) for position, name in enumerate(packed.names)}


def test_what_was_not_said_counts_for_nothing() -> None:
    made = rollup.of_polls([poll(a=1, b=None, c=None), poll(a=4, b=7, c=None), poll(a=4, b=None, c=None)])
    assert summaries(made) == {"a": Summary(3, 1, 3, 4), "b": Summary(1, 7, 7, 7), "c": None}


def test_a_new_interface_within_the_hour_loses_nothing() -> None:
    made = rollup.of_polls([poll(a=1, b=2), poll(a=3, new=9, b=4), poll(b=6)])
    assert made.names == ("a", "b", "new")
    assert summaries(made) == {"a": Summary(2, 1, 2, 3), "b": Summary(3, 2, 4, 6), "new": Summary(1, 9, 9, 9)}


def test_with_one_layout_the_roll_up_keeps_it() -> None:
    assert rollup.of_polls([poll(b=1, a=2), poll(b=3, a=4)]).names == ("b", "a")


values = st.lists(st.floats(-1e9, 1e9, width=32, allow_subnormal=False), min_size=1, max_size=50)


@given(values, values)
def test_hours_make_the_day_that_their_polls_would_have_made(first: list[float], second: list[float]) -> None:
    hours = [rollup.of_polls(poll(x=value) for value in part) for part in (first, second)]
    (day,) = summaries(rollup.of_rollups(hours)).values()
    (whole,) = summaries(rollup.of_polls(poll(x=value) for value in first + second)).values()
    assert day is not None
    assert whole is not None
    assert (day.count, day.low, day.high) == (whole.count, whole.low, whole.high)
    assert math.isclose(day.mean, whole.mean, rel_tol=1e-5, abs_tol=1e-6 * max(map(abs, first + second)))


@given(values)
def test_the_mean_lies_between_the_extremes_and_twice_gives_the_same(said: list[float]) -> None:
    polls = [poll(x=value) for value in said]
    made = rollup.of_polls(polls)
    (found,) = summaries(made).values()
    assert found is not None
    assert found.low <= found.mean <= found.high
    assert rollup.of_polls(polls) == made


@pytest.mark.parametrize(
    ("at", "begin", "hours"),
    [
        (datetime(2026, 11, 25, 12, tzinfo=UTC), datetime(2026, 11, 24, 23, tzinfo=UTC), 24),
        (datetime(2026, 11, 25, 23, 30, tzinfo=UTC), datetime(2026, 11, 25, 23, tzinfo=UTC), 24),
        (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),  # clocks go forward
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),  # and back
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
)
def test_a_day_is_the_one_on_the_wall(at: datetime, begin: datetime, hours: int) -> None:
    assert rollup.day_of(at, BERLIN) == begin
    assert (rollup.end_of(Grain.DAY, begin, BERLIN) - begin).total_seconds() == hours * 3600


def test_an_hour_is_one_of_utc_also_in_the_night_in_which_it_comes_twice() -> None:
    first = datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=BERLIN)
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)
    assert rollup.hour_of(first) == datetime(2026, 10, 25, 0, tzinfo=UTC)
    assert rollup.hour_of(second) == datetime(2026, 10, 25, 1, tzinfo=UTC)
