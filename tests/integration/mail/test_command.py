"""What is promised of mail, shown on `manage.py ingest_mail` itself: one message on standard input, one line of JSON."""

import pytest

from fleet.events.services import deliver
from helpdesk.mail.models import Mailbox, OutgoingMail
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.integration.mail.conftest import told, told_at_once
from tests.unit.mail.conftest import letter
from tests.unit.mail.test_nasty_mail import NOT_STORABLE, not_storable

pytestmark = pytest.mark.django_db(transaction=True)
STRANGER = "Egon Fremd <egon@anderswo.example>"


@pytest.fixture
def ticket(city: City) -> Ticket:
    """Alma's, answered by Theo, and waiting for her."""
    opening = tickets.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    made = tickets.open_ticket(opening=opening)
    to = Ticket.State.WAITING_REQUESTER
    tickets.reply(ticket=made, said=tickets.Reply(author=city.technician, body="Ist er eingeschaltet?", to=to))
    deliver()
    made.refresh_from_db()
    return made


def sent(ticket: Ticket) -> str:
    """The Message-ID of the mail about Theo's answer."""
    return str(OutgoingMail.objects.get(article__ticket=ticket).message_id)


def as_it_was(ticket: Ticket) -> bool:
    now = Ticket.objects.get(pk=ticket.pk)
    return (now.state, now.version) == (ticket.state, ticket.version)


def test_a_stranger_with_a_valid_number_opens_a_new_ticket(ticket: Ticket) -> None:
    answer = told(letter(sender=STRANGER, subject=f"AW: [{ticket.number}] Drucker"))

    assert (answer["outcome"], answer["ticket"] != ticket.pk) == ("new", True)
    assert as_it_was(ticket)


def test_an_unknown_sender_in_a_forwarded_thread_is_an_unverified_note(ticket: Ticket) -> None:
    answer = told(letter("Ich war's.", sender='"Alma" <egon@anderswo.example>', headers={"In-Reply-To": sent(ticket)}))

    note = Article.objects.get(pk=answer["article"])
    assert (answer["outcome"], answer["ticket"]) == ("appended", ticket.pk)
    assert (note.author, note.verified, note.internal) == (None, False, True)
    assert Ticket.objects.get(pk=ticket.pk).state == ticket.state


def test_an_ancestor_in_references_alone_and_an_answer_before_ours_land_in_their_thread(ticket: Ticket, city: City) -> None:
    late, first = told_at_once(
        letter("Ja.", message_id="<2@x>", headers={"References": f"{sent(ticket)} <between@x>"}), letter("Neu.")
    )
    second = told(letter("Noch etwas.", message_id="<3@x>", headers={"References": "<1@alma.example>"}))

    assert (late["outcome"], late["ticket"]) == ("appended", ticket.pk)
    assert (second["outcome"], second["ticket"]) == ("appended", first["ticket"])


def test_one_mail_to_two_mailboxes_is_one_ticket_and_one_acknowledgement(city: City) -> None:
    boxes = ["it@musterstadt.example", "hilfe@musterstadt.example"]
    for address in boxes:
        Mailbox.objects.create(authority=city.authority, site=city.school_b, address=address)
    mail = letter(to=", ".join(boxes))

    answers = told_at_once(*((mail, "--mailbox", address) for address in boxes))

    assert sorted(one["outcome"] for one in answers) == ["dropped", "new"]
    assert (Ticket.objects.count(), OutgoingMail.objects.filter(acknowledges=True).count()) == (1, 1)


def test_out_of_office_is_stored_and_opens_nothing_again(ticket: Ticket) -> None:
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    answer = told(letter("Weg.", headers={"In-Reply-To": sent(ticket), "Auto-Submitted": "auto-replied"}))

    assert (answer["outcome"], answer["ticket"]) == ("stored", ticket.pk)
    assert Ticket.objects.get(pk=ticket.pk).state == "resolved"
    assert not OutgoingMail.objects.filter(acknowledges=True).exists()


def test_an_answer_after_a_merge_reaches_where_that_went(ticket: Ticket, city: City) -> None:
    opening = tickets.Opening(site=city.school_a, subject="Auch", requester=city.coordinator_a)
    into = tickets.open_ticket(opening=opening)
    tickets.merge(source=ticket, into=into, by=city.technician)

    answer = told(letter("Ja.", headers={"In-Reply-To": OutgoingMail.objects.order_by("pk")[0].message_id}))

    assert (answer["outcome"], answer["ticket"]) == ("appended", into.pk)


def test_bytes_that_no_database_takes_spoil_nothing(city: City) -> None:
    told_back, opens = NOT_STORABLE[1], NOT_STORABLE[3]

    answers = told_at_once(*(not_storable(one) for one in (told_back, opens)))

    assert [one["outcome"] for one in answers] == ["stored", "new"]
    assert "Auto-Submitted: auto-" in answers[0]["reason"]
