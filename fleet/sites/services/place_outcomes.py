"""What comes of each line of a table of places, so that a person can look at it before it is taken in."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fleet.sites.services.place_plan import PlannedBuilding, PlannedSchool
from fleet.sites.services.places import RoomDetails, SiteDetails


class Becomes(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class Difference:
    field: str
    before: object
    after: object


@dataclass(frozen=True)
class Outcome:
    """Of one school, building or room, at the line that speaks of it first. `path`: from the school down to it."""

    line: int
    kind: str
    path: tuple[str, ...]
    becomes: Becomes
    differences: tuple[Difference, ...] = ()


def outcomes(schools: Iterable[PlannedSchool]) -> list[Outcome]:
    """In the order of the table; at a line the school first."""
    return sorted((one for school in schools for one in _of_school(school)), key=lambda one: (one.line, len(one.path)))


def digest(found: Iterable[Outcome]) -> str:
    """The same as long as the same would come of the table."""
    changing = [one for one in found if one.becomes is not Becomes.SAME]
    return hashlib.sha256(repr(changing).encode()).hexdigest()


def _of_school(school: PlannedSchool) -> Iterator[Outcome]:
    path = (school.details.name,)
    found = _differences(SiteDetails.of(school.row), school.details) if school.row else ()
    yield Outcome(school.line, "school", path, _becomes(school.row, found), found)
    for building in school.buildings:
        yield from _of_building(building, (*path, building.name))


def _of_building(building: PlannedBuilding, path: tuple[str, ...]) -> Iterator[Outcome]:
    yield Outcome(building.line, "building", path, _becomes(building.row, ()))
    for room in building.rooms:
        found = _differences(RoomDetails.of(room.row), room.details) if room.row else ()
        yield Outcome(room.line, "room", (*path, room.details.number), _becomes(room.row, found), found)


def _becomes(row: object, differences: tuple[Difference, ...]) -> Becomes:
    if row is None:
        return Becomes.NEW
    return Becomes.CHANGED if differences else Becomes.SAME


def _differences(before: SiteDetails | RoomDetails, after: SiteDetails | RoomDetails) -> tuple[Difference, ...]:
    now = vars(before)
    return tuple(Difference(name, now[name], value) for name, value in vars(after).items() if now[name] != value)
