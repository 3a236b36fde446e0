"""Search among more tickets than are looked through at once: newest first, all that is rare, an end to what takes long."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import connection
from django.test import Client

from helpdesk.finding import in_tickets, searching
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City, bearer

Budget = Callable[[int], AbstractContextManager[object]]
MANY = 300


@pytest.fixture(autouse=True)
def _many(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_tickets, "NEWEST", 50)
    monkeypatch.setattr(searching, "MOST", 20)
    sites = (city.school_a, city.school_b)
    rows = Ticket.objects.bulk_create(
        Ticket(number=f"V-{n}", subject=f"Beamer {n}", authority=city.authority, site=sites[n % 2]) for n in range(MANY)
    )
    Article.objects.bulk_create(Article(ticket=one, body="selten" if n < 3 else "oft") for n, one in enumerate(rows))


def test_a_common_word_is_answered_from_the_newest(theo: Client, django_assert_num_queries: Budget) -> None:
    theo.get("/search/", {"q": "oft"})

    with django_assert_num_queries(9):
        page = theo.get("/search/", {"q": "oft"}).content.decode()

    assert "mehr als 20" in page
    assert f"V-{MANY - 1}" in page


def test_a_rare_word_is_found_however_old(city: City, theo: Client, alma: Client) -> None:
    page, mine = (client.get("/search/", {"q": "selten"}).content.decode() for client in (theo, alma))

    assert [f"V-{n} " in page for n in range(3)] == [True, True, True]
    assert [f"V-{n} " in mine for n in range(3)] == [True, False, True]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite cannot be told how long it may take")
def test_what_takes_too_long_is_ended_and_said(city: City, theo: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_tickets, "LONGEST_MS", 20)
    real = in_tickets._holding

    def slowly(user: object, words: object, after: int) -> object:
        rows = real(user, words, after)  # type: ignore[arg-type]
        return rows if after else rows.extra(where=["pg_sleep(0.05) IS NOT NULL"])

    monkeypatch.setattr(in_tickets, "_holding", slowly)

    page = theo.get("/search/", {"q": "selten"}).content.decode()
    groups = Client().get("/api/v1/search", {"q": "selten"}, headers=bearer(city.technician)).json()

    assert "Bitte ein Wort mehr angeben" in page
    assert [(one["name"], one["count"], one["cut"]) for one in groups] == [("tickets", 0, True)]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
