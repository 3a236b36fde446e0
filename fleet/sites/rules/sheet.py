"""A month as it hangs on the wall: weeks of seven days, each with what makes it special."""

import calendar as gregorian
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from fleet.sites.rules.clock import Calendar, ExamSpan, exam_days
from fleet.sites.rules.free import Entry, Source, each_day


class Mark(StrEnum):
    """What a day is; the strongest one counts."""

    SCHOOL = "school"
    UNKNOWN = "unknown"
    """A school day because nobody has said anything."""
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    FEAST = "feast"
    CLOSURE = "closure"
    EXAM = "exam"


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    mark: Mark
    name: str = ""
    outside: bool = False
    """Of the month before or after."""


def weeks(known: Calendar, entries: Iterable[Entry], year: int, month: int) -> list[list[Day]]:
    marks = {day: (mark, entry.span.name) for entry, mark in _by_weight(entries) for day in each_day(entry.span)}
    exams = {day: exam.name for exam in known.exams for day in _days_of(known, exam)}
    sheet = gregorian.Calendar().monthdatescalendar(year, month)
    return [[_day(known, day, marks, exams, outside=day.month != month) for day in week] for week in sheet]


def _by_weight(entries: Iterable[Entry]) -> list[tuple[Entry, Mark]]:
    """The later ones cover the earlier ones."""
    order = list(Mark)
    return sorted(((entry, mark_of(entry)) for entry in entries), key=lambda pair: order.index(pair[1]))


def mark_of(entry: Entry) -> Mark:
    if entry.closure:
        return Mark.CLOSURE
    return Mark.FEAST if entry.source is Source.PUBLIC else Mark.HOLIDAY


def _days_of(known: Calendar, exam: ExamSpan) -> Iterator[date]:
    day, last = exam_days(known, exam, exam.buffer_days)
    while day <= last:
        yield day
        day += timedelta(days=1)


def _day(
    known: Calendar, day: date, marks: Mapping[date, tuple[Mark, str]], exams: Mapping[date, str], *, outside: bool
) -> Day:
    if day in exams and known.why_free(day) is None:
        return Day(day, Mark.EXAM, exams[day], outside)
    if day in marks:
        return Day(day, *marks[day], outside)
    if not known.bells(day.weekday()):
        return Day(day, Mark.WEEKEND, outside=outside)
    return Day(day, Mark.SCHOOL if known.is_known(day) else Mark.UNKNOWN, outside=outside)
