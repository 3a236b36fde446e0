"""A table of places on the page: looked at line by line, then taken in; nothing before that, nothing else than was seen."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from fleet.events.models import Event
from fleet.sites.models import PlaceTable, Room, Site
from fleet.sites.services import place_drafts
from tests.conftest import City

TABLE = """school;slug;kind;building;room;room_name;floor;teaching
Schule A;schule-a;;Haupthaus;204;Chemie;2;nein
Schule A;schule-a;;Haupthaus;205;;2;
Grundschule Ost;;school;Pavillon;1;;0;ja
"""


def upload(client: Client, table: str, **more: str) -> str:
    """Where it leads."""
    file = SimpleUploadedFile("orte.csv", table.encode(), content_type="text/csv")
    return client.post("/places/tables/", {"file": file, **more}).headers.get("Location", "")


def outcomes(client: Client, path: str, show: str = "") -> list[tuple[str, str, str]]:
    return [(row["kind"], row["name"], row["word"]) for row in client.get(path, {"show": show}).context["rows"]]


def test_line_by_line_then_it_is_done(ada: Client, city: City) -> None:
    path = upload(ada, TABLE)
    assert outcomes(ada, path) == [
        ("Raum", "204", "Ändert sich"), ("Raum", "205", "Neu"),
        ("Schule", "Grundschule Ost", "Neu"), ("Gebäude", "Pavillon", "Neu"), ("Raum", "1", "Neu"),
    ]  # fmt: skip
    assert [name for _kind, name, _word in outcomes(ada, path, "same")] == ["Schule A", "Haupthaus"]
    page = ada.get(path)
    assert "<del>Physik</del>" in page.content.decode()
    assert not Site.objects.filter(name="Grundschule Ost").exists()

    done = ada.post(path, {"seen": page.context["digest"]}, follow=True)
    assert "4 Einträge sind neu. 1 hat sich geändert." in done.content.decode()
    assert (Room.objects.get(pk=city.room_a.pk).name, Site.objects.get(slug="grundschule-ost").kind) == ("Chemie", "school")
    assert not PlaceTable.objects.exists()
    told = Event.objects.get(name="places.imported")
    assert (told.actor_id, told.payload["added"]) == (city.administrator.pk, {"Schools": 1, "Buildings": 1, "Rooms": 2})


def test_what_was_not_seen_is_not_done(ada: Client, city: City) -> None:
    path = upload(ada, TABLE)
    seen = ada.get(path).context["digest"]
    Room.objects.filter(pk=city.room_a.pk).update(name="Biologie")

    page = ada.post(path, {"seen": seen}, follow=True).content.decode()
    assert "inzwischen" in page
    assert not Site.objects.filter(name="Grundschule Ost").exists()
    assert ada.post(path, {}).status_code == 302
    assert Room.objects.get(pk=city.room_a.pk).name == "Biologie"


def test_mistakes_are_said_in_the_readers_language_and_nothing_is_kept(ada: Client, city: City) -> None:
    file = SimpleUploadedFile("orte.csv", b"school;kind;room\nNeu;;\nSchule A;school;1\n")
    answer = ada.post("/places/tables/", {"file": file})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Zeile 3" in page
    assert "Ein Raum ist genannt, aber nicht sein Gebäude." in page
    assert not PlaceTable.objects.exists()


def test_a_closed_school_takes_nothing_in(ada: Client, city: City) -> None:
    Site.objects.filter(pk=city.school_a.pk).update(closed_at=timezone.now())
    file = SimpleUploadedFile("orte.csv", TABLE.encode())
    assert "ist geschlossen" in ada.post("/places/tables/", {"file": file}).content.decode()


def test_a_table_of_nobody_else_is_seen_and_old_ones_go(ada: Client, franka: Client, city: City) -> None:
    path = upload(ada, TABLE)
    assert franka.get(path).status_code == 404
    PlaceTable.objects.update(made_at=timezone.now() - place_drafts.KEPT - timedelta(seconds=1))
    assert upload(ada, TABLE) != path
    assert ada.get(path).status_code == 404
    assert PlaceTable.objects.count() == 1


def test_all_there_already_is_said(ada: Client, city: City) -> None:
    path = upload(ada, "school\nSchule A\n")
    page = ada.get(path)
    assert page.context["nothing"]
    assert "Nichts:" in page.content.decode()


@pytest.mark.parametrize("data", [b"\0", b"", b"\xff\xfe", b'school\n"offen'])
def test_what_is_no_table_is_refused_as_a_form(ada: Client, city: City, data: bytes) -> None:
    assert ada.post("/places/tables/", {"file": SimpleUploadedFile("x.csv", data)}).status_code == 422
