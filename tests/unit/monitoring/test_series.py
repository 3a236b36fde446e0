"""What a plan's numbers make: the same as going through a whole reading makes, and no absurd rate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.monitoring import metrics
from fleet.monitoring.rules import series, values
from fleet.monitoring.rules.series import Poll, Series
from fleet.monitoring.rules.values import COUNTER32, FASTEST_BPS, HEADROOM, Said

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
GIGABIT = 1_000_000_000


@dataclass(frozen=True)
class Cell:
    path: str
    key: int | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    counter_bits: int | None = None


CELLS = (
    Cell("uptime_s"),
    Cell("interfaces.in_octets", 3),
    Cell("interfaces.in_octets", 7),
    Cell("interfaces.speed_bps", 3),
    Cell("interfaces.speed_bps", 7),
    Cell("interfaces.oper", 3),
    Cell("cpu_percent", 0),
    Cell("cpu_percent", 1),
    Cell("ups.on_battery"),
)
SERIES = Series(CELLS, metrics.known())


def numbers(uptime_s: float | None, first: float | None, second: float | None) -> list[float | None]:
    return [uptime_s, first, second, GIGABIT, None, 1, 10, 30, 1.0]


def said(values: list[float | None]) -> dict[str, float]:
    return {name: value for name, value in zip(SERIES.names, values, strict=True) if value is not None}


def after(seconds: float, *given: float | None) -> dict[str, float]:
    before = Poll(NOW, numbers(1_000, 5_000, 6_000))
    return said(SERIES.values(Poll(NOW + timedelta(seconds=seconds), numbers(*given)), before))


def test_elements_that_are_all_set_aside_are_still_told_by_themselves() -> None:
    metric = metrics.known()["errors_per_s"].model_copy(update={"without": {"name": ["lo"]}})
    found = Series((Cell("uptime_s"), Cell(metric.source, 3, {"name": "lo"})), {metric.name: metric})
    before, now = Poll(NOW, [1_000, 0]), Poll(NOW + timedelta(seconds=10), [1_010, 50])
    told = dict(zip(found.names, found.values(now, before), strict=True))
    assert told[metric.name] is None
    assert told[f"{metric.name}.3"] == 5 * metric.scale


def test_elements_are_named_by_their_key_and_folded_over_the_device() -> None:
    assert after(30, 1_030, 3_755_000, 6_000) == {
        "uptime_s": 1_030,
        "cpu_percent": 20,
        "cpu_percent.0": 10,
        "cpu_percent.1": 30,
        "traffic_in_bps": 1_000_000,
        "traffic_in_bps.3": 1_000_000,
        "traffic_in_bps.7": 0,
        "on_battery": 1,
    }


def test_of_the_device_is_what_rules_judge() -> None:
    found = SERIES.values(Poll(NOW, numbers(5, 1, 1)), None)
    assert SERIES.of_the_device(found) == {"uptime_s": 5, "cpu_percent": 20, "on_battery": 1}


@pytest.mark.parametrize(
    ("seconds", "given", "rate_bps"),
    [
        (30, (1_030, 35_000, None), 8_000),
        (30, (1_030, None, 36_000), None),  # it no longer says this one
        (0, (1_000, 35_000, None), None),  # two polls of the same instant
        (-1, (999, 35_000, None), None),  # our clock went back
        (30, (20, 35_000, None), None),  # restarted
        (3_600, (50, 35_000, None), None),  # restarted while nobody asked
        (30, (1_030, 4_000, None), None),  # the counter was reset
        (4, (1_004, 35_000, None), None),  # somebody asked once more: too early to tell
        (5, (1_005, 35_000, None), 48_000),
        (10, (1_001, 10**12, None), None),  # no gigabit interface is that fast
    ],
)
def test_rates(seconds: float, given: tuple[float | None, ...], rate_bps: float | None) -> None:
    assert after(seconds, *given).get("traffic_in_bps.3") == rate_bps


def test_a_32_bit_counter_wraps() -> None:
    before = Poll(NOW, numbers(1_000, COUNTER32 - 1_000, None))
    now = Poll(NOW + timedelta(seconds=30), numbers(1_030, 29_000, None))
    assert said(SERIES.values(now, before))["traffic_in_bps.3"] == 8_000


@pytest.mark.parametrize(
    ("bits", "old", "rate_bps"),
    [(32, 3.0e9, 345_591_279), (64, 3.0e9, None), (None, 3.0e9, None), (64, COUNTER32 - 1_000, None)],
)
def test_a_counter_that_was_set_to_zero_has_not_wrapped(bits: int | None, old: float, rate_bps: float | None) -> None:
    octets = Series((Cell("interfaces.in_octets", 3, counter_bits=bits),), metrics.known())
    found = octets.values(Poll(NOW + timedelta(seconds=30), [1e6]), Poll(NOW, [old]))
    assert found[0] == (pytest.approx(rate_bps, abs=1) if rate_bps else None)


def test_rates_begin_where_the_last_ones_ended_although_somebody_asked_in_between() -> None:
    first = Poll(NOW, numbers(1_000, 5_000, None))
    second = Poll(NOW + timedelta(seconds=2), [1_002, 6_000, 7_000, GIGABIT, None, 2, 50, 70, 0.0])
    base = SERIES.base(second, first)
    assert base == Poll(NOW, [1_002, 5_000, None, GIGABIT, None, 2, 50, 70, 0.0])

    third = Poll(NOW + timedelta(seconds=30), numbers(1_030, 35_000, None))
    assert said(SERIES.values(third, base))["traffic_in_bps.3"] == 8_000
    assert SERIES.base(third, base) is third


@pytest.mark.parametrize(("seconds", "uptime_s"), [(-1, 1_000), (0, 1_000), (2, 1)])
def test_after_a_restart_and_where_our_clock_went_back_all_begins_anew(seconds: float, uptime_s: float) -> None:
    now = Poll(NOW + timedelta(seconds=seconds), numbers(uptime_s, 10, None))
    assert SERIES.base(now, Poll(NOW, numbers(1_000, 5_000, None))) is now
    assert SERIES.base(now, None) is now


def test_numbers_without_those_that_count() -> None:
    found = series.uncounted(CELLS, numbers(1_000, 5_000, 6_000), metrics.known())
    assert found == [1_000, None, None, GIGABIT, None, 1, 10, 30, 1.0]


def test_a_64_bit_counter_does_not_wrap() -> None:
    before = Poll(NOW, numbers(1_000, 2.0**63, None))
    assert "traffic_in_bps" not in said(SERIES.values(Poll(NOW + timedelta(seconds=30), numbers(1_030, 5, None)), before))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.floats(5, 3_600))
def test_no_counters_give_a_negative_or_an_absurd_rate(old: int, new: int, elapsed_s: float) -> None:
    before = Poll(NOW, numbers(10**6, old, old))
    now = Poll(NOW + timedelta(seconds=elapsed_s), numbers(10**6 + elapsed_s, new, new))
    found = said(SERIES.values(now, before))
    assert 0 <= found.get("traffic_in_bps.3", 0) <= GIGABIT * HEADROOM
    assert 0 <= found.get("traffic_in_bps.7", 0) <= FASTEST_BPS * HEADROOM


@pytest.mark.parametrize(
    ("old", "new", "speed_bps", "per_s"),
    [
        (0, 3_000, 10**8, 100),
        (0, 4e9, 10**8, None),  # more than frames fit on the line
        (0, 4e9, None, pytest.approx(4e9 / 30, 0.001)),  # of a line nobody knows, perhaps
        (3e9, 5, 10**8, None),  # cleared by hand
        (COUNTER32 - 10, 20, 10**8, None),
    ],
)
def test_no_port_has_more_errors_than_frames(old: float, new: float, speed_bps: float | None, per_s: float | None) -> None:
    errors = Series((Cell("interfaces.in_errors", 3), Cell("interfaces.speed_bps", 3)), metrics.known())
    found = errors.values(Poll(NOW + timedelta(seconds=30), [new, speed_bps]), Poll(NOW, [old, speed_bps]))
    assert found[0] == per_s


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_it_says_what_going_through_the_reading_says(old: int, new: int) -> None:
    def reading(octets: int, uptime_s: int) -> dict[str, Any]:
        rows = [{"ifIndex": 3, "in_octets": octets, "speed_bps": GIGABIT}, {"ifIndex": 7, "in_octets": 2 * octets}]
        return {"uptime_s": uptime_s, "cpu_percent": [10, 30], "interfaces": rows, "ups": {"on_battery": True}}

    later = NOW + timedelta(seconds=30)
    slow = values.sample(Said(reading(new, 1_030), later), Said(reading(old, 1_000), NOW), metrics.known())
    quick = SERIES.values(Poll(later, numbers(1_030, new, 2 * new)), Poll(NOW, numbers(1_000, old, 2 * old)))
    assert SERIES.of_the_device(quick) == pytest.approx(slow)


def test_numbers_survive_being_packed() -> None:
    given = [None, 0, 2**40, 1.5]
    assert series.unpack(series.pack(given)) == given
