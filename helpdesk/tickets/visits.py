"""A technician's day on the road: their tickets by school, building and room, and what to take along."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import F, Prefetch

from fleet.devices.models import Device
from fleet.monitoring import selectors as monitoring
from fleet.monitoring.models import Alert
from fleet.monitoring.rules.rooms import DeviceState
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Building, Room, Site
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules.parts import Part, parts

MOST = 100
"""Tickets: more is no day."""
TO_DO = (Ticket.State.NEW, Ticket.State.OPEN)
"""What waits for somebody else is no reason to drive."""


@dataclass(frozen=True)
class Task:
    ticket: Ticket
    room: Room | None
    devices: list[tuple[Device, DeviceState]]
    parts: list[Part]


@dataclass(frozen=True)
class Place:
    building: Building | None
    tasks: list[Task]


@dataclass(frozen=True)
class Stop:
    site: Site
    places: list[Place]

    @property
    def tasks(self) -> list[Task]:
        return [task for place in self.places for task in place.tasks]


@dataclass(frozen=True)
class Day:
    stops: list[Stop]
    more: bool
    """There are more tickets than MOST."""

    @property
    def tasks(self) -> list[Task]:
        return [task for stop in self.stops for task in stop.tasks]

    @property
    def parts(self) -> list[tuple[Part, int]]:
        """[(part, how many of it)] for the whole way."""
        return sorted(Counter(part for task in self.tasks for part in task.parts).items())


def day(user: User) -> Day:
    """The most urgent school first, there building by building and floor by floor. A fixed number of queries."""
    wanted = Ticket.objects.allowing(user, Action.WORK_TICKETS).filter(owner=user, state__in=TO_DO, merged_into__isnull=True)
    rows = wanted.select_related("site", "room__building", "requester").prefetch_related(Prefetch("devices", _devices()))
    found = list(rows.order_by("-priority", "-blocks_lesson", "created_at", "pk")[: MOST + 1])
    tickets = found[:MOST]
    devices = {device.pk: device for device in monitoring.marked(one for row in tickets for one in row.devices.all())}
    by_site: dict[Site, list[Task]] = {}
    for ticket in tickets:
        by_site.setdefault(ticket.site, []).append(_task(ticket, devices))
    return Day([Stop(site, _places(tasks)) for site, tasks in by_site.items()], len(found) > MOST)


def _devices() -> Any:
    faults = Prefetch("alerts", Alert.objects.open().root_causes().filter(quiet_since__isnull=True), to_attr="faults")
    rows = monitoring.with_state(Device.objects.select_related("type", "room__building")).order_by("name")
    return rows.annotate(supplies=F("health__reading__supplies")).prefetch_related(faults)


def _task(ticket: Ticket, known: dict[int, Device]) -> Task:
    devices = [known[one.pk] for one in ticket.devices.all()]
    room = ticket.room or next((one.room for one in devices if one.room), None)
    needed = sorted({part for device in devices for part in _parts(device)})
    return Task(ticket, room, [(one, monitoring.state_of(one)) for one in devices], needed)


def _parts(device: Any) -> list[Part]:
    return parts(device.kind, str(device.type), {alert.kind for alert in device.faults}, device.supplies or ())


def _places(tasks: Iterable[Task]) -> list[Place]:
    """By building and room; what names none comes last."""
    ordered = sorted(tasks, key=_on_the_way)
    return [Place(building, list(those)) for building, those in groupby(ordered, _building)]


def _building(task: Task) -> Building | None:
    return task.room.building if task.room else None


def _on_the_way(task: Task) -> tuple[bool, str, int, int, str]:
    room = task.room
    if room is None:
        return True, "", 0, 0, ""
    return False, room.building.name, room.building_id, room.floor, room.number
