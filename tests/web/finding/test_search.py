"""Search over everything: each finds what they may see, in all layers, in a fixed number of queries."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import connection
from django.test import Client

from fleet.devices.models import Interface
from fleet.people.models import User
from fleet.web import fulltext
from helpdesk.finding import indexes
from helpdesk.knowledge import services as knowledge
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City, bearer

Budget = Callable[[int], AbstractContextManager[object]]


def ticket(city: City, subject: str, body: str = "", *, school: str = "a", by: User | None = None) -> Ticket:
    site = city.school_a if school == "a" else city.school_b
    return services.open_ticket(opening=services.Opening(site=site, subject=subject, body=body, requester=by))


def note(city: City, of: Ticket, body: str, *, internal: bool) -> None:
    said = services.Contribution(author=city.technician, body=body, internal=internal)
    services.add_article(ticket=of, contribution=said)


def found(client: Client, words: str, only: str = "") -> str:
    return client.get("/search/", {"q": words, "in": only}).content.decode()


def test_a_ticket_is_found_by_what_was_said_in_it(city: City, alma: Client) -> None:
    made = ticket(city, "Beamer dunkel", "Die Lampen in der Aula bleiben aus")
    note(city, made, "Bitte einmal neu starten", internal=False)

    for words in ("beamer", "BEAMER aula", "lampe", '"in der aula"', "starten dunkel", made.number, made.number.lower()):
        assert made.number in found(alma, words), words
    assert made.number not in found(alma, "Beamer Turnhalle")


@pytest.mark.parametrize(
    "words",
    [
        "Bild über HDMI", "kann Beamer", "Beamer wieder dunkel", "mein Beamer", "Beamer ohne Bild", "Beamer or Bild",
        "-Beamer", "Bild --", "über: HDMI", '"Bild über HDMI" "wieder ohne"', "<alma@schule.example>", "AP-204-A", "AP-204",
        '"AP-204-A im Raum"', "4711 Tön", "Raum -> Ton & Bild",
    ],
)  # fmt: skip
def test_every_word_of_a_ticket_finds_it(words: str, city: City, alma: Client) -> None:
    subject = "Mein Beamer kann wieder kein Bild über HDMI, dunkel ohne Ton or so"
    body = "AP-204-A im Raum 4711, Töne fehlen; alma@schule.example"
    made = ticket(city, subject, body)
    told = knowledge.Words(title_de="Zuspieler", body_de=f"{subject}. {body}")
    article = knowledge.write(authority_id=city.authority.pk, words=told, visibility="public", author=city.technician)
    knowledge.publish(article=article)

    assert made.number in found(alma, words)
    assert "Zuspieler" in found(alma, words, "knowledge")


def test_a_minus_leaves_nothing_out(city: City, alma: Client) -> None:
    wanted, other = ticket(city, "Beamer dunkel", "Lampe"), ticket(city, "Drucker leer", "Papier")

    page = found(alma, "-lampe")

    assert wanted.number in page
    assert other.number not in page


def test_somebody_may_be_called_like_a_word_that_says_nothing(city: City, ada: Client) -> None:
    User.objects.filter(pk=city.coordinator_a.pk).update(name="Will Weg")

    for words in ("will", "weg will"):
        assert "Will Weg" in found(ada, words), words


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite knows no stems")
def test_all_that_the_dictionary_leaves_out_is_known_here(city: City) -> None:
    """231 words in the `german.stop` of PostgreSQL 15."""
    left_out = "SELECT count(*) FROM unnest(%s::text[]) AS word WHERE ts_lexize('german_stem', word) = '{}'"
    with connection.cursor() as cursor:
        cursor.execute(left_out, [sorted(fulltext.LESS_SAID)])
        assert cursor.fetchone() == (231,)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite knows no stems")
def test_german_stems(city: City, alma: Client) -> None:
    made = ticket(city, "Störungen bei den Druckern")

    assert made.number in found(alma, "Störung Drucker")


def test_an_internal_note_is_found_by_staff_alone(city: City, alma: Client, theo: Client, franka: Client) -> None:
    made = ticket(city, "Beamer dunkel", by=city.coordinator_a)
    note(city, made, "Zahlungsverzug beim Hersteller", internal=True)

    assert made.number in found(theo, "Zahlungsverzug")
    assert made.number in found(franka, "Zahlungsverzug")
    assert made.number not in found(alma, "Zahlungsverzug")
    answer = Client().get("/api/v1/search?q=Zahlungsverzug", headers=bearer(city.coordinator_a))
    assert answer.json() == []


def test_nothing_of_another_school_in_any_layer(city: City, alma: Client) -> None:
    ticket(city, "Geheimnis der Schule B", school="b")

    for words in ("Geheimnis", "SW-1-B", "127.20.2.1", "Bruno", "B0001"):
        page, api = found(alma, words), Client().get("/api/v1/search", {"q": words}, headers=bearer(city.coordinator_a))
        assert "Geheimnis der Schule B" not in page
        assert "Nichts gefunden" in page, words
        assert api.json() == [], words


def test_devices_people_sites_and_knowledge(city: City, theo: Client, ada: Client) -> None:
    Interface.objects.create(device=city.printer_a, name="eth0", mac="00:1a:2b:3c:4d:5e")
    words = knowledge.Words(title_de="Toner wechseln", body_de="Klappe auf")
    article = knowledge.write(authority_id=city.authority.pk, words=words, visibility="public", author=city.technician)
    knowledge.publish(article=article)

    for asked in ("DR-204-A", "a0003", "127.20.1.3", "00-1A-2B-3C", "001a.2b3c.4d5e", "drucker physik"):
        assert "DR-204-A" in found(theo, asked), asked
    assert "alma@musterstadt.example" in found(ada, "alma")
    assert "Schule A" in found(theo, "schule a", "sites")
    assert "Toner wechseln" in found(theo, "klappe toner")


def test_a_coordinator_finds_no_people_and_no_addresses(city: City, alma: Client) -> None:
    assert "alma@musterstadt.example" not in found(alma, "alma").split("</header>")[1].split("<main")[1]
    assert "DR-204-A" not in found(alma, "127.20.1.3")
    assert "DR-204-A" in found(alma, "DR-204")


def test_what_changes_and_goes_is_no_longer_found(city: City, theo: Client) -> None:
    made = ticket(city, "Beamer dunkel", "Lampe")
    Ticket.objects.filter(pk=made.pk).update(subject="Drucker leer")
    Article.objects.filter(ticket=made).update(body="Papier")

    assert made.number not in found(theo, "Beamer")
    assert made.number not in found(theo, "Lampe")
    assert made.number in found(theo, "Drucker Papier")
    made.articles.all().delete()
    assert made.number not in found(theo, "Papier")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL loses no index")
def test_what_was_lost_is_made_again(city: City, theo: Client) -> None:
    made = ticket(city, "Beamer dunkel")
    with connection.cursor() as cursor:
        for name in indexes.COLUMNS:
            cursor.execute(f"DROP TRIGGER {name}_added")
    later = ticket(city, "Beamer laut")

    indexes.ensure("default")

    page = found(theo, "Beamer")
    assert made.number in page
    assert later.number in page


@pytest.mark.parametrize(
    "words", ['"', "'", "*", '" OR 1', "a AND NOT", "(", "\\", "%", "{{ 7*7 }}", "der die das", "🦊", "x" * 100]
)
def test_no_search_is_an_error_of_ours(words: str, city: City, theo: Client) -> None:
    ticket(city, "Beamer dunkel")

    assert theo.get("/search/", {"q": words}).status_code == 200
    assert Client().get("/api/v1/search", {"q": words}, headers=bearer(city.technician)).status_code == 200


@pytest.mark.parametrize("count", [2, 30])
def test_many_hits_cost_no_more_queries(count: int, city: City, theo: Client, django_assert_num_queries: Budget) -> None:
    for _ in range(count):
        ticket(city, "Beamer in der Aula dunkel")
    found(theo, "Beamer Aula")

    with django_assert_num_queries(9):
        page = found(theo, "Beamer Aula")
    assert page.count("Beamer in der Aula dunkel") == min(count, 8)


def test_one_kind_of_what_is_found_leads_back_to_all(city: City, theo: Client) -> None:
    one = theo.get("/search/", {"q": "SW-1-A", "in": "devices"}).content.decode()
    other = theo.get("/search/", {"q": "SW-1-A", "in": "nonsense"}).content.decode()

    assert '<input type="hidden" name="in" value="devices"' in one
    assert "Alles durchsuchen" in one
    assert "SW-1-A" in one
    assert "SW-1-A" in other
