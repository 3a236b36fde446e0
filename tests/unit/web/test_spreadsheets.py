"""No text of a table becomes a formula, and what is none stays legible."""

import csv
import io

import pytest

from fleet.web.spreadsheets import cell, csv_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+49 8222", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", '=HYPERLINK("x")',
        "\uff1d1+1", "\uff0b49 8222", "\uff0d1", "\uff20SUM(A1)", "  \uff1d1",
    ],
)  # fmt: skip
def test_no_text_begins_a_formula(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["", "Beamer", "1+1=2", "F2026-000001"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize("parts", [";", ",", "\t", "\n", "\r"])
@pytest.mark.parametrize("before", ["", " ", "  ", '"', ' "'])
@pytest.mark.parametrize("formula", ["=1+1", "@SUM(1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "\uff1d1+1"])
def test_no_formula_stands_behind_what_may_part_a_line(parts: str, before: str, formula: str) -> None:
    text = csv_cell(f"Beamer{parts}{before}{formula}")

    assert formula in text
    assert text.split(parts)[1].lstrip(" ").startswith("'")


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_no_cell_is_a_formula_wherever_lines_are_parted(delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file).writerow(
        map(csv_cell, ["7", "z, u;@SUM(1)", 'y;=HYPERLINK("http://evil.example";"klick")', 'x;"=1+1"'])
    )

    cells = next(csv.reader(io.StringIO(file.getvalue()), delimiter=delimiter))

    assert not [one for one in cells if one.lstrip().startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    "text", ["Rückruf, +49 341 123-45", "Tel.; +49 (341) 12/34; -5", "Werte: 3, -5, +7", "a - b, c", "x; -1.5", "a;b=c"]
)
def test_numbers_behind_commas_and_semicolons_stay_as_they_are(text: str) -> None:
    assert csv_cell(text) == text
