"""Which limit holds where: the most specific one."""

import pytest

from fleet.monitoring import metrics
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.rules.limits import Book, Level, Limit, Override, Place

METRICS = metrics.parse(
    """
[heat]
unit = "celsius"
kind = "gauge"
from = "temperatures_c.value"
title = {de = "Wärme", en = "Heat"}
[heat.threshold]
open = 75
clear = 68
hold_s = 600
severity = "warning"
[heat.kinds.ups]
open = 45
clear = 40
hold_s = 600
severity = "critical"
""",
    "m.toml",
)
FILE = Threshold(open=75, clear=68, hold_s=600, severity="warning")
UPS = Threshold(open=45, clear=40, hold_s=600, severity="critical")
OWN = Threshold(open=90, clear=80, hold_s=0, severity="critical")
SWITCH = Place(1, "switch", 10, 100)
SAME_SITE = Place(1, "switch", 10, 101)
ELSEWHERE = Place(1, "switch", 11, 102)
ANOTHER_CITY = Place(2, "switch", 20, 200)


def book(*rows: Override) -> Book:
    return Book(METRICS, rows)


def override(level: Level, threshold: Threshold | None = OWN) -> Override:
    place = {Level.KIND: Place(1, "switch"), Level.SITE: Place(1, site_id=10), Level.DEVICE: SWITCH}[level]
    return Override(level, place, "heat", threshold)


@pytest.mark.parametrize(
    ("level", "place", "expected"),
    [
        (None, SWITCH, Limit(FILE)),
        (None, Place(1, "ups", 10, 103), Limit(UPS)),
        (Level.KIND, SWITCH, Limit(OWN, Level.KIND)),
        (Level.KIND, Place(1, "printer", 10, 104), Limit(FILE)),
        (Level.KIND, ANOTHER_CITY, Limit(FILE)),
        (Level.SITE, SAME_SITE, Limit(OWN, Level.SITE)),
        (Level.SITE, ELSEWHERE, Limit(FILE)),
        (Level.DEVICE, SWITCH, Limit(OWN, Level.DEVICE)),
        (Level.DEVICE, SAME_SITE, Limit(FILE)),
    ],
)
def test_limit(level: Level | None, place: Place, expected: Limit) -> None:
    found = book(override(level)) if level else book()
    assert found.limit("heat", place) == expected
    assert found.thresholds(place).get("heat") == expected.threshold


def test_the_most_specific_wins_and_none_means_no_alert() -> None:
    found = book(override(Level.KIND), override(Level.SITE, None), override(Level.DEVICE, UPS))
    assert found.limit("heat", SWITCH) == Limit(UPS, Level.DEVICE)
    assert found.limit("heat", SAME_SITE) == Limit(None, Level.SITE)
    assert found.thresholds(SAME_SITE) == {}
    assert found.limit("heat", ELSEWHERE) == Limit(OWN, Level.KIND)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level.DEVICE, Limit(None, Level.SITE)),
        (Level.SITE, Limit(OWN, Level.KIND)),
        (Level.KIND, Limit(FILE)),
    ],
)
def test_what_holds_above(level: Level, expected: Limit) -> None:
    found = book(override(Level.KIND), override(Level.SITE, None), override(Level.DEVICE, UPS))
    assert found.above("heat", SWITCH, level) == expected


def test_a_metric_that_nobody_knows_has_no_limit() -> None:
    assert book().limit("cold", SWITCH) == Limit(None)
