"""Agreements at work on the real database: deadlines are stored, kept up to date, and escalate once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.events.models import Event
from fleet.events.services import deliver
from fleet.people.models import Grant
from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.tickets import services
from helpdesk.tickets.arrangements import StepForm
from helpdesk.tickets.models import Agreement, Article, Category, Escalation, EscalationStep, Queue, Ticket
from helpdesk.tickets.services import arranging, sla
from tests.conftest import City

pytestmark = pytest.mark.django_db
SUNDAY = datetime(2026, 11, 22, 17, tzinfo=UTC)
"""18:00 in Berlin."""


@pytest.fixture
def agreement(city: City) -> Agreement:
    return Agreement.objects.create(
        authority=city.authority, name_de="Üblich", first_response_min=60, next_update_min=240, resolution_min=480
    )


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(site=city.school_a, subject="Drucker", body="Steht.", requester=city.coordinator_a)
    made = services.open_ticket(opening=opening)
    Ticket.objects.filter(pk=made.pk).update(created_at=SUNDAY)
    made.refresh_from_db()
    return made


def reckoned(ticket: Ticket) -> Ticket:
    sla.reckon_due()
    ticket.refresh_from_db()
    return ticket


def test_the_earliest_deadline_is_stored(agreement: Agreement, ticket: Ticket) -> None:
    reckoned(ticket)

    assert ticket.due_at == ticket.response_due_at == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert ticket.resolution_due_at == datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert (ticket.due_clock, ticket.agreement, ticket.reckon_at) == ("first-response", agreement, None)


def test_an_answer_in_public_by_a_technician_counts_and_nothing_else_does(
    agreement: Agreement, ticket: Ticket, city: City
) -> None:
    services.reply(ticket=ticket, said=services.Reply(city.technician, "Intern.", internal=True))
    services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, "Es eilt."))
    assert reckoned(ticket).answered_at is None

    services.reply(ticket=ticket, said=services.Reply(city.technician, "Ich komme morgen."))

    answered = reckoned(ticket).answered_at
    assert answered == Article.objects.get(answers=True).created_at
    assert ticket.due_clock != "first-response"


def test_a_higher_priority_and_another_category_bring_another_agreement(
    agreement: Agreement, ticket: Ticket, city: City
) -> None:
    urgent = Agreement.objects.create(authority=city.authority, name_de="Dringend", priority=4, first_response_min=15)
    network = Category.objects.create(authority=city.authority, slug="netz", name_de="Netz")
    wifi = Category.objects.create(authority=city.authority, slug="wlan", name_de="WLAN", parent=network)
    of_network = Agreement.objects.create(authority=city.authority, name_de="Netz", category=network, first_response_min=30)

    services.raise_priority(ticket=ticket, to=4)
    assert reckoned(ticket).agreement == urgent
    assert ticket.due_at == datetime(2026, 11, 23, 7, 15, tzinfo=UTC)

    wish = services.Edit(ticket.subject, 4, None, services.Sorting(None, wifi))
    services.edit(ticket=ticket, wish=wish, actor=city.technician, seen_version=ticket.version)

    assert reckoned(ticket).agreement == of_network


def test_a_closure_entered_later_moves_the_deadline_in_the_background(
    agreement: Agreement, ticket: Ticket, city: City
) -> None:
    before = reckoned(ticket).due_at
    closure = sites.Closure("Wasserschaden", date(2026, 11, 23), date(2026, 11, 23))

    sites.enter_closure(where=sites.Where(city.school_a, everywhere=False), closure=closure, by=None)
    deliver()

    assert before is not None
    assert reckoned(ticket).due_at == before + timedelta(days=1)


def test_what_changed_meanwhile_is_reckoned_once_more(agreement: Agreement, ticket: Ticket) -> None:
    seen = Ticket.objects.get(pk=ticket.pk)
    sla.reckon_anew(rows=Ticket.objects.all())

    sla._store(_loaded(seen), sla._Promised([_loaded(seen)]))

    assert Ticket.objects.get(pk=ticket.pk).reckon_at is not None


def _loaded(ticket: Ticket) -> Ticket:
    ticket.steps_taken, ticket.answered, ticket.asked = [], [], True  # type: ignore[attr-defined]
    return ticket


def test_each_step_is_taken_once_and_the_priority_rises_once(agreement: Agreement, ticket: Ticket, city: City) -> None:
    services.take(ticket=ticket, by=city.technician)
    for minutes, raises in [(-30, False), (0, True), (60, True)]:
        EscalationStep.objects.create(agreement=agreement, minutes=minutes, raise_priority=raises)
    due_at = reckoned(ticket).due_at
    assert due_at is not None

    taken = [sla.escalate(due_at + timedelta(minutes=after)) for after in (-31, -30, -29)]
    sla.reckon_due()
    taken += [
        sla.escalate(due_at + timedelta(minutes=5)),
        reckoned(ticket).priority,
        sla.escalate(due_at + timedelta(hours=2)),
    ]

    assert taken == [0, 1, 0, 1, 3, 1]
    assert reckoned(ticket).priority == 3
    assert Escalation.objects.count() == 3
    told = ticket.articles.filter(notice__startswith="deadline-")
    assert [(one.notice, one.internal) for one in told] == [("deadline-near", True)] + [("deadline-missed", True)] * 2


def told_of(ticket: Ticket, agreement: Agreement) -> set[int]:
    """Whom an escalation of it is said to."""
    EscalationStep.objects.create(agreement=agreement, minutes=0)
    due_at = reckoned(ticket).due_at
    assert due_at is not None
    assert sla.escalate(due_at) == 1
    event = Event.objects.filter(name="ticket.article-added", subject_id=ticket.pk).latest("pk")
    return {user.pk for user in services.listeners(Article.objects.latest("pk"), event.payload["tells"])}


def test_whoever_looks_after_a_ticket_hears_of_its_deadline_alone(agreement: Agreement, ticket: Ticket, city: City) -> None:
    services.take(ticket=ticket, by=city.administrator)

    assert told_of(ticket, agreement) == {city.administrator.pk}


def test_of_one_that_nobody_looks_after_those_hear_who_work_at_its_school(
    agreement: Agreement, ticket: Ticket, city: City
) -> None:
    assert told_of(ticket, agreement) == {city.technician.pk}


def test_where_nobody_works_at_the_school_the_authority_hears(agreement: Agreement, ticket: Ticket, city: City) -> None:
    Grant.objects.filter(user=city.technician).delete()

    assert told_of(ticket, agreement) == {city.administrator.pk}


def test_of_a_restricted_one_security_people_hear(agreement: Agreement, ticket: Ticket, city: City) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="sicherheit", name_de="Sicherheit", restricted=True)
    Ticket.objects.filter(pk=ticket.pk).update(queue=queue)

    assert told_of(ticket, agreement) == {city.security.pk}


def test_tickets_whose_steps_are_all_taken_cost_nothing(
    agreement: Agreement, city: City, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    EscalationStep.objects.create(agreement=agreement, minutes=0)
    for number in range(5):
        services.open_ticket(opening=services.Opening(city.school_a, f"Nummer {number}", requester=city.coordinator_a))
    sla.reckon_due()
    later = timezone.now() + timedelta(days=30)
    assert sla.escalate(later) == 5

    with django_assert_num_queries(1) as captured:
        assert sla.escalate(later) == 0

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{captured[0]['sql']}")
        plan = str(cursor.fetchall())
    assert connection.vendor == "postgresql" or "ticket_to_escalate" in plan


def test_a_step_that_is_arranged_later_is_taken_too(agreement: Agreement, ticket: Ticket, city: City) -> None:
    due_at = reckoned(ticket).due_at
    assert due_at is not None
    form = StepForm({"agreement": agreement.pk, "minutes": 30}, authorities=[city.authority])
    assert form.is_valid()

    arranging.save(form=form, by=city.administrator)
    deliver()
    sla.reckon_due()

    assert [sla.escalate(due_at + timedelta(minutes=after)) for after in (29, 30, 31)] == [0, 1, 0]


def test_a_batch_costs_the_same_for_few_and_for_many(
    agreement: Agreement, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        services.open_ticket(opening=services.Opening(city.school_a, f"Nummer {number}", requester=city.coordinator_a))
    ids = list(Ticket.objects.values_list("pk", flat=True))

    with django_assert_max_num_queries(14 + len(ids)):
        sla.recompute(ticket_ids=ids)

    assert not Ticket.objects.filter(reckon_at__isnull=False).exists()


def test_a_step_that_fails_leaves_the_others_their_turn(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    from helpdesk.tickets.services import tending

    def fails() -> None:
        raise LookupError("a row that nobody thought of")

    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)
    Ticket.objects.filter(pk=ticket.pk).update(state_since=timezone.now() - timedelta(days=15))
    monkeypatch.setattr(tending, "STEPS", (fails, *tending.STEPS))
    tending.tend()

    ticket.refresh_from_db()
    assert ticket.state == Ticket.State.CLOSED


def test_resolved_long_ago_is_closed_and_cannot_be_opened_again(ticket: Ticket, city: City) -> None:
    from helpdesk.tickets.services import tending

    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)
    Ticket.objects.filter(pk=ticket.pk).update(state_since=timezone.now() - timedelta(days=15))
    ticket.refresh_from_db()

    with pytest.raises(services.TransitionError):
        services.transition(ticket=ticket, to=Ticket.State.OPEN, actor=city.coordinator_a)
    tending.close_resolved()

    ticket.refresh_from_db()
    assert ticket.state == Ticket.State.CLOSED
    fresh = services.follow_up(ticket=ticket, said=services.Again(city.coordinator_a, "Es ist wieder so."))
    assert fresh.links.get().target == ticket


def test_a_school_that_becomes_a_kindergarten_is_promised_what_those_are(ticket: Ticket, city: City) -> None:
    for kind, minutes in (("school", 600), ("kindergarten", 60)):
        Agreement.objects.create(
            authority=city.authority, name_de=kind, hours="always", site_kind=kind, first_response_min=minutes
        )
    assert reckoned(ticket).due_at == SUNDAY + timedelta(minutes=600)
    site = Site.objects.get(pk=city.school_a.pk)
    details = replace(sites.SiteDetails.of(site), kind=Site.Kind.KINDERGARTEN)

    sites.update_site(site=site, details=details, by=city.administrator)
    deliver()

    assert reckoned(ticket).due_at == SUNDAY + timedelta(minutes=60)
