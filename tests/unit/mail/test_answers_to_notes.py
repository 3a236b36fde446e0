"""What somebody answers by mail to what is internal stays internal, and reaches those who may read it."""

import pytest
from django.core import mail as outbox

from fleet.events.services import deliver
from helpdesk.mail import services, threads
from helpdesk.mail.models import OutgoingMail
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.unit.mail.conftest import Post
from tests.unit.mail.test_receiving import state

pytestmark = pytest.mark.django_db
ADA, ALMA = "Ada <ada@musterstadt.example>", "Alma <alma@musterstadt.example>"


@pytest.fixture
def ticket(city: City) -> Ticket:
    """Alma's, who was asked something; Ada is called to it in a note by Theo, who looks after it."""
    made = tickets.open_ticket(opening=tickets.Opening(city.school_a, "Drucker", requester=city.coordinator_a))
    tickets.watch(ticket=made, by=city.technician)
    tickets.transition(ticket=made, to=Ticket.State.WAITING_REQUESTER, actor=city.technician)
    tickets.reply(ticket=made, said=tickets.Reply(city.technician, "@Ada: ist der schwierig?", internal=True))
    deliver()
    return made


def answered(ticket: Ticket) -> dict[str, str]:
    """The header of an answer to the mail about the note."""
    told = OutgoingMail.objects.filter(article__internal=True).latest("pk")
    return {"In-Reply-To": told.message_id, "References": f"{threads.signed(ticket.number)} {told.message_id}"}


def mailed_to() -> set[str]:
    outbox.outbox.clear()
    deliver()
    services.send_due()
    return {one.to[0] for one in outbox.outbox}


def test_an_answer_to_a_note_is_a_note_of_which_only_those_hear_who_may_read_it(
    post: Post, ticket: Ticket, city: City
) -> None:
    mailed_to()

    result = post("Ja, immer. Passwort: geheim123.", sender=ADA, headers=answered(ticket))

    article = Article.objects.get(pk=result.article)
    assert (result.outcome, result.ticket, state(ticket)) == ("appended", ticket.pk, "waiting-requester")
    assert (article.internal, article.author, article.verified) == (True, city.administrator, True)
    assert mailed_to() == {city.technician.email}
    assert "geheim123" not in outbox.outbox[0].body


def test_what_answers_that_answer_from_one_to_the_other_is_a_note_too(post: Post, ticket: Ticket) -> None:
    post(sender=ADA, message_id="<1@ada>", headers=answered(ticket))
    chain = f"{answered(ticket)['References']} <1@ada>"

    result = post("Gut.", sender="theo@musterstadt.example", message_id="<2@theo>", headers={"References": chain})

    assert Article.objects.get(pk=result.article).internal


@pytest.mark.parametrize("closed", [Ticket.State.RESOLVED, Ticket.State.CLOSED])
def test_where_the_ticket_has_ended_meanwhile_it_stays_inside_it(post: Post, ticket: Ticket, closed: Ticket.State) -> None:
    for to in dict.fromkeys((Ticket.State.RESOLVED, closed)):
        tickets.transition(ticket=ticket, to=to)

    result = post("Geheim.", sender=ADA, headers=answered(ticket))

    assert (result.ticket, state(ticket), Article.objects.get(pk=result.article).internal) == (ticket.pk, closed, True)
    assert Ticket.objects.count() == 1


def test_the_nearest_ancestor_counts(post: Post, ticket: Ticket, city: City) -> None:
    tickets.reply(ticket=ticket, said=tickets.Reply(city.administrator, "Ist er an?"))
    deliver()
    public = OutgoingMail.objects.filter(article__internal=False, recipient=city.technician).latest("pk").message_id
    chain = f"{answered(ticket)['References']} {public}"

    result = post("Ja.", sender="theo@musterstadt.example", headers={"In-Reply-To": public, "References": chain})

    assert not Article.objects.get(pk=result.article).internal


def test_whoever_may_not_read_notes_answers_as_ever(post: Post, ticket: Ticket) -> None:
    result = post("Ja.", sender=ALMA, headers=answered(ticket))

    assert (Article.objects.get(pk=result.article).internal, state(ticket)) == (False, "open")


def test_a_program_s_answer_to_a_note_is_told_nobody(post: Post, ticket: Ticket) -> None:
    mailed_to()

    result = post("Weg.", sender=ADA, headers={**answered(ticket), "Auto-Submitted": "auto-replied"})

    assert (result.outcome, mailed_to()) == ("stored", set())
