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


@pytest.mark.parametrize(("newer", "few"), [(100, 1_000), (250, 1_000), (16_000, 1)])
def test_on_each_way_the_same_is_found(
    newer: int, few: int, theo: Client, alma: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among the newer ones, by name of the few, and by looking through all."""
    monkeypatch.setattr(in_tickets, "NEWER", newer)
    monkeypatch.setattr(in_tickets, "FEW", few)

    pages = [client.get("/search/", {"q": "beamer 100 oft", "in": "tickets"}).content.decode() for client in (theo, alma)]
    rare = theo.get("/search/", {"q": "selten beamer"}).content.decode()

    assert ["V-100 " in page for page in pages] == [True, True]
    assert [[f"V-{n} " in page for n in (0, 99, 101)] for page in pages] == [[False] * 3] * 2
    assert [f"V-{n} " in rare for n in range(4)] == [True, True, True, False]


def test_what_is_found_among_the_newer_ones_is_newest_first(theo: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_tickets, "NEWER", 60)
    Article.objects.filter(ticket__number__in=[f"V-{n}" for n in range(0, MANY, 3)]).update(body="gelegentlich")

    page = theo.get("/search/", {"q": "gelegentlich", "in": "tickets"}).content.decode()

    found = [f"V-{n} " for n in range(MANY - 3, 0, -3)][:20]
    assert [one for one in found if one in page] == found


def test_internal_words_are_found_by_those_alone_who_may_read_them(
    city: City, theo: Client, alma: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_tickets, "NEWER", 100)
    Article.objects.create(ticket=Ticket.objects.get(number="V-2"), body="Kennwort", internal=True)

    assert "V-2 " in theo.get("/search/", {"q": "kennwort"}).content.decode()
    assert "V-2 " not in alma.get("/search/", {"q": "kennwort"}).content.decode()


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
