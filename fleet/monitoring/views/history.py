"""A device's past: charts, each with a table that says the same and marks of what happened; and its line of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.devices.models import Device
from fleet.monitoring import selectors, words
from fleet.monitoring.forms import ElementForm
from fleet.monitoring.rules import chart, marks
from fleet.monitoring.rules.chart import Span
from fleet.monitoring.rules.marks import Mark
from fleet.monitoring.rules.rollup import Grain
from fleet.monitoring.selectors import MetricChart
from fleet.monitoring.views import PageRequest
from fleet.people.rules import Action
from fleet.web import happenings
from fleet.web.happenings import Happening

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "1y": timedelta(days=365)}
LOOK_BACK = timedelta(days=30)
ROW_FORMATS = {Grain.POLL: "SHORT_DATETIME_FORMAT", Grain.HOUR: "SHORT_DATE_FORMAT", Grain.DAY: "YEAR_MONTH_FORMAT"}
MOST_TOLD = 100


@require_safe
def history(request: PageRequest, pk: int) -> HttpResponse:
    """A fragment for HTMX, a page without. `?span=24h|7d|1y&element=interfaces.3`; nonsense counts as not given."""
    device = _device(request, pk)
    chosen = request.GET.get("span", "")
    chosen = chosen if chosen in SPANS else "24h"
    end = timezone.now()
    since = selectors.first_sample(device.pk)
    span = chart.fitting(Span(end - SPANS[chosen], end), since)
    element = _element(request.GET.get("element", ""))
    found = selectors.history(device.pk, span, element)
    drawn = drawn_on(happenings.of("device", request.user, device.pk, span.begin, span.end), span)
    context: dict[str, Any] = {
        "device": device,
        "groups": grouped(found.charts),
        "marks": drawn,
        "labels": marks.labels(one.mark for one in drawn),
        "ticks": _ticks(span),
        "row_format": ROW_FORMATS[chart.grain(span)],
        "young_since": since if span.length < SPANS[chosen] else None,
        "chosen": chosen,
        "spans": [("24h", _("24 hours")), ("7d", _("7 days")), ("1y", _("1 year"))],
        "element": ".".join(element) if element else "",
    }
    if found.elements:
        context["form"] = ElementForm(
            elements=_choices(device, found.elements), chosen=context["element"], span=context["chosen"]
        )
    return render(request, "monitoring/pieces/history.html" if request.htmx else "monitoring/history.html", context)


@require_safe
def happened(request: PageRequest, pk: int) -> HttpResponse:
    """The line of time: alerts, outages, notifications, maintenance, changes, tickets; latest first."""
    device = _device(request, pk)
    end = timezone.now()
    entries = happenings.of("device", request.user, device.pk, end - LOOK_BACK, end)[:MOST_TOLD]
    piece = "monitoring/pieces/happened.html" if request.htmx else "monitoring/happened.html"
    return render(request, piece, {"device": device, "entries": entries, "days": LOOK_BACK.days})


def _device(request: PageRequest, pk: int) -> Device:
    devices = Device.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS).select_related("health")
    return get_object_or_404(devices, pk=pk)


# --- marks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """A happening with its place on the charts."""

    mark: Mark
    told: Happening


def drawn_on(told: Sequence[Happening], span: Span) -> list[Drawn]:
    """The latest of what is worth a mark, numbered in order of time."""
    latest = list(islice((one for one in told if one.drawn), marks.MOST))[::-1]
    places = marks.marks([(one.at, span.end if one.lasts else one.until) for one in latest], span)
    return [Drawn(mark, one) for mark, one in zip(places, latest, strict=True)]


# --- charts -----------------------------------------------------------------------------------------------------------


def grouped(charts: Sequence[MetricChart]) -> list[tuple[str, list[MetricChart]]]:
    """[(what they are about, charts)]: what is looked at together stands together."""
    titles = {
        "wireless": _("Wi-Fi"),
        "traffic": _("Network"),
        "power": _("Power and battery"),
        "supplies": _("Supplies"),
        "system": _("The device itself"),
    }
    found: dict[str, list[MetricChart]] = {key: [] for key in titles}
    for one in charts:
        found[GROUPS.get(one.name, "system")].append(one)
    return [(titles[key], rows) for key, rows in found.items() if rows]


GROUPS = {
    "clients": "wireless",
    "radio_clients": "wireless",
    "channel_utilisation_percent": "wireless",
    "traffic_in_bps": "traffic",
    "traffic_out_bps": "traffic",
    "errors_per_s": "traffic",
    "errors_out_per_s": "traffic",
    "poe_power_w": "power",
    "battery_charge_percent": "power",
    "battery_runtime_s": "power",
    "battery_load_percent": "power",
    "on_battery": "power",
    "supply_percent": "supplies",
}
"""Metric -> group; what is not named here belongs to the device itself."""


def _element(said: str) -> tuple[str, str] | None:
    part, dot, key = said.rpartition(".")
    return (part, key) if dot and part and key else None


def _choices(device: Device, elements: list[tuple[str, str]]) -> list[tuple[str, str]]:
    health = selectors.health_of(device)
    reading = health.reading if health else {}
    return [(".".join(one), words.element(one, reading)) for one in elements]


EDGE = 0.04


def _ticks(span: Span) -> list[dict[str, Any]]:
    """At the very edge a tick is drawn and not named: half of its name would be cut off."""
    zone, grain = timezone.get_current_timezone(), chart.grain(span)
    return [_tick(at, span, grain) for at in chart.ticks(span, zone)]


def _tick(at: datetime, span: Span, grain: Grain) -> dict[str, Any]:
    share = span.share(at)
    label = words.tick(at, grain) if EDGE < share < 1 - EDGE else ""
    return {"x": span.x(at), "percent": round(100 * share, 2), "label": label}
