"""What is reckoned from tickets and outages. Durations are elapsed hours; instants are aware."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fleet.sites.rules.clock import LessonSpan

ANSWERED_WITHIN_H = (1, 4, 8, 24)
Span = tuple[datetime, datetime]


class Facts(NamedTuple):
    """A ticket as the reports see it. `month`: in which it was opened, as 2026-03."""

    month: str
    site: str
    category: str
    models: tuple[str, ...]
    hours_to_answer: float | None
    hours_to_resolve: float | None
    by_playbook: bool


def hours(seconds: float | None) -> float | None:
    return None if seconds is None else max(0.0, seconds / 3600)


class Months:
    """Local months from the day `first` to the day `last`: which one an instant lies in, told quickly."""

    def __init__(self, first: date, last: date, zone: ZoneInfo) -> None:
        self._labels: list[str] = []
        self._begins: list[float] = []
        year, month = first.year, first.month
        while (year, month) <= (last.year, last.month):
            self._labels.append(f"{year:04}-{month:02}")
            self._begins.append(datetime(year, month, 1, tzinfo=zone).timestamp())
            year, month = year + month // 12, month % 12 + 1

    def label(self, at: float) -> str:
        """`at`: Unix time."""
        return self._labels[max(0, bisect_right(self._begins, at) - 1)]


@dataclass(frozen=True)
class Month:
    label: str
    """2026-03"""
    opened: int
    resolved: int


def months(facts: Iterable[Facts]) -> list[Month]:
    """By the month in which a ticket was opened."""
    opened: Counter[str] = Counter()
    resolved: Counter[str] = Counter()
    for one in facts:
        opened[one.month] += 1
        resolved[one.month] += one.hours_to_resolve is not None
    return [Month(label, opened[label], resolved[label]) for label in sorted(opened)]


@dataclass(frozen=True)
class Share:
    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None


def answered_within(facts: Sequence[Facts], limits_h: Sequence[float]) -> list[Share]:
    """Of all, for each limit; one that was resolved without an answer counts by its resolution."""
    first = (one.hours_to_resolve if one.hours_to_answer is None else one.hours_to_answer for one in facts)
    taken = sorted(one for one in first if one is not None)
    return [Share(bisect_right(taken, limit_h), len(facts)) for limit_h in limits_h]


def by_playbook(facts: Sequence[Facts]) -> Share:
    """Of those that were resolved."""
    over = [one.by_playbook for one in facts if one.hours_to_resolve is not None]
    return Share(sum(over), len(over))


@dataclass(frozen=True)
class Times:
    label: str
    count: int
    """Resolved ones."""
    median_h: float
    slowest_tenth_h: float
    """Nine of ten were resolved within."""


def times(facts: Iterable[Facts], names: Callable[[Facts], Iterable[str]]) -> list[Times]:
    """Time to resolve for each name, the slowest first."""
    taken: dict[str, list[float]] = defaultdict(list)
    for one in facts:
        if one.hours_to_resolve is not None:
            for name in names(one):
                taken[name].append(one.hours_to_resolve)
    for known in taken.values():
        known.sort()
    rows = [Times(name, len(known), median(known), _ninth_tenth(known)) for name, known in taken.items()]
    return sorted(rows, key=lambda row: (-row.median_h, row.label))


def _ninth_tenth(known: list[float]) -> float:
    """The nearest-rank percentile of what is sorted."""
    return known[max(0, -(-9 * len(known) // 10) - 1)]


def merged(spans: Iterable[Span]) -> list[Span]:
    """What overlaps or touches becomes one."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def minutes_within(spans: Iterable[Span], lessons: Callable[[datetime, datetime], Iterable[LessonSpan]]) -> float:
    """Minutes of lessons that lie in the spans, each minute once."""
    lost = 0.0
    for begin, end in merged(spans):
        for lesson in lessons(begin, end):
            lost += max(0.0, (min(end, lesson.ends_at) - max(begin, lesson.begins_at)).total_seconds() / 60)
    return lost
