"""Pages of people: who sees and does what, and the way of a person from the mail to leaving."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.tickets import services as tickets
from tests.conftest import PASSWORD, City, login

LIST = "/people/"


@pytest.fixture
def ada(client: Client, city: City) -> Client:
    return login(client, city.administrator)


@pytest.fixture
def head_of_a(city: City) -> User:
    user = User.objects.create_user("hanna@musterstadt.example", name="Hanna")
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    return user


def text(client: Client, url: str) -> str:
    return client.get(url).content.decode()


def new_person(city: City, **other: str) -> dict[str, str]:
    said = {"name": "Kim Klein", "email": "kim@schule.example", "language": "de", "role": "coordinator"}
    return said | {"place": city.school_a.name, "until": "", "invite": "on"} | other


# --- who sees what ----------------------------------------------------------------------------------------------------

READERS, MANAGERS = {"administrator", "auditor", "security"}, {"administrator"}
EVERYBODY = ("coordinator_a", "technician", "approver", "auditor", "security", "administrator", "stranger")


@pytest.mark.parametrize("who", EVERYBODY)
def test_which_role_sees_which_page(client: Client, city: City, who: str) -> None:
    login(client, getattr(city, who))
    pk = city.coordinator_b.pk
    read, managed = ("", "places/", f"{pk}/"), ("new/", f"{pk}/edit/", f"{pk}/roles/", f"{pk}/leave/")

    seen = {page: client.get(LIST + page).status_code for page in (*read, *managed)}

    assert seen == dict.fromkeys(read, 200 if who in READERS else 404) | dict.fromkeys(
        managed, 200 if who in MANAGERS else 404
    )


@pytest.mark.parametrize("who", [one for one in EVERYBODY if one not in MANAGERS])
def test_which_role_does_nothing(client: Client, city: City, who: str) -> None:
    login(client, getattr(city, who))
    pk, grant = city.coordinator_b.pk, city.coordinator_b.grants.get()
    acts = ("edit/", "roles/", f"roles/{grant.pk}/take/", "invite/", "leave/", "return/")

    statuses = {client.post(f"{LIST}{pk}/{act}").status_code for act in acts} | {client.post(f"{LIST}new/").status_code}

    assert statuses == {404}
    assert city.coordinator_b.access.roles() == {Role.COORDINATOR}


def test_the_administrator_of_a_school_sees_nothing_of_the_other_one(client: Client, city: City, head_of_a: User) -> None:
    login(client, head_of_a)

    page = text(client, LIST)

    assert "Alma" in page
    assert "Bruno" not in page
    assert client.get(f"{LIST}{city.coordinator_b.pk}/").status_code == 404
    theo = text(client, f"{LIST}{city.technician.pk}/")  # he works at both
    assert "Schule A" in theo
    assert "Schule B" not in theo
    assert client.get(f"{LIST}{city.technician.pk}/edit/").status_code == 404
    assert "Schule B" not in text(client, f"{LIST}places/?place=Schule")


# --- the list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ALMA", {"Alma"}),
        ("q=bruno@muster", {"Bruno"}),
        ("role=coordinator", {"Alma", "Bruno"}),
        ("role=coordinator&place=schule+b", {"Bruno"}),
        ("place=Schule+A", {"Alma", "Theo"}),
        ("place=Schule+Z", set()),
        ("state=left", {"Franka"}),
        ("state=active&role=coordinator", {"Alma"}),
        ("state=nonsense&role=coordinator", {"Alma", "Bruno"}),
    ],
)
def test_the_list_is_narrowed(ada: Client, city: City, query: str, names: set[str]) -> None:
    city.coordinator_a.set_password(PASSWORD)
    city.coordinator_a.save()
    people.leave(person=city.approver, by=city.administrator)

    page = text(ada, f"{LIST}?{query}")

    assert set(re.findall(r'href="/people/\d+/">(\w+)</a>', page)) == names
    assert ("Keine Person gefunden." in page) is not bool(names)


def test_whoever_has_no_role_any_more_is_still_listed_and_nobody_without_any(ada: Client, city: City) -> None:
    people.take(grant=city.coordinator_a.grants.get(), by=city.administrator)

    page = text(ada, LIST)

    assert "Alma" in page
    assert "Nora" not in page


def test_a_long_list_costs_as_much_as_a_short_one(
    ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        user = User.objects.create_user(f"p{number}@musterstadt.example", name=f"P {number:02}")
        for scope_id in (city.school_a.pk, city.school_b.pk):
            people.grant(user=user, role=Role.COORDINATOR, scope_id=scope_id)

    with django_assert_max_num_queries(10):
        page = text(ada, LIST)

    assert "1 bis 50 von 67" in page
    with django_assert_max_num_queries(24):
        text(ada, f"{LIST}{city.technician.pk}/")


# --- a person's way ---------------------------------------------------------------------------------------------------


def test_a_new_person_sets_a_password_by_a_link_that_opens_once(ada: Client, city: City) -> None:
    page = ada.post(f"{LIST}new/", new_person(city), follow=True).content.decode()

    assert "Kim Klein ist angelegt." in page
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["kim@schule.example"], "Ihr Konto bei Fleetdesk")
    link = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", str(sent.body))
    assert link
    kim = Client()
    form = kim.get(link[1], follow=True)
    kim.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get(email="kim@schule.example").check_password(PASSWORD)
    again = Client().get(link[1], follow=True)
    assert b"password1" not in again.content
    logged_in = kim.post("/accounts/login/", {"login": "kim@schule.example", "password": PASSWORD})
    assert logged_in.headers["Location"] == "/"


def test_a_mail_that_cannot_be_sent_loses_nothing(ada: Client, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", broken)

    page = ada.post(f"{LIST}new/", new_person(city), follow=True).content.decode()

    assert "Die Mail konnte nicht gesendet werden." in page
    monkeypatch.undo()
    pk = User.objects.get(email="kim@schule.example").pk
    assert "ist unterwegs an kim@schule.example" in ada.post(f"{LIST}{pk}/invite/", follow=True).content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"email": "alma@musterstadt.example"}, "Zu dieser Adresse gibt es schon ein Konto."),
        ({"place": "Schule Z"}, "Sie verwalten keinen Ort, der so heißt."),
        ({"place": "Schule"}, "Mehrere Orte heißen so."),
        ({"place": "le B"}, "Meinen Sie „Schule B“?"),
        ({"until": "2020-01-01"}, "Dieser Tag ist schon vorbei."),
        ({"role": "king"}, "king"),
        ({"name": "\u200b"}, "darf nicht leer sein"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    ada: Client, city: City, wrong: dict[str, str], says: str
) -> None:
    answer = ada.post(f"{LIST}new/", new_person(city) | wrong)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert "kim@schule.example" in answer.content.decode() or "email" in wrong
    assert not User.objects.filter(name="Kim Klein").exists()


@pytest.mark.parametrize(("typed", "given"), [("ÜBUNGSSCHULE ost", True), (" Übungsschule Ost ", True), ("übungs", False)])
def test_a_role_is_given_where_the_whole_name_stands(ada: Client, city: City, typed: str, given: bool) -> None:
    details = sites.SiteDetails(Site.Kind.SCHOOL, "Übungsschule Ost", "ost")
    school = sites.create_site(authority=city.authority, details=details)

    ada.post(f"{LIST}{city.coordinator_a.pk}/roles/", {"role": "approver", "place": typed, "until": ""})

    assert Grant.objects.filter(user=city.coordinator_a, scope=school.pk, role="approver").exists() is given


def test_a_role_is_given_until_a_day_and_taken(ada: Client, city: City) -> None:
    alma, day = city.coordinator_a, timezone.localdate() + timedelta(days=3)
    said = {"role": "auditor", "place": city.authority.name, "until": day.isoformat()}

    page = ada.post(f"{LIST}{alma.pk}/roles/", said, follow=True).content.decode()

    row = Grant.objects.get(user=alma, role="auditor")
    assert timezone.localtime(row.expires_at).date() == day
    assert "Rolle vergeben: " in page
    page = ada.post(f"{LIST}{alma.pk}/roles/{row.pk}/take/", follow=True).content.decode()
    assert "Die Rolle ist entzogen." in page
    assert "Rollen, die beendet sind" in page
    assert Role.AUDITOR not in User.objects.get(pk=alma.pk).access.roles()


def test_ones_own_roles_are_not_offered_and_refused(ada: Client, city: City) -> None:
    me, row = city.administrator, city.administrator.grants.get()

    page = text(ada, f"{LIST}{me.pk}/")
    assert "Das sind Ihre eigenen Rollen." in page
    assert "/take/" not in page
    said = {"role": "approver", "place": city.authority.name, "until": ""}
    assert "Niemand ändert die eigenen Rollen." in ada.post(f"{LIST}{me.pk}/roles/", said).content.decode()
    assert "Niemand ändert" in ada.post(f"{LIST}{me.pk}/roles/{row.pk}/take/", follow=True).content.decode()
    assert "Niemand ändert" in ada.post(f"{LIST}{me.pk}/leave/", follow=True).content.decode()
    assert User.objects.get(pk=me.pk).is_active


def test_name_mail_and_language_are_changed_unless_somebody_was_faster(ada: Client, city: City) -> None:
    alma = city.coordinator_a
    said = {"name": "Alma Neu", "email": "neu@musterstadt.example", "language": "en", "version": alma.version}

    assert "Gespeichert." in ada.post(f"{LIST}{alma.pk}/edit/", said, follow=True).content.decode()
    late = ada.post(f"{LIST}{alma.pk}/edit/", said | {"name": "Alma Alt"})

    assert late.status_code == 422
    assert "Jemand anderes hat das inzwischen geändert." in late.content.decode()
    alma.refresh_from_db()
    assert (alma.name, alma.email, alma.language) == ("Alma Neu", "neu@musterstadt.example", "en")
    page = text(ada, f"{LIST}{alma.pk}/")
    assert "Geändert: Name, Mailadresse, Sprache" in page


def test_whoever_leaves_shows_what_is_to_be_handed_over(ada: Client, city: City) -> None:
    opening = tickets.Opening(city.school_a, "Beamer flackert", body="Seit heute", requester=city.coordinator_a)
    ticket = tickets.open_ticket(opening=opening)
    assert tickets.take(ticket=ticket, by=city.technician)

    page = text(ada, f"{LIST}{city.technician.pk}/leave/")
    assert "Beamer flackert" in page
    assert f"/tickets/{ticket.number}/" in page
    done = ada.post(f"{LIST}{city.technician.pk}/leave/", follow=True).content.decode()

    assert "Theo ist ausgeschieden" in done
    assert "Beamer flackert" in done
    assert not User.objects.get(pk=city.technician.pk).is_active
    back = ada.post(f"{LIST}{city.technician.pk}/return/", follow=True).content.decode()
    assert "Theo kann sich wieder anmelden." in back
    assert "Zurzeit keine Rolle." in back


def test_the_navigation_leads_there_for_those_who_may(client: Client, city: City) -> None:
    for who in EVERYBODY:
        page = text(login(client, getattr(city, who)), "/account/")
        assert ('href="/people/"' in page) is (who in READERS), who
