"""Everything that writes authorities, sites, buildings and rooms."""

from dataclasses import dataclass
from typing import Self

from django.db import transaction

from fleet.people import services as people
from fleet.people.models import Scope
from fleet.sites.models import Authority, Building, Room, Site


@dataclass(frozen=True)
class SiteDetails:
    kind: Site.Kind
    name: str
    slug: str
    street: str = ""
    postcode: str = ""
    city: str = ""

    @classmethod
    def of(cls, site: Site) -> Self:
        return cls(Site.Kind(site.kind), site.name, site.slug, site.street, site.postcode, site.city)


@transaction.atomic
def create_authority(*, name: str) -> Authority:
    return Authority.objects.create(scope=people.create_scope(kind=Scope.Kind.AUTHORITY, name=name), name=name)


@transaction.atomic
def create_site(*, authority: Authority, details: SiteDetails) -> Site:
    scope = people.create_scope(kind=Scope.Kind.SITE, name=details.name, parent=authority.scope)
    return Site.objects.create(scope=scope, authority=authority, **vars(details))


@transaction.atomic
def update_site(*, site: Site, details: SiteDetails) -> None:
    people.rename_scope(scope_id=site.pk, name=details.name)
    _update(site, details)


def create_building(*, site: Site, name: str) -> Building:
    return Building.objects.create(authority_id=site.authority_id, site=site, name=name)


@dataclass(frozen=True)
class RoomDetails:
    number: str
    name: str = ""
    floor: int = 0
    teaching: bool = True

    @classmethod
    def of(cls, room: Room) -> Self:
        return cls(room.number, room.name, room.floor, room.teaching)


def create_room(*, building: Building, details: RoomDetails) -> Room:
    return Room.objects.create(
        authority_id=building.authority_id, site_id=building.site_id, building=building, **vars(details)
    )


def update_room(*, room: Room, details: RoomDetails) -> None:
    _update(room, details)


def _update(row: Site | Room, details: SiteDetails | RoomDetails) -> None:
    for name, value in vars(details).items():
        setattr(row, name, value)
    row.save(update_fields=list(vars(details)))
