"""Mail and mailboxes are the administrators'; secrets are shown nowhere."""

import io

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.people import services as people
from fleet.people.rules import Role
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.mail.services.receiving import receive
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Queue
from tests.conftest import City

pytestmark = pytest.mark.django_db
FORM = {
    "address": "IT@Musterstadt.example", "host": "imap.musterstadt.example", "port": "993", "security": "tls",
    "username": "it", "password": "planted-mail-password", "folder": "INBOX", "processed_folder": "Gelesen", "active": "on",
    "school": "Schule A",
}  # fmt: skip


@pytest.fixture
def mailbox(city: City) -> Mailbox:
    return Mailbox.objects.create(authority=city.authority, site=city.school_a, address="it@x.example")


@pytest.fixture
def set_aside(city: City) -> IncomingMail:
    receive(source=io.BytesIO(b"no mail"))
    subject = '"><svg onload=alert(1)>'
    IncomingMail.objects.update(
        key="<1@x>", subject=subject, sender="a@x.example", reason="this is no mail: it has no header"
    )
    return IncomingMail.objects.get()


def test_only_administrators_have_such_pages(alma: Client, theo: Client, ada: Client) -> None:
    for path in ("/mail/", "/mail/mailboxes/", "/mail/mailboxes/new/"):
        assert [client.get(path).status_code for client in (alma, theo, ada)] == [404, 404, 200]


def test_a_mailbox_is_added_and_its_password_is_shown_nowhere(ada: Client, city: City) -> None:
    assert ada.post("/mail/mailboxes/new/", FORM).status_code == 302

    mailbox = Mailbox.objects.get()
    assert (mailbox.address, mailbox.secret) == ("it@musterstadt.example", {"password": "planted-mail-password"})
    page = ada.get(f"/mail/mailboxes/{mailbox.pk}/").content.decode()
    assert "planted" not in page
    ada.post(f"/mail/mailboxes/{mailbox.pk}/", {**FORM, "password": "", "folder": "Post"})
    mailbox.refresh_from_db()
    assert (mailbox.folder, mailbox.secret) == ("Post", {"password": "planted-mail-password"})


@pytest.mark.parametrize(("name", "value"), [("host", "imap.evil.example"), ("port", "9993"), ("username", "else")])
def test_a_password_goes_nowhere_else_unless_it_is_typed_again(ada: Client, city: City, name: str, value: str) -> None:
    ada.post("/mail/mailboxes/new/", FORM)
    mailbox = Mailbox.objects.get()
    wish = {**FORM, name: value, "password": ""}

    assert ada.post(f"/mail/mailboxes/{mailbox.pk}/", wish).status_code == 422
    assert str(getattr(Mailbox.objects.get(), name)) == FORM[name]
    assert ada.post(f"/mail/mailboxes/{mailbox.pk}/", wish | {"password": "another"}).status_code == 302
    assert Mailbox.objects.get().secret == {"password": "another"}


def test_without_encryption_only_this_machine(ada: Client, city: City) -> None:
    answer = ada.post("/mail/mailboxes/new/", {**FORM, "security": "none"})

    assert answer.status_code == 422
    assert "Ohne Verschlüsselung" in answer.content.decode()
    assert not Mailbox.objects.exists()


def test_a_connection_that_fails_is_told(ada: Client, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(host="127.0.0.1", port=9, security="none")

    answer = ada.post(f"/mail/mailboxes/{mailbox.pk}/test/", follow=True)

    assert "it@x.example lässt sich nicht lesen" in answer.content.decode()


def test_what_was_set_aside_stands_with_its_reason_and_can_be_dropped(ada: Client, set_aside: IncomingMail) -> None:
    page = ada.get("/mail/?outcome=quarantined").content.decode()
    assert "das ist keine Mail: Sie hat keinen Kopf" in page
    assert "<svg onload" not in page
    ada.post(f"/mail/{set_aside.pk}/again/")
    set_aside.refresh_from_db()
    assert set_aside.outcome == "quarantined"

    ada.post(f"/mail/{set_aside.pk}/drop/")

    set_aside.refresh_from_db()
    assert set_aside.outcome == "dropped"
    assert ada.post(f"/mail/{set_aside.pk}/drop/").status_code == 404


@pytest.mark.parametrize("moved", ["mail's ticket", "where the article went"])
def test_mail_of_a_restricted_ticket_is_there_for_nobody_who_may_not_see_that(
    moved: str, ada: Client, city: City, set_aside: IncomingMail
) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="sicher", name_de="Sicherheit", restricted=True)
    open_one = tickets.open_ticket(opening=tickets.Opening(city.school_a, "Offen"))
    secret = tickets.open_ticket(opening=tickets.Opening(city.school_a, "Vorfall", queue=queue))
    about = {"ticket": secret} if moved == "mail's ticket" else {"ticket": open_one, "article": secret.articles.get()}
    IncomingMail.objects.update(subject="Passwort gestohlen", **about)

    page = ada.get("/mail/").content.decode()

    assert "Passwort gestohlen" not in page
    assert secret.number not in page
    assert [ada.post(f"/mail/{set_aside.pk}/{act}/").status_code for act in ("again", "drop")] == [404, 404]
    people.grant(user=city.administrator, role=Role.SECURITY, scope_id=city.authority.pk)
    assert "Passwort gestohlen" in ada.get("/mail/").content.decode()


def test_what_is_wrong_with_a_mailbox_is_said_in_german(ada: Client, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(state="failing", error="[Errno 111] Connection refused")

    assert "Unter diesem Server und Port antwortet niemand." in ada.get("/mail/mailboxes/").content.decode()


def test_the_list_costs_the_same_for_many(
    ada: Client, set_aside: IncomingMail, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [
        IncomingMail(authority=city.authority, key=f"<{n}@many>", digest="0", size=1, outcome="new", file="mail/x")
        for n in range(40)
    ]
    IncomingMail.objects.bulk_create(rows)

    with django_assert_max_num_queries(10):
        ada.get("/mail/")
