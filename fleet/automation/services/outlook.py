"""What it would mean if devices were off for a while. Reads only, in one number of queries for any number of devices."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.inventory import manageable
from fleet.automation.models import Change, Forecast, HostResult, Run
from fleet.automation.rules import outlook as rules
from fleet.automation.rules.outlook import Fed, Impact, Kindred, PoeHit, RoomHit, SiteHit, Struck
from fleet.devices.models import Device, DeviceType, Uplink
from fleet.events.models import Event
from fleet.monitoring.models import Health, Outage
from fleet.monitoring.rules.limits import Level, Place
from fleet.monitoring.rules.severity import WORK_HANGS_ON
from fleet.monitoring.services import limits, parents
from fleet.people.models import User
from fleet.sites.models import Room, Site
from fleet.sites.rules import Calendar, LessonSpan, lessons_between
from fleet.sites.selectors import calendars

DELIVERING = "deliveringPower"
NAME = "automation.forecasts"
EVENTS = {"change.requested"}


def impact(device_ids: Collection[int], begins_at: datetime, ends_at: datetime) -> Impact:
    """What is missing at the schools if these devices are off from then to then. The caller asks who may know it."""
    chosen = {row.pk: row for row in Device.objects.in_service().filter(pk__in=device_ids)}
    sites = {row.site_id for row in chosen.values()}
    above = parents(sites)
    power = _Power(sites)
    lost = rules.losses(list(chosen), power.cables, above)
    others = Device.objects.in_bulk(lost.all - set(chosen))
    devices = {**chosen, **others}
    struck = _struck(devices, lost, _clients(devices))
    known = calendars(site_ids=sites, today=begins_at.date())
    hits = _sites(known, begins_at, ends_at)
    return Impact(
        begins_at.isoformat(),
        ends_at.isoformat(),
        struck,
        _rooms(struck, {hit.id: len(hit.lessons) for hit in hits}),
        hits,
        power.hits(chosen, lost.dark),
    )


def _struck(devices: Mapping[int, Device], lost: rules.Loss, clients: Mapping[int, int]) -> tuple[Struck, ...]:
    def why(pk: int) -> str:
        return "power" if pk in lost.dark else "uplink" if pk in lost.cut else "chosen"

    rows = [
        Struck(row.pk, row.name, row.kind, why(row.pk), row.site_id, row.room_id, clients.get(row.pk))
        for row in devices.values()
    ]
    order = {"chosen": 0, "power": 1, "uplink": 2}
    return tuple(sorted(rows, key=lambda one: (order[one.why], one.name, one.id)))


def _clients(devices: Mapping[int, Device]) -> dict[int, int]:
    """{access point: what was connected when it last answered}. A controller's sum would count them twice."""
    points = [pk for pk, row in devices.items() if row.kind == DeviceType.Kind.ACCESS_POINT]
    said = Health.objects.filter(device_id__in=points).values_list("device_id", "reading__wireless__clients")
    return {pk: count for pk, count in said if isinstance(count, int)}


def _sites(known: Mapping[int, Calendar], begin: datetime, end: datetime) -> tuple[SiteHit, ...]:
    names = Site.objects.filter(pk__in=known).order_by("name").values_list("pk", "name")
    return tuple(rules.site_hit(pk, name, known[pk], begin, end) for pk, name in names)


def _rooms(struck: Iterable[Struck], lessons: Mapping[int, int]) -> tuple[RoomHit, ...]:
    """Rooms with their devices. A lesson is hit where something fails that it hangs on: a printer is not."""
    found: defaultdict[int, list[Struck]] = defaultdict(list)
    for one in struck:
        if one.room_id is not None:
            found[one.room_id].append(one)
    rooms = (
        Room.objects.filter(pk__in=found).select_related("building").order_by("site", "building__name", "floor", "number")
    )
    return tuple(
        RoomHit(
            room.pk,
            room.site_id,
            room.building.name,
            room.number,
            room.name,
            lessons[room.site_id] if room.teaching and _stops_work(found[room.pk]) else 0,
            tuple(one.name for one in found[room.pk]),
        )
        for room in rooms
    )


def _stops_work(devices: Iterable[Struck]) -> bool:
    return any(one.kind in WORK_HANGS_ON for one in devices)


class _Power:
    """Who feeds whom at these sites, as the switches say themselves (POWER-ETHERNET-MIB), else as the ports are known."""

    def __init__(self, site_ids: Collection[int]) -> None:
        switches = Device.objects.in_service().filter(site__in=site_ids, kind=DeviceType.Kind.SWITCH)
        self._switches = {row.pk: row for row in switches.order_by("name")}
        said = Health.objects.filter(device_id__in=self._switches).values_list("device_id", "status", "reading__poe")
        self._up = set[int]()
        self._ports: dict[int, dict[Any, dict[str, Any]]] = {}
        for pk, status, ports in said:
            self._ports[pk] = {one.get("ifIndex"): one for one in ports or [] if isinstance(one, dict)}
            if status == Health.Status.UP:
                self._up.add(pk)
        uplinks = Uplink.objects.filter(device__site__in=site_ids, device__lifecycle=Device.Lifecycle.ACTIVE)
        self._rows = list(
            uplinks.values_list(
                "device_id", "device__name", "device__kind", "port__device_id", "port__if_index", "port__poe"
            )
        )
        self.cables = [
            Fed(device, switch, self._feeds(switch, kind, index, poe=poe))
            for device, _name, kind, switch, index, poe in self._rows
        ]

    def _feeds(self, switch: int, kind: str, index: int | None, *, poe: bool) -> bool:
        said = self._ports.get(switch, {}).get(index)
        if kind not in {DeviceType.Kind.ACCESS_POINT, DeviceType.Kind.OTHER}:
            return False  # a switch on a port that could feed it has a plug of its own
        return said.get("status") == DELIVERING if said else poe

    def hits(self, chosen: Mapping[int, Device], dark: Collection[int]) -> tuple[PoeHit, ...]:
        return tuple(hit for pk in chosen if pk in self._switches and (hit := self._hit(pk, dark, chosen)))

    def _hit(self, switch: int, dark: Collection[int], chosen: Mapping[int, Device]) -> PoeHit | None:
        fed = [(row[1], row[4]) for row in self._rows if row[3] == switch and row[0] in dark]
        if not fed:
            return None
        watts = [self._ports.get(switch, {}).get(index, {}).get("power_w") for _name, index in fed]
        known = [one for one in watts if one is not None]
        total = round(sum(known), 1)
        left = self._spare(switch, chosen)
        spare = sorted(
            ((name, watts) for name, watts in left.items() if watts is not None), key=lambda one: (-one[1], one[0])
        )
        return PoeHit(
            switch=self._switches[switch].name,
            fed=tuple(sorted(name for name, _index in fed)),
            needs_w=total if len(known) == len(watts) else None,
            spare=tuple(spare),
            at_least_w=total,
            unknown=tuple(sorted(name for name, watts in left.items() if watts is None)),
        )

    def _spare(self, switch: int, chosen: Mapping[int, Device]) -> dict[str, float | None]:
        """{other switch of the site that answers: what it could still feed, None where that is not known}"""
        site = self._switches[switch].site_id
        others = [row for pk, row in self._switches.items() if row.site_id == site and pk not in chosen and pk in self._up]
        return {row.name: self._left(row) for row in others if self._ports.get(row.pk)}

    def _left(self, switch: Device) -> float | None:
        drawn = [one["power_w"] for one in self._ports.get(switch.pk, {}).values() if one.get("power_w") is not None]
        place = Place(switch.authority_id, switch.kind, switch.site_id, switch.pk)
        limit = limits.book().limit("poe_power_w", place)
        if (
            not drawn or limit.threshold is None or limit.level is Level.DEFAULT
        ):  # what most switches can is not what this can
            return None
        left: float = limit.threshold.open - sum(drawn)
        return round(max(0.0, left), 1)


# --- before a change ----------------------------------------------------------------------------------------------------


def of_change(change: Change, device_ids: Collection[int] | None = None) -> Impact:
    """If its devices (or these of them) were off for as long as it usually takes."""
    try:
        lasts_s = get(change.playbook).expected_duration_s
    except CatalogueError:
        lasts_s = 60
    begin = max(change.starts_at, change.created_at)
    ids = target_ids(change) if device_ids is None else device_ids
    return impact(ids, begin, begin + timedelta(seconds=lasts_s))


def target_ids(change: Change) -> list[int]:
    return list(change.targets.values_list("device_id", flat=True))


def foresee(event: Event) -> None:
    """Keeps with a change what was to be expected of it when it was asked for. A consumer of the outbox."""
    change = Change.objects.defer("secret_arguments").filter(pk=event.subject_id).first()
    if change is not None:
        keep(change=change)


def keep(*, change: Change) -> Forecast:
    with transaction.atomic():
        row, _made = Forecast.objects.get_or_create(change=change, defaults={"impact": of_change(change).as_json()})
    return row


@dataclass(frozen=True)
class Gap:
    """A device without a preview. `why`: no-check-mode, not-in-service, no-login, offline, unreachable."""

    device: Device
    why: str


def preview_gaps(change: Change, user: User) -> list[Gap]:
    """Of the devices that this person sees, in the order of their names."""
    rows = (
        Device.objects.visible_to(user)
        .filter(change_targets__change=change)
        .select_related("type", "health")
        .order_by("name")
    )
    devices = list(rows)
    blind, ready = _blind(change), {row.pk for row in manageable(devices)}
    failed = _unreached(change)
    found = [(row, _why_not_previewed(row, blind=blind, ready=ready, failed=failed)) for row in devices]
    return [Gap(row, why) for row, why in found if why]


def _why_not_previewed(row: Device, *, blind: bool, ready: Collection[int], failed: Collection[int]) -> str:
    health = getattr(row, "health", None)
    reasons = (
        ("no-check-mode", blind),
        ("not-in-service", row.lifecycle != Device.Lifecycle.ACTIVE),
        ("no-login", row.pk not in ready),
        ("offline", health is not None and health.status == Health.Status.DOWN),
        ("unreachable", row.pk in failed),
    )
    return next((why for why, holds in reasons if holds), "")


def _blind(change: Change) -> bool:
    try:
        return get(change.playbook).check_mode == "none"
    except CatalogueError:
        return True


def _unreached(change: Change) -> set[int]:
    run = change.runs.filter(kind=Run.Kind.PREVIEW, finished_at__isnull=False).order_by("-attempt").first()
    missed = (HostResult.State.UNREACHABLE, HostResult.State.FAILED)
    return set(run.hosts.filter(state__in=missed).values_list("device_id", flat=True)) if run else set()


def to_preview(change: Change, most: int) -> list[int]:
    """The devices that a preview looks at when it looks at no more than `most`: one of each kind first."""
    rows = Device.objects.filter(change_targets__change=change)
    facts = rows.values_list("pk", "type__platform", "type__model", "site__kind")
    return rules.sample([Kindred(*one) for one in facts], most)


# --- and after it ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Silence:
    device: str
    minutes: float
    """As long as it lasted, or so far."""
    expected: bool


@dataclass(frozen=True)
class Outcome:
    """What has happened: who fell silent while the change was carried out, and what lessons lost by it."""

    begins_at: datetime
    ends_at: datetime
    silent: Sequence[Silence] = ()
    lesson_minutes: float = 0.0
    """Minutes of lessons times rooms."""
    rooms: Sequence[str] = field(default=())


def outcome(change: Change, device_ids: Collection[int], forecast: Impact, now: datetime) -> Outcome | None:
    """From the outages of these devices and of everything that the forecast names: of those that began while it was carried
    out, as who was silent before is not silent by it. None before anything was carried out."""
    span = _span(change, now)
    if span is None:
        return None
    expected = {one.id for one in forecast.devices}
    outages = Outage.objects.filter(device_id__in=expected.union(device_ids), started_at__range=span)
    spans: defaultdict[Device, list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in outages.select_related("device__room").order_by("started_at"):
        spans[row.device].append((row.started_at, min(row.ended_at or now, now)))
    silent = [Silence(device.name, _minutes(found), device.pk in expected) for device, found in spans.items()]
    minutes, rooms = _lessons_lost(spans)
    return Outcome(*span, sorted(silent, key=lambda one: (-one.minutes, one.device)), minutes, rooms)


def _span(change: Change, now: datetime) -> tuple[datetime, datetime] | None:
    """From the first execution to the last one's end and what it needs to be measured."""
    runs = change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).order_by("started_at")
    times = list(runs.values_list("started_at", "finished_at"))
    if not times or times[0][0] is None:
        return None
    ends = [end or now for _begin, end in times]
    return times[0][0], min(now, max(*ends, change.state_since, times[0][0]))


def _minutes(spans: Sequence[tuple[datetime, datetime]]) -> float:
    return round(sum(max(0.0, (end - begin).total_seconds()) for begin, end in spans) / 60, 1)


def _lessons_lost(spans: Mapping[Device, Sequence[tuple[datetime, datetime]]]) -> tuple[float, list[str]]:
    by_room: defaultdict[Room, list[tuple[datetime, datetime]]] = defaultdict(list)
    for device, found in spans.items():
        if device.room is not None and device.room.teaching and device.kind in WORK_HANGS_ON:
            by_room[device.room] += found
    if not by_room:
        return 0.0, []
    known = calendars(site_ids={room.site_id for room in by_room})
    total, named = 0.0, []
    for room, found in by_room.items():
        lost = rules.lesson_minutes(_lessons(known[room.site_id], found), found)
        total += lost
        if lost:
            named.append(room.number)
    return round(total, 1), sorted(named)


def _lessons(calendar: Calendar, spans: Sequence[tuple[datetime, datetime]]) -> list[LessonSpan]:
    return lessons_between(calendar, min(begin for begin, _ in spans), max(end for _, end in spans))
