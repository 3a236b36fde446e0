"""Many people at the same ticket at the same instant, on real transactions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from pytest_django import Settings

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.tickets import services
from helpdesk.tickets.models import BulkJob, Ticket
from tests.conftest import City, bearer

pytestmark = pytest.mark.django_db(transaction=True)
Got = TypeVar("Got")


def at_once(many: int, act: Callable[[int], Got]) -> list[Got]:
    """What `act(0)` to `act(many - 1)` gave, all let go at the same instant, each on a connection of its own."""
    gate = Barrier(many)

    def one(number: int) -> Got:
        try:
            gate.wait(timeout=30)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(one, range(many)))


def opened(city: City, subject: str) -> Ticket:
    opening = services.Opening(city.school_a, subject, body=f"Zu {subject}", requester=city.coordinator_a)
    return services.open_ticket(opening=opening)


def test_of_fifty_who_take_a_ticket_at_once_one_owns_it(city: City) -> None:
    ticket = opened(city, "Drucker")
    takers = [User.objects.create_user(f"t{number}@musterstadt.example", name=f"T{number}") for number in range(50)]
    for taker in takers:
        people.grant(user=taker, role=Role.TECHNICIAN, scope_id=city.school_a.pk)

    won = at_once(50, lambda number: services.take(ticket=Ticket.objects.get(pk=ticket.pk), by=takers[number]))

    assert sum(won) == 1
    ticket.refresh_from_db()
    assert ticket.owner == takers[won.index(True)]
    assert ticket.articles.filter(notice="taken").count() == 1


def test_a_into_b_and_b_into_a_at_once_one_wins_and_nothing_is_lost(city: City) -> None:
    a, b = opened(city, "A"), opened(city, "B")

    def merge(number: int) -> bool:
        source, into = ((a, b), (b, a))[number]
        try:
            services.merge(source=source, into=into, by=city.technician)
        except services.RelationError:
            return False
        return True

    assert sorted(at_once(2, merge)) == [False, True]
    merged = Ticket.objects.get(merged_into__isnull=False)
    target = Ticket.objects.get(merged_into__isnull=True)
    services.add_article(ticket=merged, contribution=services.Contribution(city.coordinator_a, "Später."))

    bodies = set(target.articles.exclude(body="").values_list("body", flat=True))
    assert bodies == {"Zu A", "Zu B", "Später."}
    assert (merged.state, target.state) == (Ticket.State.CLOSED, Ticket.State.NEW)


def test_merges_in_a_ring_by_api_never_wait_for_each_other(city: City) -> None:
    """Each with the version that it has read: of three, at least one wins, and what is said stands in one place."""
    ring = [opened(city, name) for name in "ABC"]
    headers = bearer(city.technician)

    def merge(number: int) -> int:
        source, into = ring[number], ring[(number + 1) % 3]
        url = f"/api/v1/tickets/{source.number}/merge"
        said = headers | {"If-Match": f'"{source.version}"'}
        return Client().post(url, {"number": into.number}, content_type="application/json", headers=said).status_code

    statuses = at_once(3, merge)

    assert 200 in statuses
    assert set(statuses) <= {200, 409, 412}
    (target,) = Ticket.objects.filter(merged_into__isnull=True, articles__body="Zu A").distinct()
    for ticket in Ticket.objects.filter(merged_into__isnull=False):
        services.add_article(ticket=ticket, contribution=services.Contribution(city.coordinator_a, f"Nach {ticket.number}"))
        assert services.current(ticket).articles.filter(body=f"Nach {ticket.number}").exists()
    assert target.articles.filter(body="Zu A").count() == 1


def test_one_key_sent_at_once_makes_one_of_each(city: City) -> None:
    ticket = opened(city, "Drucker")
    article, headers = ticket.articles.get(), bearer(city.technician) | {"Idempotency-Key": "k"}

    def split(_number: int) -> str:
        url, body = f"/api/v1/tickets/{ticket.number}/split", {"article_ids": [article.pk], "subject": "Teil"}
        answer = Client().post(url, body, content_type="application/json", headers=headers)
        return f"{answer.status_code} {answer.json().get('number')}"

    def order(_number: int) -> str:
        answer = Client().post("/api/v1/tickets/bulk/", {"do": "take:"}, content_type="application/json", headers=headers)
        return f"{answer.status_code} {answer.json().get('id')}"

    assert len(set(at_once(4, split))) == 1
    assert len(set(at_once(4, order))) == 1
    assert (Ticket.objects.count(), BulkJob.objects.count()) == (2, 1)


def test_files_sent_at_once_keep_the_limit(city: City, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.FILES_PER_ARTICLE = tmp_path, 3
    article = opened(city, "Drucker").articles.get()
    url = f"/api/v1/tickets/{article.ticket.number}/articles/{article.pk}/attachments"
    headers = bearer(city.coordinator_a)

    def send(number: int) -> int:
        file = SimpleUploadedFile(f"{number}.txt", f"{number}".encode())
        return Client().post(url, {"files": [file]}, headers=headers).status_code

    assert sorted(at_once(6, send)) == [201, 201, 201, 413, 413, 413]
    assert article.attachments.count() == 3


def test_a_reply_at_the_instant_of_a_merge_stands_in_the_target(city: City) -> None:
    a, b = opened(city, "A"), opened(city, "B")

    def act(number: int) -> None:
        if number == 0:
            services.merge(source=a, into=b, by=city.technician)
        else:
            words = services.Contribution(city.coordinator_a, f"Satz {number}")
            services.add_article(ticket=Ticket.objects.get(pk=a.pk), contribution=words)

    at_once(6, act)

    said = b.articles.filter(body__startswith="Satz").values_list("body", flat=True)
    assert sorted(said) == [f"Satz {number}" for number in range(1, 6)]
