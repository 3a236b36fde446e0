"""What the demo city's calendars hold beside bells: closures of the kindergartens, exams, a night for updates."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fleet.lab.city.model import City, Kind

SUMMER_ENDS = 9
"""The month with which a school year begins."""
SUNDAY = 6


@dataclass(frozen=True)
class Closure:
    """Whole days, both included."""

    site: str
    name: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Exam:
    """Local times of the city."""

    site: str
    name: str
    begins: datetime
    ends: datetime
    buffer_days: int = 1


@dataclass(frozen=True)
class Upkeep:
    """Each week, for one kind of device; local times of the first night."""

    site: str
    kind: Kind
    reason: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class SchoolYear:
    closures: tuple[Closure, ...]
    exams: tuple[Exam, ...]
    upkeep: tuple[Upkeep, ...]


def school_year(city: City, today: date) -> SchoolYear:
    """Of the school year in which `today` lies."""
    begins = today.year if today.month >= SUMMER_ENDS else today.year - 1
    kindergartens = [site.key for site in city.sites if site.kind == "kindergarten"]
    grammar = [site.key for site in city.sites if site.key == "nordwall"]
    return SchoolYear(
        closures=tuple(closure for key in kindergartens for closure in _closures(key, begins)),
        exams=tuple(_finals(key, begins + 1) for key in grammar),
        upkeep=tuple(_updates(key, today) for key in grammar),
    )


def _closures(site: str, year: int) -> tuple[Closure, ...]:
    return (
        Closure(site, "Zwischen den Jahren geschlossen", date(year, 12, 28), date(year, 12, 31)),
        Closure(site, "Sommerschließung", date(year + 1, 8, 9), date(year + 1, 8, 27)),
    )


def _finals(site: str, year: int) -> Exam:
    """The first whole week of May."""
    first = date(year, 5, 1)
    monday = first + timedelta(days=-first.weekday() % 7)
    friday = monday + timedelta(days=4)
    return Exam(site, "Abiturprüfungen", datetime.combine(monday, time(8)), datetime.combine(friday, time(14)))


def _updates(site: str, today: date) -> Upkeep:
    sunday = today + timedelta(days=SUNDAY - today.weekday())
    begins = datetime.combine(sunday, time(3))
    return Upkeep(site, "switch", "Updates der Switche", begins, begins + timedelta(hours=2))
