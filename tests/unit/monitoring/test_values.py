"""From readings to numbers: rates are never negative and never absurd."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.monitoring import metrics
from fleet.monitoring.rules import values
from fleet.monitoring.rules.values import COUNTER32, Said

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
GIGABIT = 1_000_000_000
MOST = GIGABIT / 8 * 1.2


def reading(octets: int, uptime_s: int = 10_000, speed_bps: int | None = GIGABIT) -> dict[str, Any]:
    interface = {"ifIndex": 1, "in_octets": octets, "out_octets": 0, "in_errors": 0, "speed_bps": speed_bps}
    return {"uptime_s": uptime_s, "interfaces": [interface]}


@pytest.mark.parametrize(
    ("old", "new", "most", "expected"),
    [
        (1000, 31_000, MOST, 1000.0),
        (COUNTER32 - 1000, 29_000, MOST, 1000.0),  # a 32-bit counter wrapped
        (5000, 1000, MOST, None),  # taken for a wrap, more than the interface can carry: it was reset
        (COUNTER32 * 5, 1000, MOST, None),  # a 64-bit counter does not wrap
        (0, 30 * GIGABIT, MOST, None),  # nothing is that fast
        (COUNTER32 - 10, 20, None, 1.0),  # speed unknown, a small step over the edge
        (1000, 500, None, None),  # speed unknown, most of the way around: it was reset
        (3 * 10**9, 10**6, None, None),  # a third of the way around: more likely a counter of 64 bits that was reset
        (7, 7, None, 0.0),
    ],
)
def test_rate(old: int, new: int, most: float | None, expected: float | None) -> None:
    assert values.rate(old, new, 30, most) == expected


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.floats(1, 3600))
def test_no_two_counter_values_give_a_negative_or_an_absurd_rate(old: int, new: int, elapsed_s: float) -> None:
    found = values.rate(old, new, elapsed_s, MOST)
    assert found is None or 0 <= found <= MOST


@pytest.mark.parametrize(
    ("before_s", "now_s", "elapsed_s", "restarted"),
    [
        (1000, 1030, 30, False),
        (1000, 1028, 30, False),  # clocks differ
        (1000, 20, 30, True),
        (50, 3000, 3600, True),  # long unheard: it has run less than it would have had to
        (None, 5, 30, False),
        (42_949_672, 10, 30, True),  # sysUpTime wrapped after 497 days: one interval without rates
    ],
)
def test_a_restart_shows_in_the_uptime(before_s: int | None, now_s: int, elapsed_s: int, *, restarted: bool) -> None:
    assert values.rebooted(before_s, now_s, elapsed_s) is restarted


def test_a_sample_holds_gauges_of_now_and_rates_since_before() -> None:
    before = Said(reading(0, uptime_s=100), NOW - timedelta(seconds=30))
    sample = values.sample(Said(reading(3_750_000, uptime_s=130), NOW), before, metrics.known())
    assert sample["traffic_in_bps"] == 1_000_000
    assert sample["uptime_s"] == 130
    assert "traffic_in_bps" not in values.sample(Said(reading(5), NOW), None, metrics.known())


def test_a_moment_later_there_is_no_rate_yet() -> None:
    before = Said(reading(0, uptime_s=100), NOW - timedelta(seconds=1))
    assert "traffic_in_bps" not in values.sample(Said(reading(3_750_000, uptime_s=101), NOW), before, metrics.known())


def test_after_a_restart_there_is_no_rate() -> None:
    before = Said(reading(3_750_000, uptime_s=100), NOW - timedelta(seconds=30))
    assert "traffic_in_bps" not in values.sample(Said(reading(10, uptime_s=5), NOW), before, metrics.known())


def test_the_busiest_interface_counts_and_flags_become_numbers() -> None:
    said = {
        "uptime_s": 5,
        "ups": {"on_battery": True, "charge_percent": None},
        "cpu_percent": [10, 30],
        "supplies": [{"percent": 80}, {"percent": 4}, {"percent": None}, {"kind": "input", "percent": 0}],
        "wireless": None,
    }
    assert values.gauges(said, metrics.known()) == {"uptime_s": 5, "on_battery": 1, "cpu_percent": 20, "supply_percent": 4}
