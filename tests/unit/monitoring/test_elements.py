"""Ports, radios and sensors are found among the names of what was measured."""

from typing import Any

import pytest

from fleet.monitoring import metrics
from fleet.monitoring.rules import elements

READING: dict[str, Any] = {
    "interfaces": [{"ifIndex": 3, "name": "port3"}, {"ifIndex": 12, "name": "port12", "alias": "Raum 204"}],
    "wireless": {"radios": [{"band": "5"}]},
    "cpu_percent": [3, 5],
    "supplies": None,
}


def test_elements_come_in_the_order_of_the_metrics_and_of_their_numbers() -> None:
    names = [
        "traffic_in_bps.12",
        "traffic_in_bps",
        "traffic_in_bps.3",
        "cpu_percent.0",
        "poe_power_w.3",
        "gone.1",
        "clients",
    ]
    assert elements.known(names, metrics.known()) == [("cpu_percent", "0"), ("interfaces", "3"), ("interfaces", "12")]


def test_a_port_is_shown_with_what_it_feeds() -> None:
    assert elements.names(("interfaces", "3"), metrics.known()) == {
        "traffic_in_bps.3",
        "traffic_out_bps.3",
        "errors_per_s.3",
        "errors_out_per_s.3",
        "poe_power_w.3",
    }


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (("interfaces", "12"), {"ifIndex": 12, "name": "port12", "alias": "Raum 204"}),
        (("wireless.radios", "0"), {"band": "5"}),
        (("wireless.radios", "1"), {}),
        (("interfaces", "1"), {}),
        (("cpu_percent", "1"), {}),
        (("supplies", "0"), {}),
        (("nonsense.of.any.depth", "x"), {}),
    ],
)
def test_what_the_latest_reading_says_of_it(element: tuple[str, str], expected: dict[str, Any]) -> None:
    assert elements.entry(READING, element) == expected
