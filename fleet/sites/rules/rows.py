"""A CSV file as rows of cells: what any office program writes, whatever separates them."""

import csv
import io
from collections.abc import Iterator

from fleet.sites.rules.told import FileError, Problem

SEPARATORS = ";,\t"


def rows(text: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """(the line in which it begins, its cells), the heading first; empty rows are left out.

    `strict` refuses a quotation mark that does not end. Raises FileError (BROKEN_LINE).
    """
    heading = text.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(SEPARATORS, key=heading.count), strict=strict)
    begins = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise FileError(Problem.BROKEN_LINE, begins, str(error)) from error
