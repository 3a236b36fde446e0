"""Two answers to a ticket at the same instant are both heard (PostgreSQL: SQLite lets nobody write beside another)."""

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from django.db.models import F

from helpdesk.mail.models import Mailbox
from helpdesk.mail.services.receiving import Result, receive
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.unit.mail.conftest import letter

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="SQLite lets nobody write beside another"
    ),
]
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def ticket(city: City) -> Ticket:
    Mailbox.objects.create(authority=city.authority, site=city.school_a, address="it@musterstadt.example")
    receive(source=io.BytesIO(letter().as_bytes()))
    return tickets.transition(ticket=Ticket.objects.get(), to=Ticket.State.WAITING_REQUESTER)


def answer(number: int) -> Result:
    mail = letter(f"Antwort {number}", message_id=f"<{number}@x>", headers={"In-Reply-To": "<1@alma.example>"})
    try:
        return receive(source=io.BytesIO(mail.as_bytes()))
    finally:
        connections.close_all()


def both_while(ticket: Ticket, work: Callable[[], object]) -> list[Result]:
    """Two answers that both wait for the ticket while `work` is done in a transaction that holds it."""
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1)
            answers = [threads.submit(answer, number) for number in (2, 3)]
            until = time.monotonic() + 60
            while _waiting() < 2 and time.monotonic() < until:
                time.sleep(0.05)
            work()
        return [one.result() for one in answers]


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction sees what it saw first
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def test_two_answers_to_one_that_waits_for_them(ticket: Ticket) -> None:
    results = both_while(ticket, lambda: None)

    assert [(one.outcome, one.ticket) for one in results] == [("appended", ticket.pk)] * 2
    ticket.refresh_from_db()
    assert (ticket.state, ticket.articles.filter(channel="mail").count()) == ("open", 3)


def test_answers_while_it_is_closed_go_on_in_new_ones(ticket: Ticket) -> None:
    def close() -> None:
        for to in (Ticket.State.RESOLVED, Ticket.State.CLOSED):
            tickets.transition(ticket=ticket, to=to)

    results = both_while(ticket, close)

    assert [one.outcome for one in results] == ["new"] * 2


def test_answers_while_it_is_merged_reach_where_it_went(ticket: Ticket, city: City) -> None:
    into = tickets.open_ticket(opening=tickets.Opening(city.school_a, "Auch", requester=city.coordinator_a))

    results = both_while(ticket, lambda: tickets.merge(source=ticket, into=into, by=city.technician))

    assert [(one.outcome, one.ticket) for one in results] == [("appended", into.pk)] * 2
