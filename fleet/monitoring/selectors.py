"""What pages and the API read, each in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fleet.devices import rules as device_rules
from fleet.devices.models import Device
from fleet.monitoring import metrics, series, words
from fleet.monitoring.models import Alert, AlertQuerySet, DailySample, Health, HourlySample, Layout, Sample
from fleet.monitoring.rules import chart, elements, rollup
from fleet.monitoring.rules.chart import Span
from fleet.monitoring.rules.kinds import GATHERED, Kind, applies
from fleet.monitoring.rules.rooms import DeviceState, RoomState, device_state, worst, worst_first
from fleet.monitoring.services.maintenance import covered, covered_at
from fleet.sites.models import Room, Site

LATELY = timedelta(days=3)
"""Over a weekend: what a device measured last is looked for no further back."""


def with_state(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Each device with its health, but for the reading, which is large, and `alerting`: whether a limit of one of its
    metrics is exceeded."""
    return devices.select_related("health").defer("health__reading").annotate(alerting=alerting())


def alerting() -> Exists:
    """Of a device: an open alert that speaks of it alone, and says more than that it is silent."""
    of_device = Alert.objects.open().filter(device=OuterRef("pk"), quiet_since__isnull=True)
    return Exists(of_device.exclude(kind__in=[Kind.UNREACHABLE, *GATHERED]))


def state_of(device: Device) -> DeviceState:
    """For a device from `with_state`, through `marked` if it may be in maintenance."""
    health = health_of(device)
    status = health.status if health else Health.Status.UNKNOWN
    maintained = device.pk in getattr(device, "maintained", ())
    state = device_state(status, alerting=getattr(device, "alerting", False), maintained=maintained)
    return DeviceState(device.pk, device.name, device.kind, state, health.status_since if health else None, device.room_id)


def marked(devices: Iterable[Device]) -> list[Device]:
    """The same devices, knowing which of them are in maintenance now. One query while nothing is maintained anywhere."""
    rows = list(devices)
    maintained = covered(device_ids=[device.pk for device in rows], at=timezone.now())
    for device in rows:
        device.maintained = maintained  # type: ignore[attr-defined]  # as an annotation would do
    return rows


@dataclass(frozen=True)
class Measured:
    """What some devices measure."""

    metrics: frozenset[str]
    kinds: frozenset[str]
    """Of these devices."""


def measured_by(devices: QuerySet[Device]) -> Measured:
    """The metrics in the last poll that each answered; one long silent counts as its whole kind. Three queries."""
    kinds = dict(devices.order_by().values_list("pk", "kind"))
    last = Sample.objects.filter(polled_at=F("device__health__answered_at"), polled_at__gte=timezone.now() - LATELY)
    layouts = dict(last.filter(device__in=kinds).values_list("device_id", "layout_id"))
    said = Layout.objects.filter(pk__in=set(layouts.values())).values_list("names", flat=True)
    silent = {kind for pk, kind in kinds.items() if pk not in layouts}
    possible = {name for name, metric in metrics.known().items() if any(applies(metric.source, kind) for kind in silent)}
    return Measured(frozenset(possible.union(*said) & metrics.known().keys()), frozenset(kinds.values()))


def health_of(device: Device) -> Health | None:
    """None for a device that is not polled."""
    return getattr(device, "health", None)


def device_states(site: Site) -> list[DeviceState]:
    """Every device of the site in service, worst first. Two queries while nothing is maintained."""
    return worst_first(state_of(device) for device in marked(with_state(site.devices.in_service())))


def room_states(site: Site) -> list[RoomState]:
    """Every room of the site with its devices, as its worst device is; last the devices without a room, where there are any.

    Three queries while nothing is maintained.
    """
    by_room: defaultdict[int | None, list[DeviceState]] = defaultdict(list)
    for device in device_states(site):
        by_room[device.room_id].append(device)
    rooms = Room.objects.filter(site=site).select_related("building").order_by("building__name", "floor", "number")
    states = [_room_state(room, by_room[room.pk]) for room in rooms]
    return [*states, _without_a_room(by_room[None])] if by_room[None] else states


def _without_a_room(devices: list[DeviceState]) -> RoomState:
    state = worst(device.state for device in devices)
    return RoomState(None, _("Without a room"), "", "", 0, teaching=False, state=state, devices=tuple(devices))


def _room_state(room: Room, devices: list[DeviceState]) -> RoomState:
    return RoomState(
        room_id=room.pk,
        number=room.number,
        name=room.name,
        building=room.building.name,
        floor=room.floor,
        teaching=room.teaching,
        state=worst(device.state for device in devices),
        devices=tuple(devices),
    )


WORST_FIRST = Case(
    When(health__status=Health.Status.DOWN, then=Value(0)),
    When(alerting=True, then=Value(1)),
    When(health__status=Health.Status.UP, then=Value(3)),
    default=Value(2),
)
STATE_FILTERS = {
    "down": Q(health__status=Health.Status.DOWN),
    "watch": Q(health__status=Health.Status.UP, alerting=True),
    "unknown": Q(health__isnull=True) | Q(health__status=Health.Status.UNKNOWN),
    "ok": Q(health__status=Health.Status.UP, alerting=False),
}


def in_state(devices: QuerySet[Device], state: str, sites: QuerySet[Site]) -> QuerySet[Device]:
    """Of the devices of these sites those whose pill says so. What is in maintenance is in no other state."""
    maintained = covered_at(sites=sites, at=timezone.now())
    if state == "maintenance":
        return devices.filter(pk__in=maintained)
    return devices.filter(STATE_FILTERS[state]).exclude(pk__in=maintained)


def search(devices: QuerySet[Device], text: str, detailed: Collection[int]) -> QuerySet[Device]:
    """By name or room; in the scopes `detailed`, where more is shown, also by serial, inventory number, address, or a MAC in
    any spelling (also its beginning): what is not shown is not to be found out by searching either."""
    hidden = Q(serial__icontains=text) | Q(asset_tag__icontains=text) | Q(address__startswith=text)
    mac = device_rules.mac_part(text)
    if mac:
        hidden |= Q(interfaces__mac__startswith=mac)
    shown = Q(authority__in=detailed) | Q(site__in=detailed)
    found = devices.filter(Q(name__icontains=text) | Q(room__number__iexact=text) | (shown & hidden))
    return found.distinct() if mac else found


def faults(alerts: AlertQuerySet, now: datetime | None = None) -> AlertQuerySet:
    """Open root causes, worst first: exams, then lessons hit, severity, how much hangs on them, then the oldest.

    Those that are put off (`asleep`) come last.
    """
    critical_first = Case(When(severity=Alert.Severity.CRITICAL, then=0), default=1)
    asleep = Q(snoozed_until__isnull=False, snoozed_until__gt=now or timezone.now())
    folded = Prefetch(
        "suppresses", Alert.objects.open().select_related("device__room").order_by("device__name"), to_attr="folded"
    )
    return (
        alerts.open()
        .root_causes()
        .select_related("device__room", "device__type", "site", "acknowledged_by")
        .annotate(folded_count=Count("suppresses", filter=Q(suppresses__closed_at__isnull=True)))
        .annotate(asleep=ExpressionWrapper(asleep, output_field=BooleanField()))
        .prefetch_related(folded)
        .order_by("asleep", "-rank", critical_first, "-folded_count", "opened_at")
    )


class MetricChart:
    """One metric of one device (or of one element of it) over a span of time, ready to be drawn."""

    def __init__(self, metric: metrics.Metric, line: chart.Line) -> None:
        said = partial(words.quantity, metric.unit)
        self.name = metric.name
        self.title = metric.title.in_language(translation.get_language() or "de")
        self.line = line
        self.low, self.high, self.latest = said(line.low), said(line.high), said(line.latest)
        self.axis = _axis(metric.unit, line)
        self.rows = [(row.at, said(row.said.low), said(row.said.mean), said(row.said.high)) for row in line.rows]


AXIS_Y = (13, 52, 91)
"""Where a chart of 96 pixels writes the value at its top, its middle and its bottom."""


def _axis(unit: str, line: chart.Line) -> list[tuple[int, str]]:
    """[(y, value with unit)], top first; values that read the same stand there once."""
    if line.bottom == line.high:
        return [(AXIS_Y[0], words.quantity(unit, line.high))]
    values = (line.high, (line.high + line.bottom) / 2, line.bottom)
    said = [(y, words.quantity(unit, value)) for y, value in zip(AXIS_Y, values, strict=True)]
    return said if len({text for _y, text in said}) == len(said) else [said[0], said[-1]]


@dataclass(frozen=True)
class History:
    """The charts of a span, and which single ports, radios, … could be looked at instead: (part, key)."""

    charts: list[MetricChart]
    elements: list[tuple[str, str]]


NOT_DRAWN = frozenset({"uptime_s", "on_battery", "radio_clients"})


def history(device_id: int, span: Span, element: tuple[str, str] | None = None) -> History:
    """The metrics of the device as a whole, or of one element. At most three queries."""
    known = metrics.known()
    names = elements.names(element, known) if element else frozenset(known) - NOT_DRAWN
    found = series.read(device_id, span, names.__contains__)
    zone = timezone.get_current_timezone()
    lines = {name.partition(".")[0]: chart.line(points, span, zone) for name, points in found.points.items()}
    charts = [MetricChart(metric, line) for name, metric in known.items() if (line := lines.get(name)) is not None]
    return History(charts, elements.known(found.names, known))


def first_sample(device_id: int) -> datetime | None:
    """Since when there is history of it. Three queries."""
    found = [
        model._default_manager.filter(device_id=device_id).aggregate(first=Min(by))["first"]
        for model, by in ((Sample, "polled_at"), (HourlySample, "begin"), (DailySample, "begin"))
    ]
    return min((at for at in found if at is not None), default=None)


def lines(
    device_id: int, span: Span, names: Collection[str], *, each: bool
) -> tuple[rollup.Grain, dict[str, list[tuple[datetime, rollup.Summary | None]]]]:
    """{name: [(when, what was said)]}, None where nothing was said for longer than usual. At most three queries.

    Polls are gathered into as many points as a chart shows, unless `each` of them is wanted.
    """
    found = series.read(device_id, span, names.__contains__, each=each)
    single = each and found.grain is rollup.Grain.POLL
    step = None if single else chart.step(span)
    return found.grain, {name: chart.with_gaps(points, step) for name, points in found.points.items()}


def charts(device_id: int, begin: datetime, end: datetime) -> list[MetricChart]:
    """The device's metrics between two instants."""
    return history(device_id, Span(begin, end)).charts
