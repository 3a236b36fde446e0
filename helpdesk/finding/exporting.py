"""Tables as CSV, line by line, and as XLSX. Text never becomes a formula."""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from fleet.web.spreadsheets import cell, csv_cell
from helpdesk.finding.reports import Cell

MOST_ROWS = 1_048_575
"""Of a sheet, its head left out."""


class _Echo:
    """csv writes here, and gets back what it wrote."""

    def write(self, text: str) -> str:
        return text


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """RFC 4180 with a byte order mark, by which spreadsheets know UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(heads)
    for row in rows:
        yield writer.writerow([_plain(value) for value in row])


def _plain(value: Cell) -> str | float:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return csv_cell(value) if isinstance(value, str) else "" if value is None else value


def as_xlsx(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """Written row by row to a file without a name, which the caller closes."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (handed over open)
    try:
        _write_book(file, heads, rows)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write_book(file: IO[bytes], heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = Workbook(file, options)
    sheet = book.add_worksheet()
    bold, moment = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, bold)
    for number, row in zip(range(1, MOST_ROWS + 1), rows, strict=False):
        for column, value in enumerate(row):
            _write(sheet, (number, column), value, moment)
    book.close()


def _write(sheet: Worksheet, place: tuple[int, int], value: Cell, moment: object) -> None:
    if isinstance(value, str):
        sheet.write_string(*place, cell(value))
    elif isinstance(value, datetime):
        sheet.write_datetime(*place, value, moment)
    elif value is not None:
        sheet.write_number(*place, value)
