"""Reading CSV files as offices write them."""

from datetime import date, time

import pytest

from fleet.sites.rules import table
from fleet.sites.rules.told import MOST_NAMED, FileError, Problem, from_json

BERLIN = "Europe/Berlin"
TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    "text",
    [
        "von;bis;name\n03.08.2026;14.09.2026;Sommerferien\n",
        "Name,From,To\nSommerferien,2026-08-03,2026-09-14\n\n",
        "\ufeffBeginn\tEnde\tBezeichnung\r\n3.8.2026\t14.9.2026\tSommerferien\r\n",
    ],
)
def test_the_last_day_is_included(text: str) -> None:
    (summer,) = table.read(text.encode(), "holidays", BERLIN, TODAY)

    assert (summer.name, summer.begins, summer.ends) == ("Sommerferien", date(2026, 8, 3), date(2026, 9, 14))


def test_one_day_needs_no_end_and_umlauts_of_old_programs_stay() -> None:
    (day,) = table.read("von;bis;name\n05.06.2026;;Brückentag\n".encode("cp1252"), "closures", BERLIN, TODAY)

    assert (day.name, day.begins, day.ends) == ("Brückentag", date(2026, 6, 5), date(2026, 6, 5))


def test_exams_have_times() -> None:
    (exam,) = table.read(b"von;bis;name\n04.05.2026 08:30;04.05.2026 13:00;Abitur\n", "exams", BERLIN, TODAY)

    assert (exam.begins.isoformat(), exam.ends.isoformat()) == ("2026-05-04T08:30:00+02:00", "2026-05-04T13:00:00+02:00")


def test_bells_of_a_week() -> None:
    text = b"wochentag;stunde;von;bis;art\nMo-Fr;1;08:00;08:45;\nMi;2;8:50;9:35;Stunde\nMo-Di;1;12:00;14:00;Schlaf\n"

    bells = table.read(text, "bells", BERLIN, TODAY)

    assert sorted(one.uid for one in bells) == [
        "lesson/0/1", "lesson/1/1", "lesson/2/1", "lesson/2/2", "lesson/3/1", "lesson/4/1", "nap/0/1", "nap/1/1",
    ]  # fmt: skip
    assert table.bell_parts(bells[0]) == ("lesson", 0, 1)
    assert (bells[0].begins, bells[0].ends) == (time(8), time(8, 45))


@pytest.mark.parametrize(
    ("content", "text", "problem", "line"),
    [
        ("holidays", "", Problem.NO_COLUMN, 1),
        ("holidays", "a;b\n1;2\n", Problem.NO_COLUMN, 1),
        ("holidays", "von;bis;name\n03.08.2026;;A\n31.02.2026;;B\n", Problem.BROKEN_VALUE, 3),
        ("holidays", "von;bis;name\n04.08.2026;03.08.2026;A\n", Problem.ENDS_BEFORE_IT_BEGINS, 2),
        ("holidays", "von;bis;name\n04.08.2026;03.08.2028;A\n", Problem.TOO_LONG, 2),
        ("closures", "von;bis;name\n31.12.9999;;A\n", Problem.TOO_FAR, 2),
        ("holidays", "von;bis;name\n01.01.0001;;A\n", Problem.TOO_FAR, 2),
        ("exams", "von;bis;name\n04.05.2026 08:00;04.05.2126 13:00;A\n", Problem.TOO_FAR, 2),
        ("exams", "von;bis;name\n04.05.2026;04.05.2026;A\n", Problem.BROKEN_VALUE, 2),
        ("bells", "wochentag;stunde;von;bis\nXy;1;08:00;08:45\n", Problem.BROKEN_VALUE, 2),
        ("bells", "wochentag;stunde;von;bis\nFr-Mo;1;08:00;08:45\n", Problem.BROKEN_VALUE, 2),
        ("bells", "wochentag;stunde;von;bis\nMo;1;08:00;08:45\nMo;2;08:44;09:00\n", Problem.OVERLAPPING, None),
        ("bells", "wochentag;stunde;von;bis\nMo;1;08:00;08:45\nMo;1;09:00;09:45\n", Problem.OVERLAPPING, None),
        ("bells", "wochentag;stunde;von;bis;art\nMo;1;08:00;08:45;Party\n", Problem.BROKEN_VALUE, 2),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_line(
    content: str, text: str, problem: Problem, line: int | None
) -> None:
    with pytest.raises(FileError) as refused:
        table.read(text.encode(), content, BERLIN, TODAY)

    assert (refused.value.problem, refused.value.line) == (problem, line)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("closures", b"von;name\n05.06.2026;A\n05.06.2026;A\n"),
        ("exams", b"von;bis;name\n04.05.2026 08:30;04.05.2026 13:00;B\n"),
        ("bells", b"wochentag;stunde;von;bis\nMo-Fr;1;08:00;08:45\n"),
    ],
)
def test_what_is_kept_as_json_comes_back_the_same(content: str, text: bytes) -> None:
    told = table.read(text, content, BERLIN, TODAY)

    assert from_json(content, [one.as_json() for one in told]) == told
    assert len({one.uid for one in told}) == len(told)


def test_bells_as_an_office_would_write_them() -> None:
    text = "Mo-Fr;1;08:00;08:45;Stunde\nMo-Mi;2;08:50;09:35;Stunde\nFr;2;09:00;09:45;Stunde\nMo-Do;1;12:00;14:00;Schlaf"
    told = table.read(f"wochentag;stunde;von;bis;art\n{text}".encode(), "bells", BERLIN, TODAY)

    again = table.read(f"wochentag;stunde;von;bis;art\n{table.as_lines(told)}".encode(), "bells", BERLIN, TODAY)

    assert set(table.as_lines(told).split("\n")) == set(text.split("\n"))
    assert sorted(again, key=lambda one: one.uid) == sorted(told, key=lambda one: one.uid)


def test_every_wrong_row_is_named_up_to_a_number() -> None:
    rows = "".join(f"0{n % 9 + 1}.08.2026;{'x' if n % 2 else ''};Fest\n" for n in range(60))
    with pytest.raises(FileError) as caught:
        table.read(f"von;bis;name\n{rows}".encode(), "closures", BERLIN, TODAY)
    named = [caught.value, *caught.value.further]
    assert [one.line for one in named] == list(range(3, 3 + 2 * MOST_NAMED, 2))
    assert {(one.problem, one.detail) for one in named} == {(Problem.BROKEN_VALUE, "x")}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_what_a_spreadsheet_calls_unicode_is_read(encoding: str) -> None:
    text = "von\tbis\tname\n03.08.2026\t14.09.2026\tGroße Ferien\n"
    data = text.encode(encoding) if encoding != "utf-16-be" else b"\xfe\xff" + text.encode(encoding)
    assert [one.name for one in table.read(data, "holidays", BERLIN, TODAY)] == ["Große Ferien"]


def test_a_heading_without_end_is_told() -> None:
    with pytest.raises(FileError) as caught:
        table.read(b"von;bis;" + b"x" * 140_000 + b"\n", "holidays", BERLIN, TODAY)
    assert caught.value.problem == Problem.BROKEN_LINE
