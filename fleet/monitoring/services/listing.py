"""Access points that a controller lists become devices; those that nobody else can ask are as the controller says."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device, DeviceType
from fleet.monitoring import metrics
from fleet.monitoring.models import Health
from fleet.monitoring.rules import finding, listing, polling, values
from fleet.monitoring.rules.listing import Listed
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Availability, Status
from fleet.monitoring.services import doubts, history, thresholds
from fleet.monitoring.services.history import NewSample
from fleet.monitoring.services.thresholds import Judged

log = logging.getLogger(__name__)

WRITTEN = ("status", "status_since", "reason", "failures", "failing_since", "polled_at", "answered_at", "reading", "beyond")


@dataclass(frozen=True)
class Taken:
    """What a list changed."""

    created: tuple[int, ...]
    sites_to_judge: frozenset[int]


def hear(*, measurements: Sequence[Measurement]) -> None:
    """What controllers said of their access points, after it was stored how they are themselves; and what becomes of the
    access points of those that are now confirmed silent. The sites that this changes are in doubt then."""
    listing_now = {one.device_id: one for one in measurements if one.listed is not None}
    silent = [one.device_id for one in measurements if not one.answered]
    for controller in _controllers(listing_now) if listing_now else ():
        one = listing_now[controller.pk]
        said = [named for element in one.listed or () if (named := Listed.of(element)) is not None]
        take(controller=controller, said=said, at=one.measured_at)
    if silent:
        _lost(silent)


def _controllers(listing_now: Mapping[int, Measurement]) -> Iterable[Device]:
    """Those that list somebody, or once did."""
    some = [pk for pk, one in listing_now.items() if one.listed]
    wanted = Q(pk__in=some) | Q(pk__in=Device.objects.filter(controller__in=listing_now).values("controller"))
    return Device.objects.filter(wanted, pk__in=listing_now).order_by("pk")


def _lost(silent: Sequence[int]) -> None:
    """Access points that nothing is known of any more."""
    down = Health.objects.filter(pk__in=silent, status=Health.Status.DOWN, device__controlled__isnull=False)
    found = dict(down.values_list("pk", "polled_at").distinct())
    if found:
        lose(controller_ids=found, at=max(at for at in found.values() if at is not None))


@transaction.atomic
def take(*, controller: Device, said: Sequence[Listed], at: datetime) -> Taken:
    """Who is new becomes a device at the controller's site, its room to be said by people. Call after the controller's own
    reading is stored: a controller that does not answer says nothing of its access points."""
    Device.objects.select_for_update(no_key=True).get(pk=controller.pk)  # one list of a controller at a time
    known = _Known.of(controller, said)
    created = [
        known.add(row)
        for one in said  # one that is listed twice is known by then
        if known.find(one) is None and (row := _create(controller, one, known)) is not None
    ]
    _follow(controller, said, known)
    changed = _note(controller, said, known, at)
    doubts.add(site_ids=changed, at=timezone.now())
    return Taken(tuple(created), changed)


class _Known:
    """Devices of the authority that the list may speak of, found by MAC address, serial number, else name.

    Those that people have retired are known too, so that none is made anew; a name alone does not tell of them.
    """

    def __init__(self, rows: Iterable[Device], controller: Device) -> None:
        self.names = set(Device.objects.filter(site=controller.site_id).values_list("name", flat=True))
        self._controller = controller
        self._by: dict[tuple[str, str], Device] = {}
        for row in rows:
            self.add(row)

    @classmethod
    def of(cls, controller: Device, said: Sequence[Listed]) -> "_Known":
        macs, serials = {one.mac for one in said} - {""}, {one.serial for one in said} - {""}
        wanted = Q(controller=controller) | Q(serial__in=serials) | Q(interfaces__mac__in=macs)
        rows = Device.objects.filter(wanted, authority=controller.authority_id, kind=DeviceType.Kind.ACCESS_POINT)
        return cls(rows.distinct().prefetch_related("interfaces"), controller)

    def add(self, row: Device) -> int:
        self.names.add(row.name)
        self._by |= {("mac", one.mac): row for one in row.interfaces.all() if one.mac}
        if row.serial:
            self._by["serial", row.serial] = row
        if row.controller_id == self._controller.pk and row.lifecycle != Device.Lifecycle.RETIRED:
            self._by["name", row.name] = row
        return row.pk

    def find(self, one: Listed) -> Device | None:
        return self._by.get(("mac", one.mac)) or self._by.get(("serial", one.serial)) or self._by.get(("name", one.name))


def _create(controller: Device, one: Listed, known: _Known) -> Device | None:
    """None for one that cannot be: above all one that people have retired, and whose serial number is still its."""
    make = controller.type.manufacturer or finding.UNKNOWN_MAKE
    kind = devices.ensure_type(manufacturer=make, model=one.model or finding.UNKNOWN_MAKE, kind=DeviceType.Kind.ACCESS_POINT)
    name = finding.free_name(one.name, one.mac, known.names)
    details = devices.DeviceDetails(kind, name, serial=one.serial, controller=controller)
    try:
        row = devices.create_device(site=controller.site, details=details)
    except devices.DeviceError as error:
        log.info(
            "listed, not taken over", extra={"controller_id": controller.pk, "serial": one.serial, "field": error.field}
        )
        return None
    if one.mac:
        devices.add_interface(device=row, details=devices.InterfaceDetails("wireless", mac=one.mac))
    return row


def _follow(controller: Device, said: Sequence[Listed], known: _Known) -> None:
    """An access point that moved to this controller is listed by it from now on."""
    moved = {row.pk for one in said if (row := known.find(one)) is not None and row.controller_id != controller.pk}
    Device.objects.filter(pk__in=moved - {controller.pk}).update(controller=controller)


def _note(controller: Device, said: Sequence[Listed], known: _Known, at: datetime) -> frozenset[int]:
    """How each is now; returns the sites in which somebody is or was not connected."""
    by_device = {row.pk: one for one in said if (row := known.find(one)) is not None}
    listed = Device.objects.listed().filter(controller=controller)
    fresh = [Health(device=row, authority_id=row.authority_id, site_id=row.site_id) for row in listed.filter(health=None)]
    Health.objects.bulk_create(fresh, ignore_conflicts=True)
    rows = list(Health.objects.select_for_update().filter(device__in=listed.values("pk")).order_by("pk"))
    heard_at = {row.pk: row.answered_at for row in rows}
    doubtful = {row.site_id for row in rows if _update(row, by_device.get(row.pk), at)}
    _measure([row for row in rows if row.answered_at == at], at, heard_at)
    Health.objects.bulk_update(rows, WRITTEN)
    return frozenset(doubtful)


def _measure(rows: Sequence[Health], at: datetime, heard_at: Mapping[int, datetime | None]) -> None:
    """What the controller counts of those that are connected is history and is judged, as if they had said it.

    `heard_at`: when they were connected according to the list before.
    """
    said = {row.pk: values.gauges(row.reading, metrics.known()) for row in rows}
    history.record(samples=[NewSample(pk, at, tuple(one), list(one.values())) for pk, one in said.items() if one])
    thresholds.judge(batch=[Judged(row, said[row.pk], at, heard_at[row.pk]) for row in rows if said[row.pk]])


def _update(row: Health, one: Listed | None, at: datetime) -> bool:
    before = Availability(Status(row.status), row.status_since, row.failures, row.failing_since, row.reason)
    after = listing.availability(before, one, at)
    row.status, row.status_since, row.reason = Health.Status(after.status), after.since, after.reason
    row.failures, row.failing_since, row.polled_at = after.failures, after.failing_since, at
    if one is not None and one.connected:
        row.answered_at = at
        row.reading = {} if one.clients is None else {"wireless": {"clients": one.clients}}
    return polling.doubtful(before, after)


@transaction.atomic
def lose(*, controller_ids: Iterable[int], at: datetime) -> int:
    """Of what only a silent controller knows of nothing is known: neither that it runs nor that it does not."""
    rows = Health.objects.filter(device__in=Device.objects.listed().filter(controller__in=list(controller_ids)))
    known = rows.exclude(status=Health.Status.UNKNOWN)
    doubts.add(site_ids=set(known.values_list("site_id", flat=True)), at=timezone.now())
    unknown = {"status": Health.Status.UNKNOWN, "status_since": at, "reason": Health.Reason.CONTROLLER}
    return known.in_order().update(**unknown, failures=0, failing_since=None)
