"""A table of schools, buildings and rooms is taken in: what is missing is made, what differs is changed, nothing is deleted.

First all of it is judged against what is there, then it is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.text import slugify

from fleet.sites.models import Authority, Building, Room, Site
from fleet.sites.rules import place_table
from fleet.sites.rules.office_table import Mistake, Said, refuse, shown
from fleet.sites.rules.place_table import OF_BUILDING, OF_ROOM, OF_SCHOOL
from fleet.sites.rules.tally import Tally
from fleet.sites.services.places import (
    RoomDetails,
    SiteDetails,
    create_building,
    create_room,
    create_site,
    update_room,
    update_site,
)

LONGEST_SLUG = 60
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


@dataclass
class _Room:
    details: RoomDetails
    row: Room | None


@dataclass
class _Building:
    name: str
    row: Building | None
    rooms: list[_Room] = field(default_factory=list)


@dataclass
class _School:
    details: SiteDetails
    row: Site | None
    buildings: list[_Building] = field(default_factory=list)


@transaction.atomic
def take_in_places(*, authority: Authority, data: bytes) -> Tally:
    """What the table has changed. Raises MistakesError; then nothing is written."""
    schools = place_table.schools(data)
    held = Authority.objects.select_for_update().get(pk=authority.pk)  # two tables at once would make everything twice
    return _write(held, _Judge(held, schools).judged())


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

    def judged(self) -> list[_School]:
        """Raises MistakesError."""
        found = [school for said in self._schools for school in self._school(said)]
        refuse(self._mistakes)
        return found

    def _school(self, said: Said) -> Iterator[_School]:
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
        yield _School(details, row, [self._building(part, row) for part in said.parts.values()])

    def _unclear(self, said: Said) -> Mistake | None:
        """Why it cannot be said which school is meant, or what a new one would be."""
        name, slug = said.values["school"], said.values.get("slug")
        others = [site for site in self._by_name[name] if site.slug != slug and site.slug not in self._stated]
        if slug in self._by_slug and others and self._by_slug[slug].name != name:
            says = f"{shown(slug)} belongs to {shown(self._by_slug[slug].name)}, not to {shown(name)}."
        elif slug and slug not in self._by_slug and others:
            says = f"{shown(name)} is there already, as {shown(others[0].slug)}: write that, or nothing."
        elif not slug and len(self._by_name[name]) > 1:
            says = f"Several schools are called {shown(name)}: {', '.join(site.slug for site in self._by_name[name])}."
        elif self._known(said) is None and "kind" not in said.values:
            return Mistake(said.line, "kind", f"{shown(name)} is new and needs a kind: {' or '.join(Site.Kind.values)}.")
        else:
            return None
        return Mistake(said.lines.get("slug", said.line), "slug", says)

    def _met(self, said: Said, row: Site | None) -> Mistake | None:
        """A school that a row finds by its slug and another by the name that it had until now."""
        first = self._lines.setdefault(row.pk, said.line) if row else said.line
        return (
            None
            if first == said.line
            else Mistake(said.line, "school", f"This is the school of line {first}: use one name.")
        )

    def _known(self, said: Said) -> Site | None:
        slug = said.values.get("slug")
        return self._by_slug.get(slug) if slug else next(iter(self._by_name[said.values["school"]]), None)

    def _new_slug(self, name: str) -> str:
        base = slugify(name.translate(SPELT_OUT))[: LONGEST_SLUG - 5].strip("-") or "school"
        slug = next(one for one in chain([base], (f"{base}-{n}" for n in count(2))) if one not in self._taken)
        self._taken.add(slug)
        return slug

    def _building(self, said: Said, site: Site | None) -> _Building:
        name = said.values["building"]
        row = self._buildings.get((site.pk, name)) if site else None
        if row is None:
            self._mistakes += _wrong(Building(name=name), said, OF_BUILDING)
        return _Building(name, row, [self._room(part, row) for part in said.parts.values()])

    def _room(self, said: Said, building: Building | None) -> _Room:
        fields = _fields(said, OF_ROOM)
        row = self._rooms.get((building.pk, fields["number"])) if building else None
        details = replace(RoomDetails.of(row), **fields) if row else RoomDetails(**fields)
        if row is None or details != RoomDetails.of(row):
            self._mistakes += _wrong(Room(**vars(details)), said, OF_ROOM)
        return _Room(details, row)


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


def _write(authority: Authority, schools: list[_School]) -> Tally:
    tally = Tally(("Schools", "Buildings", "Rooms"))
    for school in schools:
        site = _written_site(authority, school, tally)
        for building in school.buildings:
            house = building.row or create_building(site=site, name=building.name)
            tally.note("Buildings", new=building.row is None)
            for room in building.rooms:
                _write_room(house, room, tally)
    return tally


def _written_site(authority: Authority, school: _School, tally: Tally) -> Site:
    if school.row is None:
        tally.note("Schools", new=True)
        tally.remarks.append(f"New: {school.details.name} ({school.details.slug}).")
        return create_site(authority=authority, details=school.details)
    differs = school.details != SiteDetails.of(school.row)
    if school.details.name != school.row.name:
        tally.remarks.append(f"{school.row.name} is called {school.details.name} from now on.")
    if differs:
        update_site(site=school.row, details=school.details)
    tally.note("Schools", differs=differs)
    return school.row


def _write_room(building: Building, room: _Room, tally: Tally) -> None:
    differs = room.row is not None and room.details != RoomDetails.of(room.row)
    if room.row is None:
        create_room(building=building, details=room.details)
    elif differs:
        update_room(room=room.row, details=room.details)
    tally.note("Rooms", new=room.row is None, differs=differs)
