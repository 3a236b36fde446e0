"""The entries of the navigation. Rooms register theirs in `AppConfig.ready`; this room names nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise


class Allowed(Protocol):
    def anywhere(self, action: str, /) -> bool: ...


class Person(Protocol):
    is_authenticated: bool
    access: Allowed


@dataclass(frozen=True)
class Item:
    label: str | Promise
    url_name: str
    icon: str
    action: str | None = None
    """Shown to whoever may do this anywhere (fleet.people.rules.Action); None: to everybody who is logged in."""
    order: int = 50
    unless: str | None = None
    """Not shown to whoever may do this anywhere: a teacher's entry that a technician does not need."""


@dataclass(frozen=True)
class Entry:
    label: str
    url: str
    icon: str
    current: bool


_items: dict[str, Item] = {}


def register(item: Item) -> None:
    _items[item.url_name] = item


def registered() -> Sequence[Item]:
    return sorted(_items.values(), key=lambda item: item.order)


def entries(request: HttpRequest) -> list[Entry]:
    """What this person may enter, the place they are at marked: the longest address that begins the page's own."""
    person = cast("Person | None", getattr(request, "user", None))
    if person is None or not person.is_authenticated:
        return []
    found = [(item, url) for item in registered() if shown(item, person.access) and (url := _address(item)) is not None]
    here = max((url for _, url in found if _begins(url, request.path)), key=len, default=None)
    return [Entry(str(item.label), url, item.icon, url == here) for item, url in found]


def shown(item: Item, access: Allowed) -> bool:
    wanted = item.action is None or access.anywhere(item.action)
    return wanted and not (item.unless is not None and access.anywhere(item.unless))


def _address(item: Item) -> str | None:
    try:
        return reverse(item.url_name)
    except NoReverseMatch:
        return None


def _begins(url: str, path: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
