"""Everything that writes authorities, sites, buildings and rooms.

`by` is the person who does it on a page or through the API: then it is told as an event. What takes in whole tables says
nobody, and tells of the table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.db import transaction
from django.db.models import F, ProtectedError

from fleet.events.services import Fact, emit
from fleet.people import services as people
from fleet.people.models import Scope, User
from fleet.sites import hanging
from fleet.sites.models import Authority, Building, Room, Site
from fleet.sites.services.holding import hold_building


class ChangedMeanwhileError(Exception):
    """Somebody has changed it since it was read."""


class InUseError(Exception):
    """Something still hangs on it (`fleet.sites.hanging`)."""


@dataclass(frozen=True)
class SiteDetails:
    kind: Site.Kind
    name: str
    slug: str
    street: str = ""
    postcode: str = ""
    city: str = ""
    federal_state: str = "BY"
    timezone: str = "Europe/Berlin"

    @classmethod
    def of(cls, site: Site) -> Self:
        where = (site.street, site.postcode, site.city, site.federal_state, site.timezone)
        return cls(Site.Kind(site.kind), site.name, site.slug, *where)


@transaction.atomic
def create_authority(*, name: str) -> Authority:
    return Authority.objects.create(scope=people.create_scope(kind=Scope.Kind.AUTHORITY, name=name), name=name)


@transaction.atomic
def create_site(*, authority: Authority, details: SiteDetails, by: User | None = None) -> Site:
    scope = people.create_scope(kind=Scope.Kind.SITE, name=details.name, parent=authority.scope)
    site = Site.objects.create(scope=scope, authority=authority, **vars(details))
    _tell("site.created", site, by, name=site.name, slug=site.slug)
    return site


@transaction.atomic
def update_site(*, site: Site, details: SiteDetails, by: User | None = None) -> None:
    """Raises ChangedMeanwhileError. Where its clock changes, so do the deadlines that run by it."""
    clock = _clock(site)
    people.rename_scope(scope_id=site.pk, name=details.name)
    changed = _update(site, vars(details))
    _tell("site.changed", site, by, fields=changed)
    if clock != _clock(site):
        payload = {"federal_state": site.federal_state, "catholic_holidays": site.catholic_holidays}
        emit(Fact("calendar.habits-changed", site, site.authority_id, site.pk, by.pk if by else None, payload))


def _clock(site: Site) -> tuple[str, str, str]:
    """What its free days follow from; agreements too hold for a kind of site."""
    return site.kind, site.federal_state, site.timezone


@transaction.atomic
def create_building(*, site: Site, name: str, by: User | None = None) -> Building:
    building = Building.objects.create(authority_id=site.authority_id, site=site, name=name)
    _tell("building.created", building, by, name=name)
    return building


@transaction.atomic
def rename_building(*, building: Building, name: str, by: User | None = None) -> None:
    """Raises ChangedMeanwhileError."""
    _tell("building.changed", building, by, fields=_update(building, {"name": name}))


@dataclass(frozen=True)
class RoomDetails:
    number: str
    name: str = ""
    floor: int = 0
    teaching: bool = True

    @classmethod
    def of(cls, room: Room) -> Self:
        return cls(room.number, room.name, room.floor, room.teaching)


@transaction.atomic
def create_room(*, building: Building, details: RoomDetails, by: User | None = None) -> Room:
    """Raises ChangedMeanwhileError where the building has been removed."""
    _hold(building)
    scope = {"authority_id": building.authority_id, "site_id": building.site_id}
    room = Room.objects.create(**scope, building=building, **vars(details))
    _tell("room.created", room, by, number=room.number, building_id=building.pk)
    return room


@transaction.atomic
def create_rooms(*, building: Building, rooms: Iterable[RoomDetails], by: User | None = None) -> list[Room]:
    """Those that are not there yet. Raises ChangedMeanwhileError where the building has been removed."""
    list(Building.objects.select_for_update(no_key=True).filter(pk=building.pk))  # one list at a time
    there = set(Room.objects.filter(building=building).values_list("number", flat=True))
    return [create_room(building=building, details=one, by=by) for one in rooms if one.number not in there]


@transaction.atomic
def update_room(*, room: Room, details: RoomDetails, building: Building | None = None, by: User | None = None) -> None:
    """With `building` of the same school it moves there. Raises ChangedMeanwhileError."""
    if building is not None:
        _hold(building)
    moved = {} if building is None else {"building": building}
    _tell("room.changed", room, by, fields=_update(room, vars(details) | moved))


@transaction.atomic
def remove_room(*, room: Room, by: User | None = None) -> None:
    """Raises InUseError, and ChangedMeanwhileError."""
    _remove(hanging.ROOM, room, by, number=room.number)


@transaction.atomic
def remove_building(*, building: Building, by: User | None = None) -> None:
    """Raises InUseError, and ChangedMeanwhileError."""
    _remove(hanging.BUILDING, building, by, name=building.name)


def _hold(building: Building) -> None:
    if hold_building(building_id=building.pk) is None:
        raise ChangedMeanwhileError


def _remove(place: str, row: Room | Building, by: User | None, /, **payload: Any) -> None:
    rows = type(row)._default_manager
    list(rows.select_for_update().filter(pk=row.pk))  # whoever puts something there holds it (`holding`)
    if hanging.on(place, row.pk):
        raise InUseError
    _tell(f"{place}.removed", row, by, **payload)
    try:
        with transaction.atomic():
            hanging.release(place, row.pk)
            gone = rows.filter(pk=row.pk, version=row.version).delete()[1].get(row._meta.label, 0)
    except ProtectedError as error:
        raise InUseError from error
    if not gone:
        raise ChangedMeanwhileError


def _update(row: Site | Building | Room, values: Mapping[str, Any]) -> list[str]:
    """The names of what differs. Compare and set: what was read is what is changed."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    kept = type(row)._default_manager.filter(pk=row.pk, version=row.version)
    if not changed:
        return []
    if not kept.update(**{name: values[name] for name in changed}, version=F("version") + 1):
        raise ChangedMeanwhileError
    for name in changed:
        setattr(row, name, values[name])
    row.version += 1
    return changed


def _tell(event: str, row: Site | Building | Room, by: User | None, /, **payload: Any) -> None:
    """Not of a change that changes nothing."""
    if by is None or payload.get("fields") == []:
        return
    site_id = row.pk if isinstance(row, Site) else row.site_id
    emit(Fact(event, row, row.authority_id, site_id, by.pk, payload))
