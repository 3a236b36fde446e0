"""Articles: who reads which, how they are written and kept, and what is suggested while somebody types."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.people.models import User
from helpdesk.knowledge import selectors, services
from helpdesk.knowledge.models import Article
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Queue, Ticket
from tests.conftest import City, bearer

PUBLIC, INTERNAL = Article.Visibility.PUBLIC, Article.Visibility.INTERNAL


def article(city: City, title: str, visibility: str = PUBLIC, *, body: str = "", published: bool = True) -> Article:
    words = services.Words(title_de=title, body_de=body)
    made = services.write(authority_id=city.authority.pk, words=words, visibility=visibility, author=city.technician)
    if published:
        services.publish(article=made)
    return made


def titles(client: Client, query: str = "") -> list[str]:
    return re.findall(r'<h2><a href="/knowledge/\d+/">([^<]+)', client.get(f"/knowledge/{query}").content.decode())


def test_who_reads_what(city: City, alma: Client, theo: Client, ada: Client, franka: Client) -> None:
    article(city, "Öffentlich")
    article(city, "Intern", INTERNAL)
    article(city, "Entwurf", published=False)

    assert titles(alma) == ["Öffentlich"]
    assert titles(franka) == ["Intern", "Öffentlich"]
    assert titles(theo) == ["Entwurf", "Intern", "Öffentlich"], "his own draft"
    assert titles(ada) == ["Entwurf", "Intern", "Öffentlich"]


def test_a_stranger_reads_nothing(city: City) -> None:
    article(city, "Öffentlich")

    assert not Article.objects.visible_to(city.stranger)


def test_an_internal_article_is_nowhere_for_a_coordinator(city: City, alma: Client) -> None:
    made = article(city, "Kennwort am Switch zurücksetzen", INTERNAL, body="streng intern")
    headers = bearer(city.coordinator_a)

    answers = [
        alma.get("/knowledge/?q=Switch"),
        alma.get("/knowledge/suggestions/?body=Kennwort+Switch"),
        Client().get("/api/v1/knowledge/?q=Switch", headers=headers),
        Client().get("/api/v1/knowledge/suggestions?text=Kennwort+Switch", headers=headers),
    ]

    assert all("am Switch zurücksetzen" not in answer.content.decode() for answer in answers)
    assert alma.get(f"/knowledge/{made.pk}/").status_code == 404
    assert alma.post(f"/knowledge/{made.pk}/helped/").status_code == 404
    assert Client().get(f"/api/v1/knowledge/{made.pk}", headers=headers).status_code == 404


def test_a_coordinator_writes_nothing(city: City, alma: Client) -> None:
    made = article(city, "Öffentlich")

    assert alma.get("/knowledge/new/").status_code == 404
    assert alma.get(f"/knowledge/{made.pk}/edit/").status_code == 404
    assert alma.post(f"/knowledge/{made.pk}/publish/", {"to": "draft"}).status_code == 404


def test_writing_previewing_changing_and_every_version_kept(city: City, theo: Client) -> None:
    said = {"title_de": "Beamer", "body_de": "**Kabel** prüfen", "tags": "Beamer, HDMI", "visibility": "public"}

    preview = theo.post("/knowledge/new/", said | {"preview": "1"}).content.decode()
    assert "<strong>Kabel</strong>" in preview
    assert not Article.objects.exists()

    theo.post("/knowledge/new/", said)
    made = Article.objects.get()
    theo.post(f"/knowledge/{made.pk}/edit/", said | {"body_de": "Stecker prüfen", "seen_version": "1"})
    stale = theo.post(f"/knowledge/{made.pk}/edit/", said | {"body_de": "Lampe prüfen", "seen_version": "1"})

    made.refresh_from_db()
    assert (made.version, made.body_de, made.tags) == (2, "Stecker prüfen", ["beamer", "hdmi"])
    assert stale.status_code == 409
    assert "Lampe prüfen" in stale.content.decode()
    assert "Stecker prüfen" in stale.content.decode()
    assert "<strong>Kabel</strong>" in theo.get(f"/knowledge/{made.pk}/?version=1").content.decode()


def test_a_double_click_writes_one_draft(theo: Client) -> None:
    said = {"title_de": "Beamer", "body_de": "Kabel prüfen", "visibility": "public", "token": token_of(theo)}

    answers = [theo.post("/knowledge/new/", said) for _ in range(2)]
    other = theo.post("/knowledge/new/", said | {"body_de": "Lampe prüfen"})

    made, later = Article.objects.order_by("pk")
    assert [answer.headers["Location"] for answer in answers] == [f"/knowledge/{made.pk}/"] * 2
    assert other.headers["Location"] == f"/knowledge/{later.pk}/"
    assert token_of(theo) != said["token"]


def token_of(client: Client) -> str:
    found = re.search(r'name="token" value="(\w{32})"', client.get("/knowledge/new/").content.decode())
    assert found
    return found.group(1)


def test_a_refused_form_keeps_what_was_typed(theo: Client) -> None:
    answer = theo.post("/knowledge/new/", {"title_de": "", "body_de": "viel Text", "visibility": "public"})

    assert answer.status_code == 422
    assert "viel Text" in answer.content.decode()


def test_english_readers_get_english_where_there_is_some(city: City) -> None:
    words = services.Words("Drucker", "Papier", "Printer", "Paper")
    made = services.write(authority_id=city.authority.pk, words=words, visibility=PUBLIC, author=city.technician)
    services.publish(article=made)
    User.objects.filter(pk=city.coordinator_a.pk).update(language="en")
    client = Client()
    client.force_login(city.coordinator_a, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.cookies["django_language"] = "en"

    assert "Paper" in client.get(f"/knowledge/{made.pk}/").content.decode()


def test_suggestions_while_typing_and_that_it_helped(city: City, alma: Client) -> None:
    made = article(city, "WLAN im Klassenzimmer", body="Access Point kurz vom Strom nehmen")
    article(city, "Toner wechseln")
    ended: list[tuple[User, str]] = []
    services.when_helped("test", lambda person, draft: ended.append((person, draft)))

    fragment = alma.get("/knowledge/suggestions/?body=Im+Klassenzimmer+ist+kein+WLAN").content.decode()
    alma.post(f"/knowledge/{made.pk}/helped/", {"token": "mein-entwurf"})
    alma.post(f"/knowledge/{made.pk}/helped/", {"token": "mein-entwurf"})
    services._closings.pop("test")

    assert "WLAN im Klassenzimmer" in fragment
    assert "Toner" not in fragment
    assert made.helped.count() == 1
    assert ended[0] == (city.coordinator_a, "mein-entwurf")


def test_a_polite_text_is_suggested_for_as_a_short_one(city: City) -> None:
    made = article(city, "Drucker zieht kein Papier ein", body="Papier glatt einlegen")
    said = "zieht der Drucker kein Papier ein"
    polite = f"Guten Morgen liebe Kolleginnen und Kollegen, heute wollte meine Klasse arbeiten, leider {said}."
    end = " Vielen Dank im Voraus und viele Grüße aus dem Lehrerzimmer im Altbau, Frau Muster"

    for text in (said, polite, polite + end):
        assert selectors.suggested(city.coordinator_a, text) == [made], text


def test_the_report_form_asks_for_suggestions(alma: Client) -> None:
    assert 'hx-get="/knowledge/suggestions/"' in alma.get("/report/").content.decode()


def resolved(city: City) -> Ticket:
    opening = tickets.Opening(
        site=city.school_a, subject="Beamer bleibt dunkel", body="Kein Bild.", requester=city.coordinator_a
    )
    ticket = tickets.open_ticket(opening=opening)
    secret = tickets.Contribution(author=city.technician, body="Schlüssel liegt im Tresor", internal=True)
    tickets.add_article(ticket=ticket, contribution=secret)
    answer = tickets.Contribution(author=city.technician, body="HDMI-Kabel getauscht")
    tickets.add_article(ticket=ticket, contribution=answer)
    ticket.refresh_from_db()
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED, actor=city.technician)
    return ticket


def test_a_resolved_ticket_becomes_a_draft_without_its_internal_notes(city: City, theo: Client, alma: Client) -> None:
    ticket = resolved(city)
    address = f"/knowledge/from/{ticket.number}/"

    panel = theo.get(f"/panels/ticket/knowledge/{ticket.pk}/").content.decode()
    refused = alma.post(address)
    theo.post(address)
    theo.post(address)

    made = Article.objects.get()
    assert address in panel
    assert refused.status_code == 404
    assert "Kein Bild." in made.body_de
    assert "HDMI-Kabel getauscht" in made.body_de
    assert "Tresor" not in made.body_de
    assert made.published_at is None


def test_two_who_make_an_article_at_once_get_the_same_one(city: City, theo: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket, drafted, quicker = resolved(city), services.drafted, []

    def meanwhile(*told: Any) -> str:
        words = services.Words(title_de="Schneller")
        quicker.append(
            services.write(
                authority_id=city.authority.pk, words=words, visibility=INTERNAL, author=city.administrator, ticket=ticket
            )
        )
        return drafted(*told)

    monkeypatch.setattr(services, "drafted", meanwhile)

    assert [services.draft_from(ticket=ticket, author=city.technician)] == quicker


@pytest.mark.parametrize("before", [True, False])
def test_a_draft_of_a_restricted_ticket_is_for_those_who_see_the_ticket(
    city: City, ada: Client, theo: Client, *, before: bool
) -> None:
    ticket = resolved(city)
    secret = Queue.objects.create(authority=city.authority, slug="geheim", name_de="Geheim", restricted=True)
    if before:
        Ticket.objects.filter(pk=ticket.pk).update(queue=secret)
    made = services.draft_from(ticket=ticket, author=city.technician)
    if not before:
        assert titles(ada) == titles(theo) == ["Beamer bleibt dunkel"]
        Ticket.objects.filter(pk=ticket.pk).update(queue=secret)

    assert titles(ada) == titles(theo) == []
    for user, client in ((city.administrator, ada), (city.technician, theo)):
        assert client.get("/api/v1/knowledge/", headers=bearer(user)).json()["results"] == []
        assert client.get(f"/knowledge/{made.pk}/").status_code == 404
        assert client.post(f"/knowledge/{made.pk}/publish/").status_code == 404
        assert client.get(f"/api/v1/knowledge/{made.pk}", headers=bearer(user)).status_code == 404


@pytest.mark.parametrize(
    ("count", "path"), [(3, "/knowledge/"), (12, "/knowledge/"), (9, "/knowledge/suggestions/?body=WLAN")]
)
def test_many_articles_cost_no_more_queries(
    count: int, path: str, city: City, alma: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        article(city, f"WLAN {number}")
    alma.get(path)

    with django_assert_max_num_queries(8):
        alma.get(path)
