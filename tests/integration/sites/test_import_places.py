"""`manage.py import_places`: an office's table of schools, buildings and rooms, all of it or nothing."""

from functools import partial
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet.people.models import Scope
from fleet.sites import services as sites
from fleet.sites.models import Authority, Building, Room, Site
from tests.integration.sites import tables
from tests.integration.sites.tables import taken_in

pytestmark = pytest.mark.django_db
HEADING = "school;slug;kind;street;postcode;city;building;room;room_name;floor;teaching"
TABLE = f"""{HEADING}
Grundschule am Hafen;am-hafen;school;Hafenstraße 1;12345;Neuhafen;Haupthaus;204;Chemie;2;yes
Grundschule am Hafen;;;;;;Haupthaus;U01;Heizung;-1;no
Grundschule am Hafen;;;;;;Turnhalle;;;;
Kita Möwe;;kindergarten;;;;;;;;
"""
DONE = "Schools: 2 added, 0 changed, 0 left as they are."
import_places = partial(taken_in, "import_places")
refused = partial(tables.refused, "import_places")


@pytest.fixture
def authority() -> Authority:
    return sites.create_authority(name="Stadt Neuhafen")


def places() -> list[tuple[object, ...]]:
    site = [*Site.objects.order_by("slug").values_list("name", "slug", "kind", "street", "postcode", "city")]
    rooms = Room.objects.order_by("number").values_list(
        "site__slug", "building__name", "number", "name", "floor", "teaching"
    )
    return [*site, *rooms]


def test_an_empty_authority_is_filled(tmp_path: Path, authority: Authority) -> None:
    said = import_places(tmp_path, TABLE)

    assert places() == [
        ("Grundschule am Hafen", "am-hafen", "school", "Hafenstraße 1", "12345", "Neuhafen"),
        ("Kita Möwe", "kita-moewe", "kindergarten", "", "", ""),
        ("am-hafen", "Haupthaus", "204", "Chemie", 2, True),
        ("am-hafen", "Haupthaus", "U01", "Heizung", -1, False),
    ]
    assert {site.scope.parent_id for site in Site.objects.select_related("scope")} == {authority.pk}
    assert set(Building.objects.values_list("name", flat=True)) == {"Haupthaus", "Turnhalle"}
    assert said.splitlines() == [
        "New: Grundschule am Hafen (am-hafen).",
        "New: Kita Möwe (kita-moewe).",
        DONE,
        "Buildings: 2 added, 0 changed, 0 left as they are.",
        "Rooms: 2 added, 0 changed, 0 left as they are.",
        "Done.",
    ]


@pytest.mark.usefixtures("authority")
def test_a_second_time_changes_nothing_and_says_so(tmp_path: Path) -> None:
    import_places(tmp_path, TABLE)
    before = places()

    said = import_places(tmp_path, TABLE)

    assert places() == before
    assert "Rooms: 0 added, 0 changed, 2 left as they are." in said
    assert "Nothing was changed" in said


@pytest.mark.usefixtures("authority")
def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    said = import_places(tmp_path, TABLE, dry_run=True)

    assert DONE in said
    assert "nothing was changed" in said
    assert places() == []
    assert not Scope.objects.filter(kind=Scope.Kind.SITE).exists()


@pytest.mark.usefixtures("authority")
def test_what_differs_is_changed_and_what_is_not_said_stays(tmp_path: Path) -> None:
    import_places(tmp_path, TABLE)

    said = import_places(
        tmp_path,
        "school,slug,street,building,room,room_name,floor,teaching\n"
        "Grundschule am Kai,am-hafen,Kaistraße 2,Haupthaus,204,Physik,,\n",
    )

    school = Site.objects.select_related("scope").get(slug="am-hafen")
    assert (school.name, school.street, school.city) == ("Grundschule am Kai", "Kaistraße 2", "Neuhafen")
    assert school.scope.name == "Grundschule am Kai"
    room = Room.objects.get(number="204")
    assert (room.name, room.floor, room.teaching) == ("Physik", 2, True)
    assert "Grundschule am Hafen is called Grundschule am Kai from now on." in said
    assert "Schools: 0 added, 1 changed, 0 left" in said
    assert (Site.objects.count(), Room.objects.count()) == (2, 2)


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Neue Schule;;;;;;;;;;", 'Line 2, kind: "Neue Schule" is new and needs a kind: school or kindergarten.'),
        (f"{'x' * 10_000};;school;;;;;;;;", "Line 2, school: Ensure this value has at most 200 characters"),
        ("S;no slug;school;;;;;;;;", "Line 2, slug: Enter a valid"),
        ("S;;school;;12345678901;;;;;;", "Line 2, postcode: Ensure this value has at most 10 characters"),
        (f"S;;school;;;;{'x' * 101};;;;", "Line 2, building: "),
        (f"S;;school;;;;H;{'1' * 21};;;", "Line 2, room: "),
        (f"S;;school;;;;H;1;{'x' * 101};;", "Line 2, room_name: "),
        (
            "Grundschule am Hafen;hafen;school;;;;;;;;",
            'Line 2, slug: "Grundschule am Hafen" is there already, as "am-hafen"',
        ),
        (
            "Kita Möwe;am-hafen;school;;;;;;;;",
            'Line 2, slug: "am-hafen" belongs to "Grundschule am Hafen", not to "Kita Möwe".',
        ),
        (
            "Schule am Kai;am-hafen;;;;;;;;;\nGrundschule am Hafen;;;;;;;;;;",
            "Line 3, school: This is the school of line 2: use one name.",
        ),
    ],
)
def test_one_mistake_and_nothing_is_written(tmp_path: Path, row: str, says: str) -> None:
    import_places(tmp_path, TABLE)
    before = places()

    said = refused(tmp_path, f"{HEADING}\n{row}\nGute Schule;;school;;;;H;1;;;\n")

    assert said.startswith(f"Nothing was changed.\n{says}")
    assert places() == before


@pytest.mark.usefixtures("authority")
def test_schools_of_one_name_are_told_apart_by_slug(tmp_path: Path) -> None:
    import_places(tmp_path, "school;slug;kind\nGrundschule;nord;school\nGrundschule;sued;school\n")

    import_places(tmp_path, "school;slug;city\nGrundschule;sued;Südstadt\n")

    assert list(Site.objects.order_by("slug").values_list("slug", "city")) == [("nord", ""), ("sued", "Südstadt")]
    assert "Several schools are called" in refused(tmp_path, "school;city\nGrundschule;Nordstadt\n")


@pytest.mark.usefixtures("authority")
def test_new_slugs_are_all_different(tmp_path: Path) -> None:
    long = "Grundschule " + "sehr " * 20
    names = ("Schule A!", "Schule A?", f"{long}1", f"{long}2", "学校")
    rows = "".join(f"{name};;school\n" for name in names)

    import_places(tmp_path, f"school;slug;kind\n{rows}X;schule-a;school\n")

    slugs = set(Site.objects.values_list("slug", flat=True))
    assert len(slugs) == 6
    assert {"schule-a", "schule-a-2", "schule-a-3", "school"} < slugs


def test_schools_of_another_authority_are_not_touched(tmp_path: Path, authority: Authority) -> None:
    other = sites.create_authority(name="Stadt Althafen")
    details = sites.SiteDetails(Site.Kind.SCHOOL, "Grundschule am Hafen", "am-hafen", street="Alte Straße 1")
    theirs = sites.create_site(authority=other, details=details)

    import_places(tmp_path, TABLE)

    theirs.refresh_from_db()
    assert (theirs.street, Room.objects.filter(authority=other).exists()) == ("Alte Straße 1", False)
    assert Site.objects.filter(authority=authority).count() == 2


@pytest.mark.usefixtures("authority")
def test_many_mistakes_are_named_up_to_a_number(tmp_path: Path) -> None:
    said = refused(tmp_path, "school\n" + "".join(f"Schule {n}\n" for n in range(50)))

    assert len(said.splitlines()) == 22
    assert "And 30 more." in said


@pytest.mark.usefixtures("authority")
def test_neither_a_file_nor_an_authority(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no authority Stadt Nirgends\. There is: Stadt Neuhafen"):
        import_places(tmp_path, TABLE, authority="Stadt Nirgends")
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("import_places", str(tmp_path / "none.csv"), authority="Stadt Neuhafen")


@pytest.mark.usefixtures("authority")
def test_what_is_there_is_looked_up_at_once(tmp_path: Path) -> None:
    rows = [f"Schule {n % 10};school;Haus;{n}" for n in range(300)]
    table = "\n".join(["school;kind;building;room", *rows])
    import_places(tmp_path, table)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        import_places(tmp_path, table)

    assert len(queries) <= 10
