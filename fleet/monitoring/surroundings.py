"""What stands around a device: above it, behind it, at its ports, beside it. A fixed number of queries for all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from fleet.devices.models import Device, Uplink
from fleet.monitoring import selectors
from fleet.monitoring.rules import causes, ports
from fleet.monitoring.rules.rooms import DeviceState, worst_first
from fleet.monitoring.services.neighbours import parents


@dataclass(frozen=True)
class Above:
    """A device on the way up; `port` is where the one below is plugged in, empty where that is not known."""

    device: DeviceState
    port: str


@dataclass(frozen=True)
class Neighbour:
    """What LLDP or CDP says; `device` if it is one of ours."""

    own_port: str
    name: str
    port: str
    device: DeviceState | None


@dataclass(frozen=True)
class Surroundings:
    way_up: Sequence[Sequence[Above | None]]
    """Nearest first; more than one on a level where it hangs on several. None: one that this person may not see."""
    behind: Sequence[DeviceState]
    at_port: Mapping[str, Sequence[DeviceState]]
    """{ifIndex, else the port's name: devices}."""
    neighbours: Sequence[Neighbour]
    controlled: Sequence[DeviceState]
    """The access points that a controller lists."""


def of(device: Device, visible: QuerySet[Device], reading: Mapping[str, Any]) -> Surroundings:
    """Five queries while nothing is maintained. `visible`: the devices that this person may see."""
    up = parents([device.site_id])
    levels = ports.above(device.pk, up)
    behind = causes.behind(device.pk, up)
    below = [child for child, above in up.items() if device.pk in above]
    way = _ports({device.pk, *(one for level in levels for one in level)}, device.pk)
    ids = {*behind, *below, *(one for level in levels for one in level)}
    named = _named(reading)
    beside = Q(site=device.site_id) & (Q(name__in=named) | Q(health__reading__sysName__in=named))
    wanted = Q(pk__in=ids) | Q(controller=device.pk) | beside if named else Q(pk__in=ids) | Q(controller=device.pk)
    sys_name = KeyTextTransform("sysName", "health__reading")
    rows = selectors.marked(selectors.with_state(visible.filter(wanted)).annotate(sys_name=sys_name))
    known = {row.pk: selectors.state_of(row) for row in rows}
    return Surroundings(
        way_up=[[Above(known[one], way.ports.get(one, "")) if one in known else None for one in level] for level in levels],
        behind=worst_first(known[one] for one in behind if one in known),
        at_port=_at_port(way, known),
        neighbours=_neighbours(reading, rows, _at_port(way, known)),
        controlled=worst_first(known[row.pk] for row in rows if row.controller_id == device.pk),
    )


@dataclass(frozen=True)
class _Ways:
    ports: Mapping[int, str]
    """{parent: the port there on which the way up runs}."""
    own: Sequence[tuple[str, int]]
    """[(own port, what hangs there)]."""


def _ports(on_the_way: set[int], device: int) -> _Ways:
    cables = Uplink.objects.filter(Q(device__in=on_the_way) | Q(port__device=device)).order_by("device__name")
    up: dict[int, str] = {}
    own: list[tuple[str, int]] = []
    for below, above, if_index, name in cables.values_list("device_id", "port__device_id", "port__if_index", "port__name"):
        if above == device:
            own.append((str(if_index) if if_index is not None else name, below))
        else:
            up[above] = f"{up[above]}, {name}" if above in up else name
    return _Ways(up, own)


def _at_port(way: _Ways, known: Mapping[int, DeviceState]) -> dict[str, list[DeviceState]]:
    found: dict[str, list[DeviceState]] = {}
    for port, below in way.own:
        if below in known:
            found.setdefault(port, []).append(known[below])
    return found


def _named(reading: Mapping[str, Any]) -> list[str]:
    return sorted({one["name"] for one in reading.get("neighbours") or [] if one.get("name")})


def _neighbours(
    reading: Mapping[str, Any], rows: Sequence[Device], at_port: Mapping[str, Sequence[DeviceState]]
) -> list[Neighbour]:
    """Ours by its name or sysName; else, where one device of ours hangs on that port, that one."""
    names = {one["ifIndex"]: one.get("name") for one in reading.get("interfaces") or []}
    states = {row.pk: selectors.state_of(row) for row in rows}
    by_name = {_sys_name(row): states[row.pk] for row in rows} | {row.name: states[row.pk] for row in rows}
    plugged = {port: devices[0] for port, devices in at_port.items() if len(devices) == 1}
    return [
        Neighbour(
            names.get(one.get("local_ifIndex")) or "–",
            one.get("name") or "–",
            one.get("port") or "–",
            by_name.get(one.get("name") or "") or plugged.get(str(one.get("local_ifIndex"))),
        )
        for one in reading.get("neighbours") or []
    ]


def _sys_name(row: Device) -> str:
    return getattr(row, "sys_name", None) or row.name
