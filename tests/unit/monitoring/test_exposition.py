"""Names and numbers as Prometheus wants them."""

import re

import pytest

from fleet.monitoring import metrics
from fleet.monitoring.rules import exposition


@pytest.mark.parametrize(
    ("ours", "theirs", "said", "given"),
    [
        ("traffic_in_bps", "traffic_in_bits_per_second", 1e6, 1e6),
        ("cpu_percent", "cpu_ratio", 12.5, 0.125),
        ("temperature_c", "temperature_celsius", 41, 41),
        ("uptime_s", "uptime_seconds", 90, 90),
        ("poe_power_w", "poe_power_watts", 7.5, 7.5),
        ("errors_per_s", "errors_per_second", 0.25, 0.25),
        ("clients", "clients", 18, 18),
        ("on_battery", "on_battery", 1, 1),
    ],
)
def test_units_are_base_units_and_stand_at_the_end(ours: str, theirs: str, said: float, given: float) -> None:
    metric = metrics.known()[ours]
    assert exposition.name(metric) == f"fleetdesk_device_{theirs}"
    assert exposition.value(metric, said) == given


def test_every_metric_has_a_name_of_its_own_that_prometheus_takes() -> None:
    names = [exposition.name(metric) for metric in metrics.known().values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


@pytest.mark.parametrize(
    ("count", "places"), [(0, []), (1, [0, 0, 0]), (2, [1, 0, 0]), (20, [10, 1, 0]), (100, [50, 5, 0]), (1000, [500, 50, 0])]
)
def test_quantiles_are_found_by_their_place_in_falling_order(count: int, places: list[int]) -> None:
    assert exposition.quantile_places(count) == places


def test_nothing_is_late_where_nothing_is_due() -> None:
    assert exposition.lags([]) == [(["0.5"], 0.0), (["0.95"], 0.0), (["1"], 0.0)]
    assert exposition.lags([1.5, 20, -0.1]) == [(["0.5"], 1.5), (["0.95"], 20), (["1"], 0.0)]
