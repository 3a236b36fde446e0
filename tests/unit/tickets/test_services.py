"""Opening and working on tickets, on the real database."""

import pytest

from fleet.events.models import Event
from fleet.people.models import User
from helpdesk.tickets import services, timeline
from helpdesk.tickets.models import Article, Ticket, Transition
from tests.conftest import City

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(
        site=city.school_a, subject="Drucker druckt nicht", body="Seit heute früh.", requester=city.coordinator_a
    )
    return services.open_ticket(opening=opening)


def test_numbers_count_up_without_gaps(city: City) -> None:
    opening = services.Opening(site=city.school_a, subject="Etwas")

    numbers = [services.open_ticket(opening=opening).number for _ in range(3)]

    assert [int(one[-6:]) for one in numbers] == [1, 2, 3]


def test_a_ticket_tells_that_it_was_created(ticket: Ticket) -> None:
    event = Event.objects.get(name="ticket.created")

    assert (event.subject_id, event.site_id, event.actor_id) == (ticket.pk, ticket.site_id, ticket.requester_id)


def test_the_same_key_by_the_same_person_opens_one_ticket(city: City) -> None:
    def opened(by: User) -> int:
        opening = services.Opening(site=city.school_a, subject="Einmal", requester=by, idempotency_key="k1")
        return services.open_ticket(opening=opening).pk

    assert opened(city.coordinator_a) == opened(city.coordinator_a)
    assert opened(city.technician) != opened(city.coordinator_a)


def test_the_same_key_gives_one_reply(ticket: Ticket, city: City) -> None:
    said = services.Reply(author=city.coordinator_a, body="Noch etwas", idempotency_key="k2")

    first, second = services.reply(ticket=ticket, said=said), services.reply(ticket=ticket, said=said)

    assert first.pk == second.pk
    assert ticket.articles.filter(body="Noch etwas").count() == 1


def test_the_same_key_after_the_reply_was_split_off_is_still_one(ticket: Ticket, city: City) -> None:
    said = services.Reply(author=city.coordinator_a, body="Auch der Drucker.", idempotency_key="k2")
    article = services.reply(ticket=ticket, said=said)
    services.split(ticket=ticket, part=services.Part([article.pk], "Drucker"), by=city.technician)

    assert services.reply(ticket=ticket, said=said) == article
    assert Article.objects.filter(body="Auch der Drucker.").count() == 1


def test_a_transition_is_remembered_and_told(ticket: Ticket, city: City) -> None:
    services.transition(ticket=ticket, to=Ticket.State.OPEN, actor=city.technician, seen_version=1)

    step = Transition.objects.get(ticket=ticket)
    assert (step.old, step.new, step.actor) == ("new", "open", city.technician)
    assert ticket.version == 2
    assert Event.objects.filter(name="ticket.transitioned").count() == 1


def test_a_transition_on_a_stale_version_writes_nothing(ticket: Ticket, city: City) -> None:
    stale = Ticket.objects.get(pk=ticket.pk)
    services.reply(ticket=ticket, said=services.Reply(author=city.technician, body="Ich komme morgen."))

    with pytest.raises(services.StaleError):
        services.transition(ticket=stale, to=Ticket.State.OPEN, actor=city.technician, seen_version=1)

    ticket.refresh_from_db()
    assert ticket.state == "new"
    assert not ticket.transitions.exists()


def test_the_workflow_is_held(ticket: Ticket) -> None:
    with pytest.raises(services.TransitionError):
        services.transition(ticket=ticket, to=Ticket.State.CLOSED)


def test_a_reply_and_its_state_are_both_or_nothing(ticket: Ticket, city: City) -> None:
    said = services.Reply(author=city.technician, body="Erledigt", to=Ticket.State.RESOLVED, seen_version=99)

    with pytest.raises(services.StaleError):
        services.reply(ticket=ticket, said=said)

    assert not ticket.articles.filter(body="Erledigt").exists()


def test_an_awaited_answer_opens_the_ticket_again(ticket: Ticket, city: City) -> None:
    services.transition(ticket=ticket, to=Ticket.State.WAITING_REQUESTER)

    services.reply(ticket=ticket, said=services.Reply(author=city.coordinator_a, body="Raum 204"))

    ticket.refresh_from_db()
    assert ticket.state == "open"


def test_taking_makes_an_owner_says_so_and_opens(ticket: Ticket, city: City) -> None:
    assert services.take(ticket=ticket, by=city.technician)

    assert (ticket.owner, ticket.state) == (city.technician, "open")
    assert ticket.articles.filter(notice="taken", author=city.technician).exists()


def test_a_second_taker_comes_too_late(ticket: Ticket, city: City) -> None:
    services.take(ticket=Ticket.objects.get(pk=ticket.pk), by=city.technician)

    assert not services.take(ticket=ticket, by=city.administrator)

    ticket.refresh_from_db()
    assert ticket.owner == city.technician


def test_an_edit_of_a_stale_version_writes_nothing(ticket: Ticket, city: City) -> None:
    wish = services.Edit(subject="Neu", priority=4, owner=None)
    services.edit(ticket=ticket, wish=wish, actor=city.technician, seen_version=1)

    with pytest.raises(services.StaleError):
        services.edit(ticket=ticket, wish=services.Edit("Anders", 1, None), actor=city.administrator, seen_version=1)

    ticket.refresh_from_db()
    assert (ticket.subject, ticket.priority) == ("Neu", 4)


def test_an_edit_stands_in_the_ticket_for_those_who_work_on_it(ticket: Ticket, city: City) -> None:
    wish = services.Edit(subject=ticket.subject, priority=4, owner=city.technician)

    services.edit(ticket=ticket, wish=wish, actor=city.administrator, seen_version=ticket.version)

    seen_by_school = [timeline.summary(entry) for entry in timeline.of(ticket, city.coordinator_a)]
    seen_by_technician = [timeline.summary(entry) for entry in timeline.of(ticket, city.technician)]
    assert "Theo kümmert sich jetzt darum." in seen_by_school
    assert len(seen_by_technician) == len(seen_by_school) + 1


def test_news_are_what_other_people_did_since(ticket: Ticket, city: City) -> None:
    seen_at = ticket.created_at
    services.notify(ticket=ticket, notice="change-started")
    services.reply(ticket=ticket, said=services.Reply(author=city.coordinator_a, body="von mir"))
    before = timeline.news(ticket, city.coordinator_a, Article.objects.latest("pk").created_at)
    services.reply(ticket=ticket, said=services.Reply(author=city.technician, body="von Theo"))
    services.reply(ticket=ticket, said=services.Reply(author=city.technician, body="intern", internal=True))

    after = [timeline.summary(entry) for entry in timeline.news(ticket, city.coordinator_a, seen_at)]

    assert before == []
    assert after == ["von Theo"], "neither Fleetdesk's notices, nor one's own words, nor internal notes"
