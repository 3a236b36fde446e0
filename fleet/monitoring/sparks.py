"""A day of a few devices at a glance: of each the number that tells most of it, hour by hour."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from fleet.monitoring import metrics, series, words
from fleet.monitoring.metrics import Metric
from fleet.monitoring.models import Alert
from fleet.monitoring.rules.chart import Point, Span
from fleet.monitoring.rules.rollup import HOUR, hour_of

HOURS = 24
OF_KIND = {
    "access-point": "clients",
    "wireless-controller": "clients",
    "ups": "battery_charge_percent",
    "printer": "supply_percent",
    "server": "cpu_percent",
    "nas": "cpu_percent",
}
"""What shows best how a kind of device is doing; of all others the traffic."""
FEWEST = 2
"""One hour alone makes no line."""


@dataclass(frozen=True)
class Spark:
    values: list[float | None]
    """Of each of the last HOURS and of the present one; None: nothing was said."""
    said: str
    """The same as a sentence."""


def of(alerts: Collection[Alert], now: datetime) -> dict[int, Spark]:
    """{alert: the last day of its device}, of those that have one. At most three queries."""
    told = {alert.pk: (alert.device_id, _metric(alert)) for alert in alerts}
    span = Span(hour_of(now) - HOURS * HOUR, now)
    points = series.by_hour({(device_id, metric.name) for device_id, metric in told.values()}, span)
    days = {pk: (metric, points[device_id, metric.name]) for pk, (device_id, metric) in told.items()}
    return {pk: _spark(metric, day, span) for pk, (metric, day) in days.items() if len(day) >= FEWEST}


def _metric(alert: Alert) -> Metric:
    """What it is about, or if it is about silence what its device is for."""
    known = metrics.known()
    return known.get(alert.kind) or known[OF_KIND.get(alert.device.kind, "traffic_in_bps")]


def _spark(metric: Metric, day: list[Point], span: Span) -> Spark:
    by_hour = {point.at: point.said.mean for point in day}
    low, high = min(point.said.low for point in day), max(point.said.high for point in day)
    said = {
        "what": metric.title.in_language(translation.get_language() or "de"),
        "low": words.quantity(metric.unit, low),
        "high": words.quantity(metric.unit, high),
    }
    return Spark(
        [by_hour.get(span.begin + hour * HOUR) for hour in range(HOURS + 1)],
        _("%(what)s, last 24 hours: %(low)s to %(high)s") % said,
    )
