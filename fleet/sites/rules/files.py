"""One file of any kind as entries: iCalendar or CSV, told by how it begins."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fleet.sites.rules import ics, table
from fleet.sites.rules.told import FileError, Problem, Told

FOUR_WEEKS = timedelta(days=28)
NAP_WORDS = ("schlaf", "ruhe", "nap")


@dataclass(frozen=True, slots=True)
class Upload:
    """`content` as in `told.PARSERS`."""

    content: str
    file_name: str
    data: bytes


def read(upload: Upload, *, timezone: str, today: date) -> list[Told]:
    """Raises FileError."""
    if not _is_ics(upload):
        told = table.read(upload.data, upload.content, timezone, today)
        return _some(told) if upload.content == "bells" else told
    if upload.content == "bells":
        return _some(_bells(upload.data, timezone, today))
    return ics.read(upload.data, ics.Setting(timezone, today, whole_days=upload.content != "exams"))


def _some(bells: list[Told]) -> list[Told]:
    """A file without a lesson is the wrong file, no wish to have none: that is said where bells are edited."""
    if not bells:
        raise FileError(Problem.NO_BELLS)
    return bells


def _is_ics(upload: Upload) -> bool:
    begins = upload.data.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].upper()
    return begins == b"BEGIN:VCALENDAR" or upload.file_name.lower().endswith((".ics", ".ical"))


def _bells(data: bytes, timezone: str, today: date) -> list[Told]:
    """A timetable of lessons that repeat each week: the clock times of four weeks, numbered through each day."""
    zone = ZoneInfo(timezone)
    setting = ics.Setting(timezone, today, whole_days=False, back=timedelta(0), ahead=FOUR_WEEKS)
    by_day: defaultdict[tuple[str, int], set[tuple[time, time]]] = defaultdict(set)
    for one in ics.read(data, setting):
        begins, ends = (_clock(when, zone, one.name) for when in (one.begins, one.ends))
        kind = "nap" if any(word in one.name.lower() for word in NAP_WORDS) else "lesson"
        by_day[kind, begins.weekday()].add((begins.time(), ends.time()))
    numbered = [
        table.bell(kind, weekday, number, begins, ends)
        for (kind, weekday), times in by_day.items()
        for number, (begins, ends) in enumerate(sorted(times), start=1)
    ]
    return table.without_overlap(numbered)


def _clock(when: Any, zone: ZoneInfo, name: str) -> datetime:
    if not isinstance(when, datetime):
        raise FileError(Problem.BROKEN_VALUE, None, name)
    return when.astimezone(zone).replace(tzinfo=None)
