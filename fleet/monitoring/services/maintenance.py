"""Maintenance windows: whom one covers now; planning, ending and taking them back."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from fleet.devices.models import Device, DeviceQuerySet
from fleet.events.services import Fact, emit
from fleet.monitoring.models import MaintenanceQuerySet, MaintenanceWindow, Outage
from fleet.monitoring.rules import maintenance as rules
from fleet.monitoring.rules.maintenance import Occurrence, Plan
from fleet.monitoring.services import doubts
from fleet.monitoring.services.neighbours import parents
from fleet.people.models import User
from fleet.sites.models import Site
from fleet.sites.services import hold_alone


def covered(*, device_ids: Collection[int], at: datetime) -> set[int]:
    """Those of the devices that are in a maintenance window at this instant, children of covered ones included.

    One query while nothing is maintained anywhere, six otherwise.
    """
    if not device_ids:
        return set()
    windows = active(MaintenanceWindow.objects.all(), at)
    if not windows:
        return set()
    sites = {*Device.objects.filter(pk__in=device_ids).values_list("site_id", flat=True)}
    return _covered(windows, sites) & set(device_ids)


def next_end(*, at: datetime) -> datetime | None:
    """When the first of the windows is over that hold now, wherever it is."""
    going_on = (rules.current(window.plan, at) for window in active(MaintenanceWindow.objects.all(), at))
    return min((one.ends_at for one in going_on if one is not None), default=None)


def windows_over(*, device: Device, at: datetime) -> list[tuple[MaintenanceWindow, Occurrence]]:
    """Why this device is in maintenance, and until when; those behind whose devices it hangs included."""
    parents_there = parents([device.site_id])
    found = []
    for window in active(MaintenanceWindow.objects.filter(authority=device.authority_id), at):
        occurrence = rules.current(window.plan, at)
        if occurrence and device.pk in rules.with_children(targets([window], [device.site_id]), parents_there):
            found.append((window, occurrence))
    return found


def covered_at(*, sites: QuerySet[Site], at: datetime) -> set[int]:
    """All covered devices of these sites. One query while nothing is maintained anywhere, six otherwise."""
    windows = active(MaintenanceWindow.objects.all(), at)
    if not windows:
        return set()
    named = {window.site_id for window in windows if window.site_id}
    everywhere = {window.authority_id for window in windows if not window.site_id}
    touched = sites.filter(Q(pk__in=named) | Q(authority_id__in=everywhere)).values_list("pk", flat=True)
    return _covered(windows, set(touched))


def _covered(windows: Iterable[MaintenanceWindow], site_ids: Collection[int]) -> set[int]:
    return rules.with_children(targets(windows, site_ids), parents(site_ids))


def active(windows: MaintenanceQuerySet, at: datetime) -> list[MaintenanceWindow]:
    """Those of which an occurrence is going on, with their devices. One query if there is none, else two."""
    return [row for row in windows.perhaps_active(at).prefetch_related("devices") if rules.current(row.plan, at)]


def targets(windows: Iterable[MaintenanceWindow], site_ids: Collection[int]) -> set[int]:
    """The devices in service at these sites that the windows name themselves. One query."""
    rows = Device.objects.in_service().filter(site__in=site_ids).values_list("pk", "site_id", "kind", "authority_id")
    known = [_Known(*row) for row in rows]
    return {one.pk for window in windows for one in _within(window, known)}


class _Known(NamedTuple):
    pk: int
    site_id: int
    kind: str
    authority_id: int


def _within(window: MaintenanceWindow, known: list[_Known]) -> list[_Known]:
    if window.covers == MaintenanceWindow.Covers.DEVICES:
        chosen = {device.pk for device in window.devices.all()}
        return [one for one in known if one.pk in chosen]
    return [one for one in known if _at_place(window, one)]


def _at_place(window: MaintenanceWindow, one: _Known) -> bool:
    here = window.site_id == one.site_id if window.site_id else window.authority_id == one.authority_id
    return here and window.kind in {"", one.kind}


@dataclass(frozen=True)
class Planned:
    """What a person plans. `device_ids` only with `covers` of devices, `kind` only with that of a kind."""

    covers: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    site: Site | None = None
    kind: str = ""
    device_ids: Collection[int] = ()
    repeats: str = MaintenanceWindow.Repeating.NEVER
    repeats_until: date | None = None

    @property
    def plan(self) -> Plan:
        return Plan(
            begins_at=self.starts_at,
            ends_at=self.ends_at,
            timezone=self.timezone,
            repeats=rules.Repeats(self.repeats),
            repeats_until=self.repeats_until,
        )

    @property
    def timezone(self) -> str:
        return self.site.timezone if self.site else settings.TIME_ZONE


def foreseen(*, authority_id: int, planned: Planned) -> list[Device]:
    """The devices that such a window would cover, those behind them included, by site and room. Five queries."""
    here = {"pk": planned.site.pk} if planned.site else {"authority_id": authority_id}
    sites = set(Site.objects.filter(**here).values_list("pk", flat=True))
    rows = Device.objects.in_service().filter(site__in=sites)
    if planned.covers == MaintenanceWindow.Covers.DEVICES:
        rows = rows.filter(pk__in=planned.device_ids)
    elif planned.kind:
        rows = rows.filter(kind=planned.kind)
    found = rules.with_children(set(rows.values_list("pk", flat=True)), parents(sites))
    devices = Device.objects.filter(pk__in=found).select_related("site", "room__building")
    return list(devices.order_by("site__name", "room__number", "name"))


@transaction.atomic
def plan(*, authority_id: int, planned: Planned, by: User | None) -> MaintenanceWindow:
    """The same planned twice is one, also by two clicks at once."""
    hold_alone(authority_id=authority_id, site_id=planned.site.pk if planned.site else None)
    values: dict[str, Any] = {
        "authority_id": authority_id,
        "site": planned.site,
        "covers": planned.covers,
        "kind": planned.kind,
        "starts_at": planned.starts_at,
        "ends_at": planned.ends_at,
        "timezone": planned.timezone,
        "repeats": planned.repeats,
        "repeats_until": planned.repeats_until,
        "reason": planned.reason,
    }
    for twin in MaintenanceWindow.objects.filter(**values, made_by=by, ended_at=None):
        if {device.pk for device in twin.devices.all()} == set(planned.device_ids):
            return twin
    window = MaintenanceWindow.objects.create(**values, made_by=by, over_at=rules.over_at(planned.plan))
    window.devices.set(planned.device_ids)
    tell("maintenance.planned", window, by)
    return window


def end_early(*, window: MaintenanceWindow, at: datetime, by: User | None) -> bool:
    """What is going on now ends now; a repeating one comes again next time. False if nothing is going on."""
    if rules.current(window.plan, at) is None:
        return False
    once = window.repeats == MaintenanceWindow.Repeating.NEVER
    return _ended(window, {"ended_at": at, "over_at": at} if once else {"interrupted_at": at}, by)


def stop(*, window: MaintenanceWindow, at: datetime, by: User | None) -> bool:
    """Nothing of it holds from now on. False if it is over already."""
    return _ended(window, {"ended_at": at, "over_at": at}, by) if window.over_at is None or window.over_at > at else False


@transaction.atomic
def _ended(window: MaintenanceWindow, change: dict[str, datetime], by: User | None) -> bool:
    same = {"ended_at": window.ended_at, "interrupted_at": window.interrupted_at}
    if not MaintenanceWindow.objects.filter(pk=window.pk, **same).update(**change):
        return False
    window.refresh_from_db()
    excused = Outage.objects.open().filter(authority=window.authority_id, cause=Outage.Cause.MAINTENANCE)
    doubts.add(site_ids=set(excused.values_list("site_id", flat=True)), at=min(change.values()))
    tell("maintenance.ended", window, by)
    return True


@transaction.atomic
def take_back(*, window: MaintenanceWindow, at: datetime, by: User | None) -> bool:
    """As if it had never been planned; only before it begins for the first time."""
    if not MaintenanceWindow.objects.filter(pk=window.pk, starts_at__gt=at).delete()[0]:
        return False
    tell("maintenance.taken-back", window, by)
    return True


def tell(name: str, window: MaintenanceWindow, by: User | None) -> None:
    payload = {
        "covers": window.covers,
        "kind": window.kind,
        "reason": window.reason,
        "starts_at": window.starts_at.isoformat(),
        "ends_at": window.ends_at.isoformat(),
        "over_at": window.over_at.isoformat() if window.over_at else None,
    }
    emit(Fact(name, window, window.authority_id, window.site_id, by.pk if by else None, payload))


def of_window(*, window: MaintenanceWindow, visible: DeviceQuerySet) -> list[Device]:
    """Of the visible devices those that the window covers whenever it holds, by site and room. At most six queries."""
    known = visible.in_service()
    here = known.filter(site=window.site_id) if window.site_id else known.filter(authority=window.authority_id)
    sites = set(here.values_list("site_id", flat=True))
    found = _covered([window], sites)
    return list(here.filter(pk__in=found).select_related("site", "room__building").order_by("site__name", "room__number"))
