"""The stems that PostgreSQL keeps of each text: no text is too long for them, and older installations get them, too."""

from itertools import islice

import pytest
from django.db import connection

from helpdesk.finding import indexes
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite knows no stems"),
]
LONGEST_OF_MAIL = 200_000
BIG = "".join(map(chr, [*range(0x20000, 0x2A6D0), *range(0x2A700, 0x2EBE0)]))
"""Letters of four bytes."""


def opened(city: City, body: str) -> Ticket:
    return services.open_ticket(opening=services.Opening(site=city.school_a, subject="Beamer", body=body))


def tickets_with(word: str) -> int:
    with connection.cursor() as cursor:
        asked = f"SELECT count(*) FROM tickets_article WHERE {indexes.STEMS} @@ to_tsquery('german', %s)"  # noqa: S608
        cursor.execute(asked, [word])
        return int(cursor.fetchone()[0])


def compounds(letters: int) -> str:
    """Each word once, and joined by a hyphen: of each its parts are stems, and the whole is."""
    source = iter(BIG * 8)
    words = ("".join(islice(source, letters)) + "-" + "".join(islice(source, letters)) for _ in range(LONGEST_OF_MAIL))
    return " ".join(islice(words, LONGEST_OF_MAIL // (2 * letters + 2)))


@pytest.mark.parametrize("letters", [1, 2, 3, 5, 20, 100])
def test_no_text_has_more_stems_than_a_row_takes(letters: int, city: City) -> None:
    ticket = opened(city, "Drucker " + compounds(letters))

    assert ticket.articles.get().body.startswith("Drucker")
    assert tickets_with("Drucker") == 1


def test_words_of_a_changed_text_are_found(city: City) -> None:
    opened(city, "Drucker")

    Article.objects.update(body="Lampen")

    assert (tickets_with("Drucker"), tickets_with("Lampe")) == (0, 1)


def test_a_generated_column_keeps_its_stems_and_is_filled_by_the_trigger_from_then_on(city: City) -> None:
    opened(city, "Drucker")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table is not changed while rows of it are yet to be judged
        cursor.execute("DROP TRIGGER finding_bodies_stem ON tickets_article")
        cursor.execute(f"ALTER TABLE tickets_article DROP COLUMN {indexes.STEMS}")
        generated = "tsvector GENERATED ALWAYS AS (to_tsvector('german'::regconfig, body)) STORED"
        cursor.execute(f"ALTER TABLE tickets_article ADD COLUMN {indexes.STEMS} {generated}")
        cursor.execute("SELECT pg_relation_filenode('tickets_article')")
        before = cursor.fetchone()

    indexes.ensure("default")

    opened(city, "Lampen " + compounds(2))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode('tickets_article')")
        assert cursor.fetchone() == before, "the table was written anew, and locked meanwhile"
    assert (tickets_with("Drucker"), tickets_with("Lampe")) == (1, 1)


def test_what_has_no_stems_gets_them(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "AT_ONCE", 2)
    for _number in range(5):
        opened(city, "Drucker")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"UPDATE tickets_article SET {indexes.STEMS} = NULL")  # noqa: S608

    indexes.ensure("default")

    assert tickets_with("Drucker") == 5
