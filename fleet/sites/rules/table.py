"""A CSV file as entries: what an office writes in a spreadsheet. Headings in German or English; the last day is included.

von;bis;name                                   holidays, closures
03.08.2026;14.09.2026;Sommerferien
from,to,name                                   exams
2026-05-04 08:30,2026-05-04 13:00,Abitur
wochentag;stunde;von;bis;art                   bells
Mo-Fr;1;08:00;08:45;Stunde
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from fleet.sites.rules.rows import rows
from fleet.sites.rules.told import (
    LONGEST_NAME,
    MOST_ENTRIES,
    FileError,
    Problem,
    Told,
    checked,
    decoded,
    each,
    each_once,
    near,
)

COLUMNS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"name", "bezeichnung", "titel", "title", "summary"}),
    "begins": frozenset({"von", "beginn", "anfang", "from", "begin", "begins", "start"}),
    "ends": frozenset({"bis", "ende", "to", "until", "end", "ends"}),
    "weekday": frozenset({"wochentag", "tag", "weekday", "day"}),
    "number": frozenset({"stunde", "nummer", "nr", "nr.", "lesson", "number"}),
    "kind": frozenset({"art", "kind"}),
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "holidays": ("begins", "name"),
    "closures": ("begins", "name"),
    "exams": ("begins", "ends", "name"),
    "bells": ("weekday", "number", "begins", "ends"),
}
WEEKDAYS = (
    {"mo", "mon", "montag", "monday"},
    {"di", "tu", "tue", "dienstag", "tuesday"},
    {"mi", "we", "wed", "mittwoch", "wednesday"},
    {"do", "th", "thu", "donnerstag", "thursday"},
    {"fr", "fri", "freitag", "friday"},
    {"sa", "sat", "samstag", "saturday"},
    {"so", "su", "sun", "sonntag", "sunday"},
)
KINDS: Mapping[str, str] = {
    "": "lesson", "stunde": "lesson", "lesson": "lesson", "schlaf": "nap", "ruhe": "nap", "nap": "nap",
}  # fmt: skip
KIND_NAMES: Mapping[str, str] = {"lesson": "Stunde", "nap": "Schlaf"}
DAY_NAMES = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y")
TIMES = ("%H:%M", "%H:%M:%S", "%H.%M")
HIGHEST_NUMBER = 30
Cells = Mapping[str, str]
Value = TypeVar("Value")


def read(data: bytes, content: str, timezone: str, today: date) -> list[Told]:
    """`content` as in `told.PARSERS`. Raises FileError with the line and the value of every row that is wrong."""
    found = list(_rows(decoded(data), NEEDED[content]))
    if len(found) > MOST_ENTRIES:
        raise FileError(Problem.TOO_MANY, None, str(len(found)))
    if content == "bells":
        return without_overlap(list(itertools.chain.from_iterable(each(found, lambda row: list(_bells(*row))))))
    entry = _exam(ZoneInfo(timezone)) if content == "exams" else _free
    return each_once(each(found, lambda row: checked(near(entry(*row), row[0], today), row[0])))


def _rows(text: str, needed: tuple[str, ...]) -> Iterator[tuple[int, Cells]]:
    """(line, {our column: cell}) of every row that is not empty."""
    found = rows(text)
    _line, heading = next(found, (1, []))
    columns = [_column(cell) for cell in heading]
    for name in needed:
        if name not in columns:
            raise FileError(Problem.NO_COLUMN, 1, " / ".join(sorted(COLUMNS[name])))
    for line, cells in found:
        yield line, {name: cell for name, cell in zip(columns, cells, strict=False) if name}


def _column(cell: str) -> str:
    heading = cell.lower()
    return next((name for name, words in COLUMNS.items() if heading in words), "")


def _free(line: int, cells: Cells) -> Told:
    first = _value(line, cells.get("begins", ""), _day)
    last = _value(line, cells["ends"], _day) if cells.get("ends") else first
    name = _name(cells)
    return Told(f"{name}@{first.isoformat()}", name, first, last)


def _exam(zone: ZoneInfo) -> Callable[[int, Cells], Told]:
    def entry(line: int, cells: Cells) -> Told:
        begins = _value(line, cells.get("begins", ""), _instant).replace(tzinfo=zone)
        ends = _value(line, cells.get("ends", ""), _instant).replace(tzinfo=zone)
        name = _name(cells)
        return Told(f"{name}@{begins.isoformat()}", name, begins, ends)

    return entry


def _name(cells: Cells) -> str:
    return " ".join(cells.get("name", "").split())[:LONGEST_NAME] or "–"


def _bells(line: int, cells: Cells) -> Iterator[Told]:
    """One for each weekday that the row names (`Mo-Fr`)."""
    number = _value(line, cells.get("number", ""), _number)
    begins, ends = (_value(line, cells.get(name, ""), _clock) for name in ("begins", "ends"))
    kind = _value(line, cells.get("kind", "").lower(), KINDS.__getitem__)
    for weekday in _value(line, cells.get("weekday", ""), _weekdays):
        yield checked(bell(kind, weekday, number, begins, ends), line)


def bell(kind: str, weekday: int, number: int, begins: time, ends: time) -> Told:
    return Told(f"{kind}/{weekday}/{number}", f"{number}.", begins, ends)


def bell_parts(one: Told) -> tuple[str, int, int]:
    """(kind, weekday, number) of an entry that `bell` has made."""
    kind, weekday, number = one.uid.split("/")
    return kind, int(weekday), int(number)


def as_lines(bells: Iterable[Told]) -> str:
    """As the office would write it, one line for weekdays in a row with the same times: `Mo-Fr;1;08:00;08:45;Stunde`."""
    days: dict[tuple[str, int, str], list[int]] = {}
    for one in bells:
        kind, weekday, number = bell_parts(one)
        days.setdefault((kind, number, f"{one.begins:%H:%M};{one.ends:%H:%M}"), []).append(weekday)
    lines = [
        (run[0], times, f"{_run_name(run)};{number};{times};{KIND_NAMES[kind]}")
        for (kind, number, times), weekdays in days.items()
        for run in _runs(sorted(weekdays))
    ]
    return "\n".join(line for *_order, line in sorted(lines))


def _runs(weekdays: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for weekday in weekdays:
        if runs and weekday == runs[-1][-1] + 1:
            runs[-1].append(weekday)
        else:
            runs.append([weekday])
    return runs


def _run_name(run: list[int]) -> str:
    return DAY_NAMES[run[0]] if len(run) == 1 else f"{DAY_NAMES[run[0]]}-{DAY_NAMES[run[-1]]}"


def without_overlap(bells: list[Told]) -> list[Told]:
    """The same, if no two of a kind ring into each other on one day, and no number comes twice. Raises FileError."""
    by_day: dict[tuple[str, int], list[Told]] = {}
    for one in bells:
        kind, weekday, _number = bell_parts(one)
        by_day.setdefault((kind, weekday), []).append(one)
    for lessons in by_day.values():
        lessons.sort(key=lambda one: one.begins.isoformat())
        for earlier, later in itertools.pairwise(lessons):
            if later.begins < earlier.ends:
                raise FileError(
                    Problem.OVERLAPPING, None, f"{earlier.name} {earlier.ends:%H:%M} – {later.name} {later.begins:%H:%M}"
                )
        if len({one.uid for one in lessons}) < len(lessons):
            raise FileError(Problem.OVERLAPPING, None, lessons[0].name)
    return [one for lessons in by_day.values() for one in lessons]


def _value(line: int, text: str, reader: Callable[[str], Value]) -> Value:
    try:
        return reader(text)
    except (ValueError, KeyError) as error:
        raise FileError(Problem.BROKEN_VALUE, line, text) from error


def _parsed(text: str, formats: tuple[str, ...]) -> datetime:
    for one in formats:
        try:
            return datetime.strptime(text, one)  # noqa: DTZ007  (a day, or a clock time whose zone the caller knows)
        except ValueError:
            continue
    raise ValueError(text)


def _day(text: str) -> date:
    return _parsed(text, DATES).date()


def _clock(text: str) -> time:
    return _parsed(text, TIMES).time()


def _instant(text: str) -> datetime:
    day, _, clock = text.replace("T", " ").partition(" ")
    return datetime.combine(_day(day), _clock(clock.strip()))


def _number(text: str) -> int:
    number = int(text.rstrip("."))
    if not 0 <= number <= HIGHEST_NUMBER:
        raise ValueError(text)
    return number


def _weekdays(text: str) -> range:
    first, _, last = text.lower().replace("–", "-").partition("-")
    begin = _weekday(first)
    end = _weekday(last) if last.strip() else begin
    if end < begin:
        raise ValueError(text)
    return range(begin, end + 1)


def _weekday(text: str) -> int:
    word = text.strip().rstrip(".")
    for number, words in enumerate(WEEKDAYS):
        if word in words:
            return number
    raise ValueError(text)
