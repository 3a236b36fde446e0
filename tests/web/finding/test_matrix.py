"""Role × layer over two schools: list, detail, search, suggestion, count, export and API agree about who sees what."""

import pytest
from django.test import Client

from fleet.people.models import User
from helpdesk.knowledge import services as knowledge
from helpdesk.tickets import services
from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer, login

SEES = {
    "coordinator_a": "a",
    "coordinator_b": "b",
    "technician": "ab",
    "administrator": "ab",
    "approver": "ab",
    "auditor": "ab",
    "security": "ab",
    "stranger": "",
}
STAFF = {"technician", "administrator", "approver", "auditor", "security"}


def in_layers(client: Client, user: User, ticket: Ticket) -> dict[str, bool]:
    """{layer: whether it knows of the ticket}"""
    headers, word = bearer(user), ticket.subject
    pages = {"list": "/tickets/", "search": f"/search/?q={word}&in=tickets", "export": "/reports/tickets.csv"}
    answers = {name: client.get(url) for name, url in pages.items()}
    api = {"list by API": "/api/v1/tickets/", "search by API": f"/api/v1/search?q={word}"}
    answers |= {name: Client().get(url, headers=headers) for name, url in api.items()}
    found = {name: ticket.number in answer.getvalue().decode() for name, answer in answers.items()}
    counts = Client().get("/api/v1/counts", headers=headers).json()["by"]["site"]
    return found | {
        "detail": client.get(f"/tickets/{ticket.number}/").status_code == 200,
        "detail by API": Client().get(f"/api/v1/tickets/{ticket.number}", headers=headers).status_code == 200,
        "count": str(ticket.site_id) in counts,
    }


@pytest.mark.parametrize("who", SEES)
def test_all_layers_agree(who: str, city: City) -> None:
    user: User = getattr(city, who)
    client = login(Client(), user)
    for letter, site in (("a", city.school_a), ("b", city.school_b)):
        ticket = services.open_ticket(opening=services.Opening(site=site, subject=f"Zeichen{letter}x"))

        layers = in_layers(client, user, ticket)

        seen = letter in SEES[who]
        assert layers.pop("export") == (seen and who in STAFF), letter
        assert set(layers.values()) == {seen}, (letter, layers)


@pytest.mark.parametrize("who", SEES)
def test_suggestions_agree_with_what_may_be_read(who: str, city: City) -> None:
    user: User = getattr(city, who)
    for visibility in ("public", "internal"):
        words = knowledge.Words(title_de=f"Anleitung {visibility}", body_de="Tafelkalibrierung")
        article = knowledge.write(
            authority_id=city.authority.pk, words=words, visibility=visibility, author=city.administrator
        )
        knowledge.publish(article=article)

    typed = login(Client(), user).get("/knowledge/suggestions/?body=Anleitung+Tafelkalibrierung").content.decode()
    listed = login(Client(), user).get("/knowledge/").content.decode()

    may = {"public": bool(SEES[who]), "internal": who in STAFF}
    for visibility, seen in may.items():
        assert (f"Anleitung {visibility}" in typed) == seen
        assert (f"Anleitung {visibility}" in listed) == seen
