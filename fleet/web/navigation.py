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
    group: str = ""
    """Key of the `Group` that it stands in; empty: it stands for itself."""


@dataclass(frozen=True)
class Group:
    """Entries that belong together: one word in the navigation, and a row of its own on each of its pages."""

    key: str
    label: str | Promise
    icon: str
    order: int = 50
    action: str | None = None
    """Gathered only for whoever may do this anywhere; for others, who have few entries, each stands for itself."""


@dataclass(frozen=True)
class Entry:
    label: str
    url: str
    icon: str
    current: str = ""
    """Value of `aria-current`: "page" at its very page, "true" below it and, for a group, within it; "" elsewhere."""
    parts: Sequence["Entry"] = ()
    """What stands in this group; empty for an entry that stands for itself."""


_items: dict[str, Item] = {}
_search: list[str] = []
_account: dict[str, Item] = {}
_groups: dict[str, Group] = {}


def register(item: Item) -> None:
    _items[item.url_name] = item


def register_search(url_name: str) -> None:
    """The page that looks through everything: it gets a field in the head of every page."""
    _search[:] = [url_name]


def search_address(request: HttpRequest) -> str:
    """ "" where there is none, and for whoever is not logged in."""
    known = bool(_search) and getattr(getattr(request, "user", None), "is_authenticated", False)
    return reverse(_search[0]) if known else ""


def register_for_account(item: Item) -> None:
    """A page of an upper room that belongs to the person: it stands with the account's own."""
    _account[item.url_name] = item


def account_entries(request: HttpRequest) -> list[Entry]:
    """What upper rooms add to the pages of one's account, in their order."""
    found = [(item, _address(item)) for item in sorted(_account.values(), key=lambda item: item.order)]
    return [_entry(item, url, request.path, request.path) for item, url in found if url is not None]


def register_group(group: Group) -> None:
    _groups[group.key] = group


def registered() -> Sequence[Item]:
    return sorted(_items.values(), key=lambda item: item.order)


def entries(request: HttpRequest) -> list[Entry]:
    """What this person may enter, the place they are at marked: the longest address that begins the page's own.

    A group stands where its own order says and leads to the first of its entries; one with a single entry is that entry.
    """
    person = cast("Person | None", getattr(request, "user", None))
    if person is None or not person.is_authenticated:
        return []
    found = [(item, url) for item in registered() if shown(item, person.access) and (url := _address(item)) is not None]
    here = max((url for _, url in found if _begins(url, request.path)), key=len, default=None)
    gathering = {key: group for key, group in _groups.items() if _may(group.action, person.access)}
    made = [(item, _entry(item, url, here, request.path)) for item, url in found]
    alone = [(item.order, entry) for item, entry in made if item.group not in gathering]
    grouped = [
        (group.order, entry)
        for key, group in gathering.items()
        if (entry := _gathered(group, [entry for item, entry in made if item.group == key]))
    ]
    return [entry for _, entry in sorted([*alone, *grouped], key=lambda one: one[0])]


def _entry(item: Item, url: str, here: str | None, path: str) -> Entry:
    current = "" if url != here else "page" if url == path else "true"
    return Entry(str(item.label), url, item.icon, current)


def _gathered(group: Group, parts: Sequence[Entry]) -> Entry | None:
    if not parts[1:]:
        return parts[0] if parts else None
    current = "true" if any(part.current for part in parts) else ""
    return Entry(str(group.label), parts[0].url, group.icon, current, parts)


def shown(item: Item, access: Allowed) -> bool:
    return _may(item.action, access) and not (item.unless is not None and access.anywhere(item.unless))


def _may(action: str | None, access: Allowed) -> bool:
    return action is None or access.anywhere(action)


def _address(item: Item) -> str | None:
    try:
        return reverse(item.url_name)
    except NoReverseMatch:
        return None


def _begins(url: str, path: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
