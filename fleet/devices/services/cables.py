"""Interfaces, and what hangs on what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fleet.devices import rules
from fleet.devices.models import Device, Interface, Uplink
from fleet.devices.services.errors import DeviceError, checked


@dataclass(frozen=True)
class InterfaceDetails:
    name: str
    if_index: int | None = None
    alias: str = ""
    mac: str = ""
    poe: bool = field(default=False, kw_only=True)


def add_interface(*, device: Device, details: InterfaceDetails) -> Interface:
    """Raises DeviceError if the MAC address is none."""
    return Interface.objects.create(device=device, **_columns(details))


def add_interfaces(*, device: Device, details: Iterable[InterfaceDetails]) -> list[Interface]:
    return Interface.objects.bulk_create(Interface(device=device, **_columns(one)) for one in details)


def _columns(details: InterfaceDetails) -> dict[str, Any]:
    return {**vars(details), "mac": checked("mac", rules.mac, details.mac) if details.mac else ""}


LEARNT = ("if_index", "alias", "mac", "poe")


@transaction.atomic
def learn_interfaces(*, said: Mapping[int, Sequence[InterfaceDetails]]) -> None:
    """Takes over what devices say of their interfaces: known ones are updated, new ones added. Who is known by its name is
    that one, whatever its ifIndex: many devices count anew when they restart (RFC 2863 §3.1.5).

    None is removed: a port that a device does not name today may carry an uplink tomorrow. `said` is by device; however many
    there are, the statements are as few, and only what differs is written.
    """
    known: dict[int, list[Interface]] = {device_id: [] for device_id in said}
    for row in Interface.objects.filter(device_id__in=said).order_by("pk"):
        known[row.device_id].append(row)
    fresh, changed = list[Interface](), list[Interface]()
    for device_id in sorted(said):
        more, other = _learnt(device_id, known[device_id], said[device_id])
        fresh += more
        changed += other
    Interface.objects.bulk_create(fresh)
    if changed:
        Interface.objects.bulk_update(changed, LEARNT)


def _learnt(
    device_id: int, rows: Sequence[Interface], said: Sequence[InterfaceDetails]
) -> tuple[list[Interface], list[Interface]]:
    """Rows to be added and rows to be changed."""
    before = {row.pk: _learnt_of(row) for row in rows}
    named = {details.name for details in said}
    by_index = {row.if_index: row for row in rows if row.if_index is not None and row.name not in named}
    by_name = {row.name: row for row in rows}
    fresh: dict[str, Interface] = {}
    for details in said:
        row = by_name.get(details.name) or by_index.get(details.if_index or 0)
        if row is None:
            row = fresh.setdefault(details.name, Interface(device_id=device_id, name=details.name))
        row.if_index, row.alias = details.if_index, details.alias
        row.mac, row.poe = _columns(details)["mac"] or row.mac, details.poe or row.poe
    return list(fresh.values()), [row for row in rows if _learnt_of(row) != before[row.pk]]


def _learnt_of(row: Interface) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in LEARNT)


@transaction.atomic
def connect(*, device: Device, port: Interface) -> Uplink:
    """`device` hangs on `port` of another device. Raises DeviceError on a cable to itself or in a circle."""
    if port.device_id == device.pk or device.pk in _above(port.device_id):
        raise DeviceError("port", _("A device cannot hang on itself, not even through others."))
    row, _made = Uplink.objects.get_or_create(device=device, port=port)
    return row


def disconnect(*, device: Device, port: Interface) -> None:
    Uplink.objects.filter(device=device, port=port).delete()


def _above(device_id: int) -> set[int]:
    """Everything on the way up from a device."""
    found: set[int] = set()
    edge = {device_id}
    while edge:
        found |= edge
        edge = set(Uplink.objects.filter(device_id__in=edge).values_list("port__device_id", flat=True)) - found
    return found
