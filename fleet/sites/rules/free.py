"""Which days are free at a site: feast days, school holidays and closures, one over the other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fleet.sites.rules import state_holidays
from fleet.sites.rules.clock import ONE_DAY
from fleet.sites.rules.state_holidays import FreeSpan


class Source(StrEnum):
    PUBLIC = "public"
    STATE = "state"
    """School holidays of the federal state."""
    FILE = "file"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Entry:
    """A span with where it comes from; `period_id` names the row of what was uploaded or entered."""

    span: FreeSpan
    source: Source
    closure: bool = False
    period_id: int | None = None
    everywhere: bool = False
    """Entered or uploaded for all sites of the authority."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days about which an uploaded file speaks: there it alone says when school holidays are."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Rules:
    """What of the law applies to a site."""

    state: str
    school: bool
    """School holidays are for schools; kindergartens have closures."""
    catholic: bool


def by_law(rules: Rules, year: int, covered: Iterable[Coverage], language: str) -> list[Entry]:
    """Feast days and school holidays around `year`, except school holidays that a file speaks about itself.

    What the law frees pupils from no file takes back.
    """
    feasts = state_holidays.public(rules.state, year, catholic=rules.catholic, language=language)
    found = [Entry(span, Source.PUBLIC) for span in state_holidays.spans(feasts)]
    if rules.school:
        told = list(covered)
        school = state_holidays.school(rules.state, year, language)
        found += [Entry(span, Source.STATE) for span in school if not _told(span, told)]
        found += [Entry(span, Source.STATE) for span in state_holidays.free_for_pupils(rules.state, year)]
    return found


def _told(span: FreeSpan, covered: Iterable[Coverage]) -> bool:
    return any(span.touches(one.first_day, one.last_day) for one in covered)


def days(entries: Iterable[Entry]) -> dict[date, str]:
    """{day: name}; where several say a day is free, the most particular one gives the name."""
    return {day: entry.span.name for entry in sorted(entries, key=_particular) for day in each_day(entry.span)}


def _particular(entry: Entry) -> tuple[bool, bool]:
    return entry.closure, entry.source is Source.PUBLIC


def each_day(span: FreeSpan) -> Iterator[date]:
    for number in range((span.last_day - span.first_day) // timedelta(days=1) + 1):
        yield span.first_day + number * ONE_DAY


def known_until(rules: Rules, year: int, covered: Iterable[Coverage], last_closure: date | None) -> date | None:
    """Up to which day somebody said which days are free: for a school its holidays, for a kindergarten its closures."""
    if not rules.school:
        return last_closure
    ends = [one.last_day for one in covered]
    state = state_holidays.school_known_until(rules.state, year)
    return max([*ends, state] if state else ends, default=None)
