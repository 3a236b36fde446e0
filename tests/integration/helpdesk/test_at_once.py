"""Many people at the same instant, on a real database with real transactions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection
from django.utils import timezone

from fleet.automation.models import Change
from helpdesk.catalogue import offers
from helpdesk.catalogue import services as catalogue
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.portal.services import labels, scanning
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 8
Got = TypeVar("Got")


def at_once(act: Callable[[int], Got]) -> list[Got]:
    """What `act(0)` to `act(MANY - 1)` gave, all let go at the same instant, each on a connection of its own."""
    gate = Barrier(MANY)

    def one(number: int) -> Got:
        try:
            gate.wait(timeout=30)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


@pytest.fixture
def ticket(city: City) -> Ticket:
    return services.open_ticket(
        opening=services.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    )


def test_taken_by_many_it_has_one_owner(ticket: Ticket, city: City) -> None:
    people = [city.technician, city.administrator, city.security]

    won = at_once(lambda number: services.take(ticket=Ticket.objects.get(pk=ticket.pk), by=people[number % len(people)]))

    ticket.refresh_from_db()
    assert won.count(True) == 1
    assert ticket.owner in people
    assert Article.objects.filter(ticket=ticket, notice="taken").count() == 1


def test_numbers_are_given_once(city: City) -> None:
    numbers = at_once(
        lambda number: services.open_ticket(opening=services.Opening(site=city.school_a, subject=f"Nr. {number}")).number
    )

    assert sorted(int(one[-6:]) for one in numbers) == list(range(1, MANY + 1))


def test_one_report_sent_many_times_is_one_ticket(city: City) -> None:
    opening = services.Opening(site=city.school_a, subject="Einmal", requester=city.coordinator_a, idempotency_key="once")

    made = at_once(lambda _number: services.open_ticket(opening=opening).pk)

    assert len(set(made)) == 1
    assert Ticket.objects.count() == 1


def test_one_reply_sent_many_times_is_one_article(ticket: Ticket, city: City) -> None:
    said = services.Reply(author=city.coordinator_a, body="Einmal", idempotency_key="once")

    made = at_once(lambda _number: services.reply(ticket=Ticket.objects.get(pk=ticket.pk), said=said).pk)

    assert len(set(made)) == 1


def test_of_many_moves_from_one_version_one_happens(ticket: Ticket, city: City) -> None:
    def move(_number: int) -> bool:
        try:
            services.transition(
                ticket=Ticket.objects.get(pk=ticket.pk), to=Ticket.State.OPEN, actor=city.technician, seen_version=1
            )
        except (services.StaleError, services.TransitionError):
            return False
        return True

    at_once(move)

    ticket.refresh_from_db()
    assert (ticket.state, ticket.version) == ("open", 2)
    assert ticket.transitions.count() == 1


def test_one_order_sent_many_times_is_one_change(city: City) -> None:
    offer = offers.get("exam-wifi")
    assert offer is not None
    wish = catalogue.Submission(
        offer=offer,
        user=city.coordinator_a,
        token="once",
        room=city.room_a,
        arguments={**offer.fixed, "ssid": "Abi", "psk": "gepflanzt-7Kx2"},
        starts_at=timezone.now() + timedelta(hours=1),
        ends_at=timezone.now() + timedelta(hours=2),
    )

    made = at_once(lambda _number: catalogue.submit(submission=wish).ticket.pk)

    assert len(set(made)) == 1
    assert (Ticket.objects.count(), Change.objects.count()) == (1, 1)


def test_one_fault_scanned_by_many_is_one_ticket(city: City) -> None:
    made = at_once(lambda _number: scanning.report(device=city.printer_a, fault="device", address="203.0.113.7").ticket.pk)

    assert len(set(made)) == 1
    assert Ticket.objects.count() == 1


def test_a_label_renewed_by_many_is_void_each_time(city: City) -> None:
    at_once(lambda _number: labels.renew(device=city.printer_a, by=city.technician).version)

    city.printer_a.refresh_from_db()
    assert labels.version(city.printer_a) == MANY + 1


def test_of_many_decisions_about_an_order_one_counts(city: City) -> None:
    offer = offers.get("loan-device")
    assert offer is not None
    wish = catalogue.Submission(offer=offer, user=city.coordinator_a, token="t", site=city.school_a)
    request = catalogue.submit(submission=wish).request

    def decide(number: int) -> bool:
        try:
            row = ServiceRequest.objects.select_related("ticket").get(pk=request.pk)
            catalogue.decide(request=row, by=city.approver, agreed=bool(number % 2))
        except catalogue.DecidedError:
            return False
        return True

    assert at_once(decide).count(True) == 1
    assert request.ticket.articles.filter(notice__in=["order-agreed", "order-refused"]).count() == 1
