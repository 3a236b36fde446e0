"""What rooms above tell of a person, and where they lead to. They register in `AppConfig.ready`; this room names nobody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise

from fleet.people.models import User

FEW = 10


@dataclass(frozen=True)
class Belongings:
    """What somebody else has to take over once this person has left; `some` are the first FEW, (title, address) each."""

    title: str | Promise
    count: int
    some: Sequence[tuple[str, str]] = ()
    icon: str = "inbox"

    @property
    def more(self) -> int:
        return self.count - len(self.some)


Source = Callable[[User, User], Belongings]
"""(person, reader) -> as much of it as this reader may see."""


@dataclass(frozen=True)
class Link:
    label: str | Promise
    url_name: str
    icon: str
    allowed: Callable[[User], bool]


_sources: dict[str, Source] = {}
_of_person: dict[str, Link] = {}
_of_list: dict[str, Link] = {}


def register_belongings(name: str, source: Source) -> None:
    _sources[name] = source


def register_for_person(link: Link) -> None:
    """Its address takes the person's number as `pk`."""
    _of_person[link.url_name] = link


def register_for_list(link: Link) -> None:
    _of_list[link.url_name] = link


def belongings(person: User, reader: User) -> list[Belongings]:
    return [source(person, reader) for _name, source in sorted(_sources.items())]


def links_of_person(person: User, reader: User) -> list[tuple[Link, str]]:
    return [(link, reverse(link.url_name, args=[person.pk])) for link in _of_person.values() if link.allowed(reader)]


def links_of_list(reader: User) -> list[tuple[Link, str]]:
    return [(link, reverse(link.url_name)) for link in _of_list.values() if link.allowed(reader)]
