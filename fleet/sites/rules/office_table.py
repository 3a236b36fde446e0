"""A table that an office has filled in, read strictly: it is taken in by a command, and nobody looks at a draft of it.

A column that is not known, a value without a column and a letter that was lost are mistakes here; calendars (`table`) let
them pass.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from fleet.people.rules import one_line
from fleet.sites.rules.rows import rows
from fleet.sites.rules.told import FileError, as_text

MOST_BYTES = 32_000_000
LONGEST_SHOWN = 60
LOST = "\ufffd"
Columns = Mapping[str, frozenset[str]]
"""Our name of a column → headings by which offices know it, in small letters."""
Readers = Mapping[str, Callable[[str], Any]]
"""How the text of a column becomes its value; each raises ValueError with what would be right."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """`line` counts from 1 and is 0 for the whole file; `column` is empty for a whole line."""

    line: int
    column: str
    says: str

    def __str__(self) -> str:
        where = ", ".join(part for part in (_("Line %d") % self.line if self.line else "", self.column) if part)
        return f"{where}: {self.says}" if where else self.says


class MistakesError(ValueError):
    """Why a table is refused as a whole."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: Sequence[Mistake] = sorted(mistakes, key=lambda one: one.line)
        super().__init__("\n".join(map(str, self.mistakes)))


def refuse(mistakes: Sequence[Mistake]) -> None:
    """Raises MistakesError if there are any."""
    if mistakes:
        raise MistakesError(mistakes)


def shown(value: object) -> str:
    """A value inside a message."""
    text = str(value)
    return f'"{text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."}"'


@dataclass(frozen=True, slots=True)
class Row:
    """`cells`: each of our columns, empty where the table has none."""

    line: int
    cells: Mapping[str, str]


def read(data: bytes, columns: Columns, needed: Iterable[str]) -> list[Row]:
    """Texts come as one line each, composed (NFC). Raises MistakesError."""
    try:
        found = rows(_text(data), strict=True)
        line, heading = next(found, (1, []))
        names = _names([_clean(cell) for cell in heading], columns, needed, line)
        lines = [(line, [_clean(cell) for cell in cells]) for line, cells in found]
    except FileError as error:
        raise MistakesError([Mistake(error.line or 0, "", _("This row cannot be read (%s).") % error.detail)]) from error
    refuse([mistake for line, cells in lines for mistake in _lost(line, cells, names)])
    empty = dict.fromkeys(columns, "")
    return [Row(line, empty | dict(zip(names, cells, strict=False))) for line, cells in lines]


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise MistakesError([Mistake(0, "", _("The file is larger than %d MB.") % (MOST_BYTES // 1_000_000))])
    text = as_text(data)
    nul = text.find("\0")
    if nul >= 0:
        says = _("There is a NUL in it: the file is no text. Save the table as CSV.")
        raise MistakesError([Mistake(text.count("\n", 0, nul) + 1, "", says)])
    return text


def _clean(cell: str) -> str:
    return unicodedata.normalize("NFC", one_line(cell))


def _names(heading: list[str], columns: Columns, needed: Iterable[str], line: int) -> list[str]:
    """Our column above each cell, "" where the heading is empty. Raises MistakesError."""
    names = [_name(cell, columns) for cell in heading]
    known = ", ".join(columns)
    mistakes = [
        Mistake(
            line, "", _("The column %(cell)s is not known. Known are: %(known)s.") % {"cell": shown(cell), "known": known}
        )
        for cell, name in zip(heading, names, strict=True)
        if cell and not name
    ]
    mistakes += [Mistake(line, name, _("This column is there twice.")) for name in columns if names.count(name) > 1]
    mistakes += [Mistake(line, name, _("This column is missing.")) for name in needed if name not in names]
    refuse(mistakes)
    return names


def _name(cell: str, columns: Columns) -> str:
    heading = cell.lower()
    return next((name for name, words in columns.items() if heading == name or heading in words), "")


def _lost(line: int, cells: list[str], names: list[str]) -> Iterator[Mistake]:
    """What would be lost if the row were read."""
    padded = [*names, *[""] * (len(cells) - len(names))]
    for number, (cell, name) in enumerate(zip(cells, padded, strict=False), start=1):
        if cell and not name:
            says = _("%(cell)s stands in column %(number)d, which has no heading. Does a text need quotation marks?")
            yield Mistake(line, "", says % {"cell": shown(cell), "number": number})
        if LOST in cell:
            yield Mistake(line, name, _("%s holds letters that cannot be read. Save the table as UTF-8.") % shown(cell))


@dataclass(slots=True)
class Said:
    """What all rows of a table say of one thing. `parts` are the things in it, by their keys."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Where the value of a column was said first."""
    parts: dict[Any, "Said"] = field(default_factory=dict)

    def part(self, key: object, line: int) -> "Said":
        return self.parts.setdefault(key, Said(line))

    def take(self, row: Row, columns: Iterable[str], readers: Readers) -> Iterator[Mistake]:
        """Empty cells say nothing; whoever says something else than a row before contradicts it."""
        for column in columns:
            if not row.cells[column]:
                continue
            try:
                value = readers[column](row.cells[column]) if column in readers else row.cells[column]
            except ValueError as error:
                yield Mistake(row.line, column, _("%s is none.") % shown(row.cells[column]) + f" {error}")
                continue
            before = self.values.setdefault(column, value)
            first = self.lines.setdefault(column, row.line)
            if before != value:
                said = {"cell": shown(row.cells[column]), "line": first, "before": shown(before)}
                yield Mistake(row.line, column, _("%(cell)s contradicts line %(line)d: %(before)s.") % said)
