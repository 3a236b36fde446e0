"""What pages and the API read, each in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.utils import translation

from fleet.devices import rules as device_rules
from fleet.devices.models import Device
from fleet.monitoring import metrics, words
from fleet.monitoring.models import Alert, AlertQuerySet, Health, Sample
from fleet.monitoring.rules import chart
from fleet.monitoring.rules.rooms import DeviceState, RoomState, device_state, worst, worst_first
from fleet.sites.models import Room, Site

UNREACHABLE = "unreachable"


def with_state(devices: QuerySet[Device]) -> QuerySet[Device]:
    """Each device with its health and `alerting`: whether a limit of one of its metrics is exceeded."""
    exceeded = Alert.objects.open().filter(device=OuterRef("pk")).exclude(kind=UNREACHABLE)
    return devices.select_related("health").annotate(alerting=Exists(exceeded))


def state_of(device: Device) -> DeviceState:
    """For a device from `with_state`."""
    health = health_of(device)
    state = device_state(health.status if health else Health.Status.UNKNOWN, alerting=getattr(device, "alerting", False))
    return DeviceState(device.pk, device.name, device.kind, state, health.status_since if health else None, device.room_id)


def health_of(device: Device) -> Health | None:
    """None for a device that is not polled."""
    return getattr(device, "health", None)


def device_states(site: Site) -> list[DeviceState]:
    """Every device of the site in service, worst first. One query."""
    return worst_first(state_of(device) for device in with_state(site.devices.in_service()))


def room_states(site: Site) -> list[RoomState]:
    """Every room of the site with its devices, as its worst device is. Two queries."""
    by_room: defaultdict[int | None, list[DeviceState]] = defaultdict(list)
    for device in device_states(site):
        by_room[device.room_id].append(device)
    rooms = Room.objects.filter(site=site).select_related("building").order_by("building__name", "floor", "number")
    return [_room_state(room, by_room[room.pk]) for room in rooms]


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


def search(devices: QuerySet[Device], text: str) -> QuerySet[Device]:
    """By name, serial, inventory number, room, address, or a MAC in any spelling (also its beginning)."""
    found = Q(name__icontains=text) | Q(serial__icontains=text) | Q(asset_tag__icontains=text)
    found |= Q(room__number__iexact=text) | Q(address__startswith=text)
    mac = device_rules.mac_part(text)
    if mac:
        found |= Q(interfaces__mac__startswith=mac)
        return devices.filter(found).distinct()
    return devices.filter(found)


def faults(alerts: AlertQuerySet) -> AlertQuerySet:
    """Open root causes, worst first: critical before warning, then by how much hangs on them, then the oldest."""
    folded = Prefetch(
        "suppresses", Alert.objects.open().select_related("device__room").order_by("device__name"), to_attr="folded"
    )
    return (
        alerts.open()
        .root_causes()
        .select_related("device__room", "device__type", "site", "acknowledged_by")
        .annotate(folded_count=Count("suppresses", filter=Q(suppresses__closed_at__isnull=True)))
        .prefetch_related(folded)
        .order_by(Case(When(severity=Alert.Severity.CRITICAL, then=0), default=1), "-folded_count", "opened_at")
    )


def sites_overview(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Sites with `devices_total`, `devices_down`, `devices_unknown`. One query."""
    active = Q(devices__lifecycle=Device.Lifecycle.ACTIVE)
    return sites.annotate(
        devices_total=Count("devices", filter=active),
        devices_down=Count("devices", filter=active & Q(devices__health__status=Health.Status.DOWN)),
        devices_unknown=Count("devices", filter=active & Q(devices__health__status=Health.Status.UNKNOWN)),
    ).order_by("-devices_down", "name")


class MetricChart:
    """One metric of one device over a span of time, ready to be drawn."""

    def __init__(self, metric: metrics.Metric, line: chart.Line) -> None:
        self.name = metric.name
        self.title = metric.title.in_language(translation.get_language() or "de")
        self.line = line
        self.low, self.high = words.quantity(metric.unit, line.low), words.quantity(metric.unit, line.high)
        self.latest = words.quantity(metric.unit, line.latest)
        self.rows = [
            (row.at, *(words.quantity(metric.unit, value) for value in (row.low, row.mean, row.high))) for row in line.rows
        ]


NOT_DRAWN = frozenset({"uptime_s", "on_battery"})


def charts(device_id: int, begin: datetime, end: datetime) -> list[MetricChart]:
    """The device's metrics between two instants. One query."""
    span = chart.Span(begin, end)
    samples = Sample.objects.filter(device_id=device_id, polled_at__range=(begin, end)).order_by("polled_at")
    rows = list(samples.values_list("polled_at", "values"))
    found: list[MetricChart] = []
    for metric in metrics.known().values():
        line = chart.line([(at, said[metric.name]) for at, said in rows if metric.name in said], span)
        if line is not None and metric.name not in NOT_DRAWN:
            found.append(MetricChart(metric, line))
    return found


def outages(device_id: int, begin: datetime, end: datetime) -> list[chart.Band]:
    """The device's alerts in that time, as marks behind its charts."""
    span = chart.Span(begin, end)
    touching = Alert.objects.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gte=begin), device=device_id, opened_at__lte=end
    )
    return [chart.band(alert.opened_at, alert.closed_at, span, words.fault(alert)) for alert in touching]


def ticks(begin: datetime, end: datetime, parts: int = 4) -> list[datetime]:
    step: timedelta = (end - begin) / parts
    return [begin + step * part for part in range(parts + 1)]


def uplinks(device: Device) -> list[tuple[Device, str]]:
    """[(what it hangs on, the port there)], with states. Two queries."""
    cables = list(device.uplinks.values_list("port__device_id", "port__name"))
    rows = {row.pk: row for row in with_state(Device.objects.filter(pk__in=[parent for parent, _port in cables]))}
    return [(rows[parent], port) for parent, port in cables]


def states(device_ids: Collection[int] | Iterable[int]) -> list[DeviceState]:
    return worst_first(state_of(device) for device in with_state(Device.objects.filter(pk__in=list(device_ids))))
