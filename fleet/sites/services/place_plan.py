"""A table of places against what an authority has: what it would make and change, or why it is refused. Writes nothing."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from fleet.sites.models import Authority, Building, Room, Site
from fleet.sites.rules import place_table
from fleet.sites.rules.names import free_slug
from fleet.sites.rules.office_table import Mistake, Said, refuse, shown
from fleet.sites.rules.place_table import OF_BUILDING, OF_ROOM, OF_SCHOOL
from fleet.sites.services.places import RoomDetails, SiteDetails


@dataclass
class PlannedRoom:
    """`line`: where the table speaks of it first; so too for the others."""

    line: int
    details: RoomDetails
    row: Room | None


@dataclass
class PlannedBuilding:
    line: int
    name: str
    row: Building | None
    rooms: list[PlannedRoom] = field(default_factory=list)


@dataclass
class PlannedSchool:
    line: int
    details: SiteDetails
    row: Site | None
    buildings: list[PlannedBuilding] = field(default_factory=list)


def planned(authority: Authority, data: bytes) -> list[PlannedSchool]:
    """Raises MistakesError."""
    return _Judge(authority, place_table.schools(data)).judged()


class _Judge:
    """A table against what the authority has."""

    def __init__(self, authority: Authority, schools: list[Said]) -> None:
        self._schools = schools
        self._mistakes: list[Mistake] = []
        sites = list(Site.objects.filter(authority=authority))
        self._by_slug = {site.slug: site for site in sites}
        self._by_name: defaultdict[str, list[Site]] = defaultdict(list)
        for site in sites:
            self._by_name[site.name].append(site)
        self._buildings = {(row.site_id, row.name): row for row in Building.objects.filter(authority=authority)}
        self._rooms = {(row.building_id, row.number): row for row in Room.objects.filter(authority=authority)}
        self._stated = {school.values["slug"] for school in schools if "slug" in school.values}
        self._taken = self._stated | set(self._by_slug)
        self._lines: dict[int, int] = {}

    def judged(self) -> list[PlannedSchool]:
        """Raises MistakesError."""
        found = [school for said in self._schools for school in self._school(said)]
        refuse(self._mistakes)
        return found

    def _school(self, said: Said) -> Iterator[PlannedSchool]:
        row = self._known(said)
        wrong = self._unclear(said) or self._met(said, row)
        if wrong is not None:
            self._mistakes.append(wrong)
            return
        fields = _fields(said, OF_SCHOOL)
        if row is None:
            fields = {"slug": self._new_slug(fields["name"])} | fields
        details = replace(SiteDetails.of(row), **fields) if row else SiteDetails(**fields)
        if row is None or details != SiteDetails.of(row):
            self._mistakes += _wrong(Site(**vars(details)), said, OF_SCHOOL)
        yield PlannedSchool(said.line, details, row, [self._building(part, row) for part in said.parts.values()])

    def _unclear(self, said: Said) -> Mistake | None:
        """Why it cannot be said which school is meant, or what a new one would be."""
        name, slug = said.values["school"], said.values.get("slug")
        others = [site for site in self._by_name[name] if site.slug != slug and site.slug not in self._stated]
        if slug in self._by_slug and others and self._by_slug[slug].name != name:
            theirs = {"slug": shown(slug), "other": shown(self._by_slug[slug].name), "name": shown(name)}
            says = _("%(slug)s belongs to %(other)s, not to %(name)s.") % theirs
        elif slug and slug not in self._by_slug and others:
            there = {"name": shown(name), "slug": shown(others[0].slug)}
            says = _("%(name)s is there already, as %(slug)s: write that, or nothing.") % there
        elif not slug and len(self._by_name[name]) > 1:
            alike = {"name": shown(name), "slugs": ", ".join(site.slug for site in self._by_name[name])}
            says = _("Several schools are called %(name)s: %(slugs)s.") % alike
        elif self._known(said) is None and "kind" not in said.values:
            says = _("%(name)s is new and needs a kind: %(kinds)s.")
            return Mistake(said.line, "kind", says % {"name": shown(name), "kinds": f" {_('or')} ".join(Site.Kind.values)})
        elif (known := self._known(said)) is not None and known.closed_at is not None:
            return Mistake(said.line, "school", _("%s is closed. Open it again first.") % shown(name))
        else:
            return None
        return Mistake(said.lines.get("slug", said.line), "slug", says)

    def _met(self, said: Said, row: Site | None) -> Mistake | None:
        """A school that a row finds by its slug and another by the name that it had until now."""
        first = self._lines.setdefault(row.pk, said.line) if row else said.line
        if first == said.line:
            return None
        return Mistake(said.line, "school", _("This is the school of line %d: use one name.") % first)

    def _known(self, said: Said) -> Site | None:
        slug = said.values.get("slug")
        return self._by_slug.get(slug) if slug else next(iter(self._by_name[said.values["school"]]), None)

    def _new_slug(self, name: str) -> str:
        slug = free_slug(name, self._taken)
        self._taken.add(slug)
        return slug

    def _building(self, said: Said, site: Site | None) -> PlannedBuilding:
        name = said.values["building"]
        row = self._buildings.get((site.pk, name)) if site else None
        if row is None:
            self._mistakes += _wrong(Building(name=name), said, OF_BUILDING)
        return PlannedBuilding(said.line, name, row, [self._room(part, row) for part in said.parts.values()])

    def _room(self, said: Said, building: Building | None) -> PlannedRoom:
        fields = _fields(said, OF_ROOM)
        row = self._rooms.get((building.pk, fields["number"])) if building else None
        details = replace(RoomDetails.of(row), **fields) if row else RoomDetails(**fields)
        if row is None or details != RoomDetails.of(row):
            self._mistakes += _wrong(Room(**vars(details)), said, OF_ROOM)
        return PlannedRoom(said.line, details, row)


def _fields(said: Said, columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: said.values[column] for column, name in columns.items() if column in said.values}


def _wrong(row: models.Model, said: Said, columns: Mapping[str, str]) -> Iterator[Mistake]:
    """What the model refuses, by the column and the line that said it."""
    try:
        row.clean_fields(exclude={one.name for one in row._meta.fields} - set(columns.values()))
    except ValidationError as error:
        for column, name in columns.items():
            for message in error.message_dict.get(name, []):
                yield Mistake(said.lines.get(column, said.line), column, message)
