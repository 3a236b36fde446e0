"""Webhooks are told of tickets in the name of their owner: nothing that is restricted, and never of internal notes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.events import webhooks
from fleet.events.models import Delivery, Event
from fleet.events.services import deliver
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.tickets import services
from helpdesk.tickets.models import Queue, Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def security_queue(city: City) -> Queue:
    people.grant(user=city.security, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    return Queue.objects.create(authority=city.authority, slug="security", name_de="Sicherheit", restricted=True)


def told_of(owner: User) -> list[str]:
    """Names of events on their way to this person's webhook."""
    deliver()
    return list(Delivery.objects.filter(webhook__made_by_id=owner.pk).order_by("pk").values_list("event__name", flat=True))


def hook_of(city: City, owner: User | None) -> None:
    wish = webhooks.Wish(f"von {owner}", NOWHERE, city.authority.pk, None, ["ticket.*"])
    webhooks.create(wish=wish, by_id=owner.pk if owner else 0)


def test_a_restricted_ticket_is_told_to_who_may_see_it_alone(city: City, security_queue: Queue) -> None:
    for owner in (city.administrator, city.security, city.technician, None):
        hook_of(city, owner)
    opening = services.Opening(site=city.school_a, subject="Phishing", queue=security_queue)
    ticket = services.open_ticket(opening=opening)
    services.transition(ticket=ticket, to=Ticket.State.OPEN, actor=city.security)

    assert told_of(city.security) == ["ticket.created", "ticket.transitioned"]
    assert Delivery.objects.count() == 2


def test_what_becomes_restricted_on_the_way_is_taken_back(city: City, security_queue: Queue) -> None:
    hook_of(city, city.administrator)
    hook_of(city, city.security)
    ticket = services.open_ticket(opening=services.Opening(site=city.school_a, subject="Harmlos?"))
    assert told_of(city.administrator) == ["ticket.created"]

    Ticket.objects.filter(pk=ticket.pk).update(queue=security_queue)
    webhooks.send_due(timezone.now() + timedelta(minutes=1))

    assert told_of(city.administrator) == []
    row = Delivery.objects.get()
    assert (row.webhook.made_by_id, row.attempts) == (city.security.pk, 1)


def test_who_is_no_security_person_any_more_is_told_no_more(city: City, security_queue: Queue) -> None:
    hook_of(city, city.security)
    services.open_ticket(opening=services.Opening(site=city.school_a, subject="Phishing", queue=security_queue))
    assert told_of(city.security) == ["ticket.created"]

    city.security.grants.all().delete()
    webhooks.send_due(timezone.now() + timedelta(minutes=1))

    assert not Delivery.objects.exists()


def test_an_event_that_names_a_restricted_ticket_stays_with_it(city: City, security_queue: Queue) -> None:
    hook_of(city, city.administrator)
    case, incident = (
        services.open_ticket(opening=services.Opening(site=city.school_a, subject=subject))
        for subject in ("Fall", "Störung")
    )
    services.set_parent(ticket=case, parent=incident, by=city.technician)
    Ticket.objects.filter(pk=incident.pk).update(queue=security_queue)

    deliver()

    about = set(Delivery.objects.values_list("event__name", "event__subject_id"))
    assert ("ticket.created", case.pk) in about
    assert ("ticket.parent-set", case.pk) not in about
    assert incident.pk not in {subject for _name, subject in about}


def test_an_internal_note_is_told_to_nobody(city: City) -> None:
    hook_of(city, city.administrator)
    ticket = services.open_ticket(opening=services.Opening(site=city.school_a, subject="Drucker"))
    services.reply(ticket=ticket, said=services.Reply(city.technician, "Geheim.", internal=True))
    services.reply(ticket=ticket, said=services.Reply(city.technician, "Öffentlich."))

    assert told_of(city.administrator) == ["ticket.created", "ticket.article-added"]
    assert not Delivery.objects.filter(event__payload__internal=True).exists()
    assert not any("Geheim" in str(webhooks.body_of(event)) for event in Event.objects.all())
