"""Watchers and those who are called by name hear of it; what is internal is not in the mail."""

import pytest

from fleet.events.services import deliver
from helpdesk.mail import selectors
from helpdesk.mail.models import OutgoingMail
from helpdesk.mail.services import message
from helpdesk.tickets import services
from helpdesk.tickets.models import Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(city.school_a, "Drucker", body="Steht.", requester=city.coordinator_a)
    return services.open_ticket(opening=opening)


def test_an_internal_call_is_told_without_its_words(ticket: Ticket, city: City) -> None:
    services.reply(ticket=ticket, said=services.Reply(city.technician, "@Ada: das Passwort ist geheim.", internal=True))

    deliver()

    mail = OutgoingMail.objects.get()
    text = str(message(mail).body)
    assert mail.recipient == city.administrator
    assert "geheim" not in text
    assert "interne Notiz" in text


def test_watchers_hear_public_words_and_those_without_a_role_nothing(ticket: Ticket, city: City) -> None:
    for watcher in (city.administrator, city.coordinator_b, city.technician):
        services.watch(ticket=ticket, by=watcher)

    services.reply(ticket=ticket, said=services.Reply(city.technician, "Ich komme morgen."))
    deliver()

    assert {mail.recipient for mail in OutgoingMail.objects.all()} == {city.administrator, city.coordinator_a}


def test_whoever_asked_is_asked_how_it_went(ticket: Ticket, city: City) -> None:
    services.reply(ticket=ticket, said=services.Reply(city.technician, "Läuft.", to=Ticket.State.RESOLVED))
    deliver()

    assert "/tickets/rate/" in str(message(OutgoingMail.objects.get(recipient=city.coordinator_a)).body)


def test_whoever_is_handed_a_hundred_gets_no_hundred_mails(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "MOST_HANDED", 2)
    for _ in range(4):
        made = services.open_ticket(opening=services.Opening(city.school_a, "Drucker"))
        wish = services.Edit(made.subject, made.priority, owner=city.technician)
        services.edit(ticket=made, wish=wish, actor=city.administrator, seen_version=made.version)
    deliver()

    assert OutgoingMail.objects.filter(recipient=city.technician).count() == 2
