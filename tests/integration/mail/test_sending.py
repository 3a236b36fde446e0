"""Who hears of what by mail, as a real SMTP server takes it."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from fleet.events.services import deliver
from fleet.people.models import User
from helpdesk.mail import services
from helpdesk.mail.models import Mailbox
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Agreement, EscalationStep, Ticket
from helpdesk.tickets.services import sla
from tests.conftest import City
from tests.integration.mail.conftest import Post

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = tickets.Opening(city.school_a, "Drucker", body="Steht.", requester=city.coordinator_a)
    made = tickets.open_ticket(opening=opening)
    deliver()
    return made


def heard(smtp: Post) -> dict[str, str]:
    """What went out since, by address."""
    smtp.taken.clear()
    deliver()
    services.send_due()
    return {one.rcpt_tos[0]: message_from_bytes(one.content, policy=policy.default).get_content() for one in smtp.taken}


def say(ticket: Ticket, author: User, body: str, *, internal: bool = False) -> None:
    tickets.reply(ticket=ticket, said=tickets.Reply(author, body, internal=internal))


def test_whoever_is_called_in_a_note_hears_that_there_is_one(ticket: Ticket, city: City, smtp: Post) -> None:
    say(ticket, city.technician, "@Ada: das Passwort ist geheim.", internal=True)

    mails = heard(smtp)

    assert list(mails) == [city.administrator.email]
    assert "interne Notiz" in mails[city.administrator.email]
    assert "geheim" not in mails[city.administrator.email]


def test_so_does_whoever_asked_for_it_when_they_work_there(city: City, smtp: Post) -> None:
    opening = tickets.Opening(city.school_a, "Drucker", body="Steht.", requester=city.administrator)
    say(tickets.open_ticket(opening=opening), city.technician, "@Ada: schau bitte.", internal=True)

    assert "interne Notiz" in heard(smtp)[city.administrator.email]


def test_a_deadline_is_told_to_the_owner_and_the_watchers_who_work_there(ticket: Ticket, city: City, smtp: Post) -> None:
    agreement = Agreement.objects.create(authority=city.authority, name_de="Üblich", first_response_min=60)
    EscalationStep.objects.create(agreement=agreement, minutes=0)
    tickets.take(ticket=ticket, by=city.technician)
    for watcher in (city.administrator, city.coordinator_b):
        tickets.watch(ticket=ticket, by=watcher)
    heard(smtp)
    sla.reckon_due()
    ticket.refresh_from_db()
    assert ticket.due_at is not None

    sla.escalate(ticket.due_at + timedelta(minutes=1))

    mails = heard(smtp)
    assert set(mails) == {city.technician.email, city.administrator.email}
    assert "war fällig um" in mails[city.technician.email]


def test_who_may_read_notes_no_longer_hears_of_none(ticket: Ticket, city: City, smtp: Post) -> None:
    say(ticket, city.technician, "@Ada: schau bitte.", internal=True)
    deliver()
    city.administrator.grants.all().delete()

    assert heard(smtp) == {}


def test_whoever_looks_after_it_hears_that_and_what_is_said_in_public(ticket: Ticket, city: City, smtp: Post) -> None:
    wish = tickets.Edit(ticket.subject, ticket.priority, owner=city.technician)
    tickets.edit(ticket=ticket, wish=wish, actor=city.administrator, seen_version=ticket.version)
    assert list(heard(smtp)) == [city.technician.email]

    say(ticket, city.coordinator_a, "Er druckt wieder.")
    assert "Er druckt wieder." in heard(smtp)[city.technician.email]

    say(ticket, city.administrator, "Intern.", internal=True)
    assert heard(smtp) == {}


def test_whoever_takes_it_or_speaks_is_not_told_so(ticket: Ticket, city: City, smtp: Post) -> None:
    tickets.take(ticket=ticket, by=city.technician)
    say(ticket, city.technician, "Ich komme morgen.")

    assert list(heard(smtp)) == [city.coordinator_a.email]


def test_answers_go_to_a_mailbox_that_is_read(ticket: Ticket, city: City, smtp: Post) -> None:
    boxes = {site: Mailbox.objects.create(authority=city.authority, site=site, address=f"it@{site.slug}.example")
             for site in (city.school_b, city.school_a)}  # fmt: skip

    def answers_go_to() -> str:
        say(ticket, city.technician, "Ist er an?")
        heard(smtp)
        return str(message_from_bytes(smtp.taken[0].content, policy=policy.default)["Reply-To"])

    assert answers_go_to() == boxes[city.school_a].address
    Mailbox.objects.filter(site=city.school_a).update(active=False)
    assert answers_go_to() == boxes[city.school_b].address
