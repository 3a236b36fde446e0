"""What hangs on a school, a building or a room, as the rooms above say: while there is any, it is not closed or removed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

SITE, BUILDING, ROOM = "site", "building", "room"


@dataclass(frozen=True)
class Thing:
    label: str | Promise
    count: Callable[[int], int]
    """Of the place with this number."""
    address: Callable[[int], str]
    """Where they are listed."""
    order: int = 50
    release: Callable[[int], object] | None = None
    """Lets go of the place whatever of the kind is over and does not count, before the place is removed."""


@dataclass(frozen=True)
class Hanging:
    label: str
    count: int
    url: str


_things: dict[str, dict[str, Thing]] = {SITE: {}, BUILDING: {}, ROOM: {}}


def register(place: str, name: str, thing: Thing) -> None:
    _things[place][name] = thing


def on(place: str, pk: int) -> Sequence[Hanging]:
    """What is there, in the order in which it is told; one query per kind."""
    return list(_counted(sorted(_things[place].values(), key=lambda one: one.order), pk))


def release(place: str, pk: int) -> None:
    """In the caller's transaction."""
    for one in _things[place].values():
        if one.release:
            one.release(pk)


def _counted(things: Iterable[Thing], pk: int) -> Iterable[Hanging]:
    for one in things:
        if count := one.count(pk):
            yield Hanging(str(one.label), count, one.address(pk))
