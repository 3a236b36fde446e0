"""For which school something is reported or ordered: the one that was named, else one to tap or to type."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from fleet.devices.models import Device
from fleet.sites.models import Room, Site
from fleet.sites.typed import by_id, matching

SHOWN = 24
"""So many are there to tap; of more than these some of the name has to be typed."""


def chosen(said: Mapping[str, str], sites: QuerySet[Site], first: Sequence[Site]) -> Site | None:
    """The one of `sites` that was named, by itself or by a room or device in it; the only one there is; none.

    `first`: two of them, or as many as there are.
    """
    if site := by_id(sites, said.get("site", "")):
        return site
    if room := by_id(Room.objects.filter(site__in=sites).select_related("site"), said.get("room", "")):
        return room.site
    devices = Device.objects.in_service().filter(site__in=sites).select_related("site")
    if device := by_id(devices, said.get("device", "")):
        return device.site
    return first[0] if len(first) == 1 else None


def labels(ids: Iterable[int | None]) -> dict[int, str]:
    """{school: how it is called in a list}; of several of the same name with what tells them apart. One query."""
    rows = Site.objects.filter(pk__in={one for one in ids if one is not None})
    columns = ("pk", "name", "street", "city", "authority__name", "slug")
    return told_apart({pk: said for pk, *said in rows.order_by("pk").values_list(*columns)})


def told_apart(rows: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """{id: (name, …)} -> {id: name}, where names collide with the first of the others that differs for each of them."""
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for pk, (name, *_more) in rows.items():
        alike[name].append(pk)
    return {pk: label for name, pks in alike.items() for pk, label in _labels(name, {pk: rows[pk][1:] for pk in pks})}


def _labels(name: str, more: Mapping[int, Sequence[str]]) -> Iterator[tuple[int, str]]:
    if len(more) == 1:
        yield from ((pk, name) for pk in more)
        return
    columns = (column for column in zip(*more.values(), strict=True) if all(column) and len(set(column)) == len(column))
    distinct = next(columns, [f"{number}" for number in range(1, len(more) + 1)])
    yield from ((pk, f"{name} ({said})") for pk, said in zip(more, distinct, strict=True))


@dataclass(frozen=True)
class Which:
    """A question: which of these schools? `asks`: there are so many that a name has to be typed; `more`: than are shown."""

    schools: Sequence[Site]
    typed: str
    asks: bool
    more: bool


def which(sites: QuerySet[Site], typed: str) -> Which:
    typed = typed.replace("\0", "")[:200].strip()
    found = list(matching(sites, typed).order_by("name", "pk")[: SHOWN + 1])
    return Which(found[:SHOWN], typed, asks=bool(typed) or len(found) > SHOWN, more=len(found) > SHOWN)
