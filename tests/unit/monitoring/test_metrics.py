"""metrics.toml is strict: a mistake names its file and line."""

import pytest

from fleet.monitoring import metrics
from fleet.monitoring.checks import _answers, check_metrics

GOOD = """
[clients]
unit = "clients"
kind = "gauge"
from = "wireless.clients"
title = {de = "Geräte", en = "Devices"}
[clients.threshold]
open = 5
clear = 2
hold_s = 60
severity = "warning"
"""


def test_ours_is_valid() -> None:
    assert check_metrics() == []
    assert all(metric.title.de and metric.title.en for metric in metrics.known().values())


def test_a_good_one_is_read() -> None:
    limit = metrics.parse(GOOD, "m.toml")["clients"].threshold
    assert limit is not None
    assert (limit.crossed(5), limit.crossed(4), limit.cleared(2), limit.cleared(3)) == (True, False, True, False)


@pytest.mark.parametrize(
    ("old", "new", "place", "key"),
    [
        ('unit = "clients"\n', "", "m.toml:2:", "clients.unit"),
        ('unit = "clients"', 'unit = "apples"', "m.toml:3:", "clients.unit"),
        ("hold_s = 60", "hold_s = 60\nhodl_s = 1", "m.toml:11:", "clients.threshold.hodl_s"),
        ("clear = 2", "clear = 5", "m.toml:7:", "clients.threshold"),
        ("hold_s = 60", 'hold_s = "60"', "m.toml:10:", "clients.threshold.hold_s"),
        ('en = "Devices"', 'fr = "Appareils"', "m.toml:6:", "clients.title"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, place: str, key: str) -> None:
    with pytest.raises(metrics.MetricsError) as caught:
        metrics.parse(GOOD.replace(old, new), "m.toml")
    assert any(line.startswith(place) and key in line for line in str(caught.value).splitlines()), caught.value


@pytest.mark.parametrize(
    ("path", "known"),
    [("wireless.radios.clients", True), ("cpu_percent", True), ("wireless.radio.clients", False), ("wireless", False)],
)
def test_a_source_must_be_something_that_a_reading_has(path: str, *, known: bool) -> None:
    assert _answers(path.split(".")) is known


UNLIMITED = {"uptime_s", "radio_clients", "traffic_in_bps", "traffic_out_bps"}
"""metrics.toml says why."""


def test_every_metric_has_a_limit_as_delivered_or_a_reason_to_have_none() -> None:
    without = {name for name, metric in metrics.known().items() if metric.threshold is None and not metric.kinds}
    assert without == UNLIMITED


@pytest.mark.parametrize(
    ("metric", "kind", "opens_at"),
    [
        ("temperature_c", "switch", 75),
        ("temperature_c", "ups", 45),
        ("clients", "access-point", 60),
        ("clients", "switch", None),
    ],
)
def test_a_kind_may_have_its_own(metric: str, kind: str, opens_at: float | None) -> None:
    limit = metrics.known()[metric].default(kind)
    assert (limit.open if limit else None) == opens_at
