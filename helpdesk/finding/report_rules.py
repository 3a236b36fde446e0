"""What is reckoned from tickets and outages. Durations are elapsed hours; instants are aware."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from fleet.sites.rules.clock import LessonSpan

BEGINS_A_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""OWASP, CSV Injection: what spreadsheets take for a formula (in full width too), or cut off before they look."""
ANSWERED_WITHIN_H = (1, 4, 8, 24)
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Facts:
    """A ticket as the reports see it."""

    created_at: datetime
    site: str
    category: str
    models: tuple[str, ...]
    answered_at: datetime | None
    resolved_at: datetime | None
    by_playbook: bool

    @property
    def hours_to_answer(self) -> float | None:
        return hours(self.created_at, self.answered_at)

    @property
    def hours_to_resolve(self) -> float | None:
        return hours(self.created_at, self.resolved_at)


def hours(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else max(0.0, (end - begin).total_seconds() / 3600)


@dataclass(frozen=True)
class Month:
    label: str
    """2026-03"""
    opened: int
    resolved: int


def months(facts: Iterable[Facts], zone: ZoneInfo) -> list[Month]:
    """By the month in which a ticket was opened."""
    opened: dict[str, int] = defaultdict(int)
    resolved: dict[str, int] = defaultdict(int)
    for one in facts:
        label = f"{one.created_at.astimezone(zone):%Y-%m}"
        opened[label] += 1
        resolved[label] += one.resolved_at is not None
    return [Month(label, opened[label], resolved[label]) for label in sorted(opened)]


@dataclass(frozen=True)
class Share:
    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None


def answered_within(facts: Sequence[Facts], limit_h: float) -> Share:
    """Of all; one that was resolved without an answer counts by its resolution."""
    first = [one.hours_to_answer if one.hours_to_answer is not None else one.hours_to_resolve for one in facts]
    return Share(sum(1 for taken in first if taken is not None and taken <= limit_h), len(facts))


def by_playbook(facts: Sequence[Facts]) -> Share:
    """Of those that were resolved."""
    over = [one for one in facts if one.resolved_at is not None]
    return Share(sum(1 for one in over if one.by_playbook), len(over))


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
    rows = [Times(name, len(known), median(known), _ninth_tenth(known)) for name, known in taken.items()]
    return sorted(rows, key=lambda row: (-row.median_h, row.label))


def _ninth_tenth(known: list[float]) -> float:
    """The nearest-rank percentile."""
    return sorted(known)[max(0, -(-9 * len(known) // 10) - 1)]


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


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe goes before what begins one."""
    return f"'{text}" if text.lstrip(" ").startswith(BEGINS_A_FORMULA) or text.startswith(BEGINS_A_FORMULA) else text
