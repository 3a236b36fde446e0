"""Lists of tickets are read by index in the order in which they are shown: of many, as many rows as a page has."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from helpdesk.tickets import selectors
from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer
from tests.web.plans import plan, repeats

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


def test_words_of_few_tickets_are_looked_up_once(city: City, ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, by number of the room, by device: whether few tickets have it or many, each is found, once."""
    headers = bearer(city.administrator)
    ticket = Ticket.objects.get(number="V-5")
    ticket.devices.add(city.printer_a, city.access_point_a)
    Ticket.objects.filter(number="V-7").update(room=city.room_a)
    asked = {
        "V-3999": {"V-3999"},
        "beamer 3998": {"V-3998"},
        str(city.room_a.number): {"V-7"},
        city.printer_a.name[1:]: {"V-5"},
    }

    for few in (selectors.FEW, 0):
        monkeypatch.setattr(selectors, "FEW", few)
        for words, numbers in asked.items():
            with CaptureQueriesContext(connection) as captured:
                found = ada.get("/api/v1/tickets/", {"q": words}, headers=headers).json()
            assert {one["number"] for one in found["results"]} >= numbers
            assert len({one["number"] for one in found["results"]}) == len(found["results"])
            looked = [one["sql"] for one in captured if "tickets_ticket" in one["sql"] and "LIMIT" in one["sql"]]
            assert not [sql for sql in looked if repeats(plan(sql))]
