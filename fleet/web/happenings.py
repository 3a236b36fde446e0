"""What happened to a thing, told by every room that knows something of it: `register("device", "tickets", source)`.

The page of a device shows all of it on one line of time, and draws it as marks on its charts. A lower room asks and names
nobody; each source looks after what this person may see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise


@dataclass(frozen=True)
class Happening:
    """`text` is a sentence of its own or its end; `kind` says in a word what it is ("Alert", "Change")."""

    at: datetime
    kind: str | Promise
    text: str
    state: str = "info"
    """Token of the pill: ok, watch, down, unknown, maintenance, info."""
    icon: str = "information-circle"
    until: datetime | None = None
    lasts: bool = False
    """Still going on; without `until` and this it had no length."""
    url: str = ""
    drawn: bool = True
    """Worth a mark on a chart."""


Source = Callable[[Any, int, datetime, datetime], Iterable[Happening]]
"""(user, pk, begin, end) -> what happened then, as far as this person may know."""

_sources: dict[str, dict[str, Source]] = {}


def register(subject: str, name: str, source: Source) -> None:
    _sources.setdefault(subject, {})[name] = source


def of(subject: str, user: Any, pk: int, begin: datetime, end: datetime) -> list[Happening]:
    """From every source, latest first."""
    found = (one for source in _sources.get(subject, {}).values() for one in source(user, pk, begin, end))
    return sorted(found, key=lambda one: one.at, reverse=True)
