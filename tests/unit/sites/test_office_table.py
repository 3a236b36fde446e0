"""Tables as offices fill them in are read strictly: what would be lost is named by line and column."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from fleet.sites.models import Site
from fleet.sites.rules import people_table, place_table
from fleet.sites.rules.office_table import MOST_BYTES, MistakesError, Said
from fleet.sites.rules.tally import Tally

TABLE = "school;kind;building;room;room_name\nGrundschule Süd;school;Haus A;101;Küche\n"


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def room(schools: list[Said]) -> Said:
    (school,) = schools
    (building,) = school.parts.values()
    (found,) = building.parts.values()
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_any_office_program_is_understood(encoding: str, separator: str) -> None:
    schools = place_table.schools(TABLE.replace(";", separator).replace("\n", "\r\n").encode(encoding))

    assert schools[0].values == {"school": "Grundschule Süd", "kind": "school"}
    assert room(schools).values == {"room": "101", "room_name": "Küche"}


def test_german_headings_and_words() -> None:
    table = "Schule;Art;Gebäude;Raum;Etage;Unterricht\nKita Möwe;Kita;Haus;1;−1;nein\n"

    schools = place_table.schools(table.encode())

    assert schools[0].values["kind"] == "kindergarten"
    assert room(schools).values == {"room": "1", "floor": -1, "teaching": False}


def test_every_kind_of_site_has_a_word() -> None:
    assert set(place_table.KINDS.values()) == set(Site.Kind.values)


def test_texts_are_one_line_composed_and_else_as_they_are() -> None:
    table = 'school;street;city\n"Schule\nam ""Hafen""";=1+1;Mu\u0308hl\u200bhausen\n'

    (school,) = place_table.schools(table.encode())

    assert school.values == {"school": 'Schule am "Hafen"', "street": "=1+1", "city": "Mühlhausen"}


def test_a_row_after_a_quoted_line_break_has_the_number_of_its_line() -> None:
    with pytest.raises(MistakesError, match=r"^Line 5, floor: "):
        place_table.schools(b'school;building;room;floor\n"A\nB";H;1;0\n\nA;H;2;up\n')


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "Line 1, school: This column is missing."),
        ("building;room\nA;1\n", "Line 1, school: This column is missing."),
        ("school;colour\nA;red\n", 'Line 1: The column "colour" is not known.'),
        ("school;Schule\nA;B\n", "Line 1, school: This column is there twice."),
        ("school;street\nA;Hafenstraße 1; Hinterhaus\n", 'Line 2: "Hinterhaus" stands in column 3, which has no heading.'),
        ('school;street\nA;B\nC;"D\nE;F\n', "Line 3: This row cannot be read"),
        ("school;street\nA;B\nC\0;D\n", "Line 3: There is a NUL in it"),
        ("school;street\n;B\n", "Line 2, school: The school's name is missing."),
        ("school;kind\nA;castle\n", 'Line 2, kind: "castle" is none. A kind is school or kindergarten.'),
        ("school;building;room;floor\nA;B;1;=1+1\n", 'Line 2, floor: "=1+1" is none.'),
        ("school;building;room;floor\nA;B;1;1000\n", "Line 2, floor: "),
        ("school;building;room;teaching\nA;B;1;perhaps\n", 'Line 2, teaching: "perhaps" is none.'),
        ("school;building;room\nA;;1\n", "Line 2, building: A room is named, but not its building."),
        ("school;building;room;floor\nA;B;;1\n", 'Line 2, floor: "1" is said of a room without a number.'),
        ("school;city\nA;B\nA;C\n", 'Line 3, city: "C" contradicts line 2: "B".'),
        ("school;building;room;floor\nA;B;1;1\nA;B;1;2\n", 'Line 3, floor: "2" contradicts line 2: "1".'),
        ("school;slug\nA;a\nA;b\nA;\n", 'Line 4, slug: Several schools of this table are called "A"'),
        ("school;slug\nA;a\nB;a\n", 'Line 3, school: "B" contradicts line 2: "A".'),
    ],
)
def test_what_cannot_be_is_named_by_line_and_column(table: str, says: str) -> None:
    with pytest.raises(MistakesError) as refused:
        place_table.schools(table.encode())

    assert str(refused.value).startswith(says)


def test_lost_letters_are_no_names() -> None:
    with pytest.raises(MistakesError, match=r"^Line 2, school: .*Save the table as UTF-8"):
        place_table.schools("school\nGrundschule S\ufffdd\n".encode())


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(MistakesError, match="larger than 32 MB"):
        place_table.schools(b"x" * (MOST_BYTES + 1))


def test_all_mistakes_come_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(MistakesError) as refused:
        people_table.people(b"name;email;role;school\nA;;auditor;\nB;b@neu.example;king;\nC;c@neu.example;;\n")

    assert [(one.line, one.column) for one in refused.value.mistakes] == [(2, "email"), (3, "role"), (4, "role")]


def test_people_want_all_columns() -> None:
    with pytest.raises(MistakesError, match=r"^Line 1, school: This column is missing"):
        people_table.people(b"name;email;role\nA;a@neu.example;auditor\n")


def test_one_person_has_several_roles_and_none_twice() -> None:
    rows = "A;A@neu.example;auditor;\n;a@neu.example;Security;X\n;a@neu.example;security;X\n"

    (person,) = people_table.people(f"name;email;role;school\n{rows}".encode())

    assert person.values == {"name": "A", "email": "a@neu.example"}
    assert [part.values for part in person.parts.values()] == [{"role": "auditor"}, {"role": "security", "school": "X"}]


def test_what_is_counted_is_told() -> None:
    tally = Tally(("Rooms",))
    tally.note("Rooms")
    assert tally.nothing

    tally.note("Rooms", new=True)
    tally.note("Rooms", differs=True)

    assert not tally.nothing
    assert tally.lines() == ["Rooms: 1 added, 1 changed, 1 left as they are."]
