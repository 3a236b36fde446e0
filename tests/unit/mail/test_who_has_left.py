"""By mail nobody writes in a ticket, as somebody who belongs to it, that they may not see on the web any more."""

import pytest

from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Queue, Ticket
from tests.conftest import City
from tests.unit.mail.conftest import Post
from tests.unit.mail.test_receiving import STRANGER, state

pytestmark = pytest.mark.django_db
BRUNO = "Bruno <bruno@musterstadt.example>"


@pytest.fixture
def ticket(post: Post, city: City) -> Ticket:
    """Bruno's, who wrote it by mail from school B; solved since."""
    made = Ticket.objects.get(pk=post(sender=BRUNO, message_id="<1@bruno>").ticket)
    tickets.transition(ticket=made, to=Ticket.State.RESOLVED)
    assert made.site == city.school_b
    return made


def moves(person: User, city: City) -> None:
    Grant.objects.filter(user=person).delete()
    people.grant(user=person, role=Role.COORDINATOR, scope_id=city.school_a.pk)


def answer(post: Post, sender: str, to: str = "<1@bruno>") -> Article:
    result = post("Noch etwas.", sender=sender, message_id="<2@x>", headers={"In-Reply-To": to})
    return Article.objects.get(pk=result.article)


def is_a_stranger_s_note(article: Article, ticket: Ticket) -> bool:
    return (article.ticket, article.author, article.internal, article.verified) == (ticket, None, True, False)


def test_whoever_asked_and_is_at_another_school_now(post: Post, ticket: Ticket, city: City) -> None:
    moves(city.coordinator_b, city)

    assert is_a_stranger_s_note(answer(post, BRUNO), ticket)
    assert state(ticket) == "resolved"
    by_number = post(sender=BRUNO, message_id="<3@x>", subject=f"[{ticket.number}] Drucker")
    assert by_number.outcome == "new"
    assert by_number.ticket != ticket.pk


@pytest.mark.parametrize("part", ["watcher", "owner", "author"])
def test_whoever_took_part_and_is_at_another_school_now(part: str, post: Post, ticket: Ticket, city: City) -> None:
    theo = city.technician
    if part == "watcher":
        tickets.watch(ticket=ticket, by=theo)
    elif part == "owner":
        Ticket.objects.filter(pk=ticket.pk).update(owner=theo)
    else:
        tickets.reply(ticket=ticket, said=tickets.Reply(theo, "Ist er an?"))
    moves(theo, city)

    assert is_a_stranger_s_note(answer(post, theo.email), ticket)


@pytest.mark.parametrize("has_a_role", [True, False])
def test_a_shut_account_s_own_ticket_is_a_stranger_s(post: Post, ticket: Ticket, city: City, *, has_a_role: bool) -> None:
    User.objects.filter(pk=city.coordinator_b.pk).update(is_active=False)
    if not has_a_role:
        Grant.objects.filter(user=city.coordinator_b).delete()

    assert is_a_stranger_s_note(answer(post, BRUNO), ticket)
    assert state(ticket) == "resolved"


def test_an_account_without_any_role_left(post: Post, ticket: Ticket, city: City) -> None:
    Grant.objects.filter(user=city.coordinator_b).delete()

    assert is_a_stranger_s_note(answer(post, BRUNO), ticket)


def test_what_they_write_afterwards_is_a_stranger_s_ticket_and_theirs(post: Post, ticket: Ticket, city: City) -> None:
    User.objects.filter(pk=city.coordinator_b.pk).update(is_active=False)
    later = post(sender=BRUNO, message_id="<later@bruno>")

    article = answer(post, BRUNO, to="<later@bruno>")

    assert (article.ticket_id, article.internal, article.verified) == (later.ticket, False, False)


def test_whoever_never_had_an_account_answers_as_ever(post: Post, city: City) -> None:
    first = post(sender=STRANGER, message_id="<1@egon>")

    article = answer(post, STRANGER, to="<1@egon>")

    assert (article.ticket_id, article.internal) == (first.ticket, False)


def test_whoever_asked_for_what_is_restricted_now_is_heard_in_it(post: Post, ticket: Ticket, city: City) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="sicher", name_de="Sicherheit", restricted=True)
    Ticket.objects.filter(pk=ticket.pk).update(queue=queue)

    article = answer(post, BRUNO)

    assert (article.ticket, article.author, article.internal) == (ticket, city.coordinator_b, False)
