"""Lists of tickets are read by index in the order in which they are shown: of many, as many rows as a page has."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer

MANY = 4_000


@pytest.fixture(autouse=True)
def _many(city: City) -> None:
    """One in twenty is not finished, as in a city after some years."""
    now, scope = timezone.now(), {"authority": city.authority}
    Ticket.objects.bulk_create(
        Ticket(
            **scope, site=(city.school_a, city.school_b)[n % 2], number=f"V-{n}", subject=f"Beamer {n}",
            state="open" if n % 20 == 0 else "closed", created_at=now - timedelta(minutes=n),
            due_at=now + timedelta(minutes=n) if n % 20 == 0 else None, reckon_at=None,
        )
        for n in range(MANY)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}")
        return "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("path", "index", "on_sqlite"),
    [
        ("/tickets/", "finding_next", "finding_next"),
        ("/tickets/?state=all", "finding_all", "finding_next"),
        ("/api/v1/tickets/", "ticket_newest", "ticket_newest"),
    ],
)
def test_a_page_of_the_list_sorts_nothing(path: str, index: str, on_sqlite: str, city: City, ada: Client) -> None:
    headers = bearer(city.administrator)
    with CaptureQueriesContext(connection) as captured:
        assert ada.get(path, headers=headers).status_code == 200

    (sql,) = (one["sql"] for one in captured if '"tickets_ticket"."subject"' in one["sql"] and "LIMIT" in one["sql"])

    found = plan(sql)
    assert (on_sqlite if connection.vendor == "sqlite" else index) in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found
