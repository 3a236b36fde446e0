"""Another mail address that somebody else enters: it opens the account only once the person has said that it is theirs."""

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from fleet.events.models import Event
from fleet.people import services
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import PASSWORD, City, login

pytestmark = pytest.mark.django_db
BEFORE, AFTER = "sigrid@musterstadt.example", "s.neu@musterstadt.example"
RESET = "/password/reset/key/"


@pytest.fixture
def sigrid(city: City) -> User:
    """Of information security, with a password."""
    user = User.objects.create_user(BEFORE, PASSWORD, name="Sigrid")
    services.grant(user=user, role=Role.SECURITY, scope_id=city.authority.pk)
    return user


@pytest.fixture
def moved(city: City, sigrid: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> User:
    """An administrator has entered another address; the mails about it lie in the outbox."""
    with django_capture_on_commit_callbacks(execute=True):
        move(sigrid, AFTER, city.administrator)
    return User.objects.get(pk=sigrid.pk)


def move(person: User, address: str, by: User) -> None:
    services.change(person=person, details=services.Details(person.name, address, person.language), by=by)


def asked_for_password(address: str) -> list[mail.EmailMessage]:
    mail.outbox.clear()
    answer = Client().post("/accounts/password/reset/", {"email": address})
    assert answer.status_code == 302
    return mail.outbox


def link_in(message: mail.EmailMessage) -> str:
    found = re.search(r"https?://[^/\s]+(/account/address/\S+)", str(message.body))
    return found[1] if found else ""


def test_whoever_enters_an_address_gets_no_password_by_it(moved: User) -> None:
    (told,) = asked_for_password(AFTER)

    assert told.to == [AFTER]
    assert RESET not in told.body
    assert "noch nicht bestätigt" in told.body
    assert not any(RESET in str(one.body) for one in asked_for_password(BEFORE))


def test_an_address_that_is_certain_gets_the_link(sigrid: User, city: City) -> None:
    assert RESET in asked_for_password(BEFORE)[0].body

    services.grant(user=sigrid, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    move(sigrid, AFTER, sigrid)

    assert RESET in asked_for_password(AFTER)[0].body


def test_who_logs_in_as_before_has_said_that_it_is_theirs(moved: User) -> None:
    Client().post("/accounts/login/", {"login": AFTER, "password": "something else"})
    assert User.objects.get(pk=moved.pk).address_unproven

    Client().post("/accounts/login/", {"login": AFTER, "password": PASSWORD})

    assert RESET in asked_for_password(AFTER)[0].body
    assert Event.objects.filter(name="person.address-confirmed", subject_id=moved.pk).exists()


def test_the_former_address_says_that_the_new_one_is_theirs(moved: User) -> None:
    (told,) = mail.outbox
    link, client = link_in(told), Client()

    assert told.to == [BEFORE]
    assert AFTER in client.get(link).content.decode()
    assert User.objects.get(pk=moved.pk).address_unproven, "looking says nothing: programs that check mails follow links"
    assert "Ab jetzt melden Sie sich als s.neu@musterstadt.example an." in client.post(link, follow=True).content.decode()

    assert not User.objects.get(pk=moved.pk).address_unproven
    assert client.post(link).status_code == 404
    assert RESET in asked_for_password(AFTER)[0].body


def test_an_address_that_nobody_has_confirmed_confirms_no_other(
    moved: User, city: City, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    first = link_in(mail.outbox.pop())

    with django_capture_on_commit_callbacks(execute=True):
        move(moved, "evil@elsewhere.example", city.administrator)

    (told,) = mail.outbox
    assert (told.to, link_in(told)) == ([AFTER], "")
    assert Client().post(first).status_code == 404
    assert not any(RESET in str(one.body) for one in asked_for_password("evil@elsewhere.example"))


def test_a_link_that_was_altered_says_nothing(moved: User) -> None:
    link = link_in(mail.outbox[0])

    assert Client().post(link[:-3] + "x/").status_code == 404
    assert User.objects.get(pk=moved.pk).address_unproven


def test_who_has_no_password_yet_is_invited_at_the_right_address(city: City) -> None:
    """Who was added with a wrong address: nobody has opened this account before."""
    move(city.coordinator_a, AFTER, city.administrator)

    assert RESET in asked_for_password(AFTER)[0].body


def test_the_page_of_the_person_says_so(moved: User, city: City) -> None:
    client, page = login(Client(), city.administrator), f"/people/{moved.pk}/"
    assert "Per Mail wird kein Passwort gesetzt" in client.get(page).content.decode()

    Client().post("/accounts/login/", {"login": AFTER, "password": PASSWORD})

    shown = client.get(page).content.decode()
    assert "Per Mail wird kein Passwort gesetzt" not in shown
    assert "Hat die Mailadresse bestätigt" in shown
