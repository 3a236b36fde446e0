"""How a city is."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import estate
from fleet.monitoring.rules.estate import SiteHealth
from fleet.monitoring.rules.rooms import State

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("numbers", "state"),
    [
        ({}, State.OK),
        ({"unknown": 1}, State.UNKNOWN),
        ({"unknown": 1, "maintained": 1}, State.MAINTENANCE),
        ({"maintained": 1, "watch": 1}, State.WATCH),
        ({"watch": 1, "down": 1}, State.DOWN),
    ],
)
def test_a_site_is_as_its_worst_is(numbers: dict[str, int], state: State) -> None:
    site = SiteHealth(1, "A", "school", **numbers)
    assert site.state is state
    assert estate.counts([site])[state] == 1


def test_lessons_hit_come_before_silent_devices() -> None:
    sites = [
        SiteHealth(1, "A", "school", down=1),
        SiteHealth(2, "B", "school", down=40),
        SiteHealth(3, "C", "school", down=2, lessons=6, rank=24_000),
        SiteHealth(4, "D", "school"),
    ]
    assert [site.name for site in estate.worst_first(sites)] == ["C", "B", "A", "D"]


def test_how_many_were_silent() -> None:
    spans = [(NOON - 5 * HOUR, NOON - 3 * HOUR), (NOON - 4 * HOUR, None), (NOON - HOUR, NOON - HOUR / 2)]
    instants = estate.instants(NOON, 6 * HOUR, 7)
    assert instants[0] == NOON - 6 * HOUR
    assert estate.most_silent(spans, instants) == [0, 1, 2, 2, 1, 2, 2]
    assert estate.most_silent([], instants) == [0] * 7
    handed_over = [(NOON - 3 * HOUR, NOON - 2 * HOUR), (NOON - 2 * HOUR, NOON)]
    assert max(estate.most_silent(handed_over, instants)) == 1
