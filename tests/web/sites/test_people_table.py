"""A table of people in the page: looked at first, row by row, then done; by `import_people`'s own work."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from fleet.events.models import Event
from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from tests.conftest import City, login

PAGE = "/people/import/"
TABLE = """name;email;role;school
Kim Klein;kim@musterstadt.example;coordinator;Schule A
;kim@musterstadt.example;auditor;
Alma;alma@musterstadt.example;coordinator;Schule A
Alma;alma@musterstadt.example;technician;schule-b
"""


@pytest.fixture
def ada(client: Client, city: City) -> Client:
    return login(client, city.administrator)


@pytest.fixture
def doubtful(city: City) -> None:
    """A closed school, two of one name, somebody who has left, somebody of another authority."""
    for slug, name in (("alt", "Alt"), ("z1", "Schule Z"), ("z2", "Schule Z")):
        sites.create_site(authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, name, slug))
    sites.close_site(site=Site.objects.get(slug="alt"), at=timezone.now(), by=city.administrator)
    User.objects.create_user("lea@musterstadt.example", name="Lea", is_active=False)
    uwe = User.objects.create_user("uwe@musterstadt.example", name="Uwe")
    people.grant(user=uwe, role=Role.AUDITOR, scope_id=sites.create_authority(name="Stadt Nebenan").pk)


def upload(client: Client, city: City, table: str) -> tuple[int, str]:
    file = SimpleUploadedFile("people.csv", table.encode(), "text/csv")
    answer = client.post(PAGE, {"authority": city.authority.pk, "file": file})
    return answer.status_code, answer.content.decode()


def hidden(page: str) -> dict[str, str]:
    """What the form of the preview sends."""
    main = page[page.index("<main") :]
    return dict(re.findall(r'<input type="hidden" name="(authority|table|seen)" value="([^"]*)"', main))


def rows(page: str) -> list[str]:
    return re.findall(r'pill-\w+">.*?</svg>\s*([^<]+)</span>', page[page.index("<main") :], re.DOTALL)


def test_first_it_says_what_each_row_would_do_and_does_nothing(ada: Client, city: City) -> None:
    before = (User.objects.count(), Grant.objects.count(), Event.objects.count())

    status, page = upload(ada, city, TABLE)

    assert status == 200
    assert rows(page) == ["Neues Konto", "Neues Konto", "Schon da", "Neue Rolle"]
    assert "1 neues Konto, 3 neue Rollen." in page
    assert (User.objects.count(), Grant.objects.count(), Event.objects.count()) == before


def test_then_it_is_done_and_told(ada: Client, city: City) -> None:
    _status, page = upload(ada, city, TABLE)

    done = ada.post(PAGE, hidden(page), follow=True).content.decode()

    assert "1 neues Konto, 3 neue Rollen." in done
    kim = User.objects.get(email="kim@musterstadt.example")
    assert set(kim.grants.values_list("role", "scope_id")) == {
        ("coordinator", city.school_a.pk),
        ("auditor", city.authority.pk),
    }
    assert Role.TECHNICIAN in User.objects.get(pk=city.coordinator_a.pk).access.roles()
    told = Event.objects.filter(subject_type="people.user", subject_id=kim.pk).order_by("pk")
    assert [event.name for event in told] == ["person.added", "person.role-given", "person.role-given"]
    assert {event.actor_id for event in told} == {city.administrator.pk}
    again = ada.post(PAGE, hidden(page)).content.decode()
    assert "Inzwischen hat sich etwas geändert" in again
    assert "Nichts: Alles ist schon so" in again


def test_what_would_happen_otherwise_by_now_is_looked_at_again(ada: Client, city: City) -> None:
    _status, page = upload(ada, city, TABLE)
    people.grant(user=city.coordinator_a, role=Role.TECHNICIAN, scope_id=city.school_b.pk)

    again = ada.post(PAGE, hidden(page)).content.decode()

    assert rows(again) == ["Neues Konto", "Neues Konto", "Schon da", "Schon da"]
    assert not User.objects.filter(email="kim@musterstadt.example").exists()
    ada.post(PAGE, hidden(again))
    assert User.objects.filter(email="kim@musterstadt.example").exists()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Kim;kim;auditor;", "Zeile 2, Mailadresse: Bitte gültige E-Mail-Adresse eingeben."),
        (
            "Kim;kim@musterstadt.example;king;",
            "Zeile 2, Rolle: &quot;king&quot; passt nicht. Rollen sind coordinator, technician",
        ),
        ("Kim;kim@musterstadt.example;;", "Zeile 2, Rolle: Das fehlt."),
        ("Kim;kim@musterstadt.example;auditor;Schloss", "Stadt Musterstadt hat keine Schule &quot;Schloss&quot;."),
        ("Ada;ada@musterstadt.example;auditor;", "Zeile 2, Mailadresse: Niemand gibt sich selbst eine Rolle."),
        ("Kim;kim@musterstadt.example;auditor;;zu viel", "die keine Überschrift hat"),
        ("Kim;kim@musterstadt.example;auditor;Alt", "Zeile 2, Schule: &quot;Alt&quot; ist geschlossen."),
        ("Lea;lea@musterstadt.example;auditor;", "&quot;lea@musterstadt.example&quot; ist ausgeschieden."),
        ("Uwe;uwe@musterstadt.example;auditor;", "Das Konto &quot;uwe@musterstadt.example&quot; gehört zu einem anderen"),
        ("Kim;kim@musterstadt.example;auditor;Schule Z", "Mehrere Schulen heißen &quot;Schule Z&quot;."),
        ("Kim;gerd@musterstadt.example;auditor;", "Zeile 3, Name: &quot;Gerd&quot; widerspricht Zeile 2: &quot;Kim&quot;."),
    ],
)
@pytest.mark.usefixtures("doubtful")
def test_a_mistake_is_said_with_its_line_and_nothing_is_written(ada: Client, city: City, row: str, says: str) -> None:
    status, page = upload(ada, city, f"name;email;role;school\n{row}\nGerd;gerd@musterstadt.example;auditor;\n")

    assert status == 422
    assert says in page
    assert not User.objects.filter(email="gerd@musterstadt.example").exists()
    assert city.administrator.grants.count() == 1


def test_without_a_file_or_with_one_that_is_none(ada: Client, city: City) -> None:
    assert "Bitte wählen Sie eine Datei aus." in ada.post(PAGE, {"authority": city.authority.pk}).content.decode()
    broken = ada.post(PAGE, {"authority": city.authority.pk, "table": "§", "seen": "x"})
    assert broken.status_code == 422
    assert upload(ada, city, "\0")[0] == 422


@pytest.mark.parametrize("who", ["coordinator_a", "technician", "approver", "auditor", "security", "stranger"])
def test_only_for_those_who_look_after_the_whole_authority(client: Client, city: City, who: str) -> None:
    hanna = User.objects.create_user("hanna@musterstadt.example", name="Hanna")
    people.grant(user=hanna, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)

    for user in (getattr(city, who), hanna):
        login(client, user)
        assert client.get(PAGE).status_code == 404
        assert upload(client, city, TABLE)[0] == 404
    assert "/people/import/" not in client.get("/people/").content.decode()
