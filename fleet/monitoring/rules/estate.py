"""How a city's sites are, worst first, and how many devices were silent at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.monitoring.rules.rooms import State


@dataclass(frozen=True)
class SiteHealth:
    """`lessons`: lessons hit today by open root causes; `since`: of the oldest of them."""

    site_id: int
    name: str
    kind: str
    total: int = 0
    down: int = 0
    watch: int = 0
    unknown: int = 0
    maintained: int = 0
    lessons: int = 0
    rank: int = 0
    since: datetime | None = None

    @property
    def state(self) -> State:
        if self.down:
            return State.DOWN
        if self.watch:
            return State.WATCH
        if self.maintained:
            return State.MAINTENANCE
        return State.UNKNOWN if self.unknown else State.OK


def worst_first(sites: Iterable[SiteHealth]) -> list[SiteHealth]:
    """By lessons hit and what else ranks its alerts, then by silent devices, exceeded limits, and what is not known."""
    return sorted(sites, key=lambda one: (-one.rank, -one.lessons, -one.down, -one.watch, -one.unknown, one.name))


def counts(sites: Iterable[SiteHealth]) -> dict[State, int]:
    """Sites by state."""
    found = dict.fromkeys(State, 0)
    for site in sites:
        found[site.state] += 1
    return found


def most_silent(spans: Sequence[tuple[datetime, datetime | None]], instants: Sequence[datetime]) -> list[int]:
    """How many of the outages (begin, end or still going on) held at once, at most, up to each instant since the one before.

    `instants` in order of time. Who comes back at the moment at which another falls silent was not silent with it.
    """
    changes = sorted([(begin, 1) for begin, _end in spans] + [(end, -1) for _begin, end in spans if end is not None])
    found, silent, place = [], 0, 0
    for instant in instants:
        most = silent
        while place < len(changes) and changes[place][0] <= instant:
            silent += changes[place][1]
            most = max(most, silent)
            place += 1
        found.append(most)
    return found


def instants(end: datetime, length: timedelta, count: int) -> list[datetime]:
    """`count` instants, evenly apart, the last one `end`."""
    return [end - length * (count - 1 - n) / (count - 1) for n in range(count)]
