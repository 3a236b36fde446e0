"""Role × every operation on tickets: who does not see a ticket gets 404, who sees it and may not do that gets 403."""

import json
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.tickets import services
from helpdesk.tickets.models import Queue, Ticket
from tests.conftest import City, bearer
from tests.web.addresses import Address, operations
from tests.web.things import Things, make_things

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
WORKERS = {"technician", "administrator", "security"}
COORDINATORS = {"coordinator_a", "coordinator_b"}
FOR_READERS = {"get_ticket", "list_articles", "list_attachments", "download_attachment"}
FOR_REPORTERS = {"add_article", "follow_up"}
FOR_THE_AUTHOR = {"upload_attachments", "rate"}
OF_TICKETS = [one for one in operations() if one.route.startswith("/api/v1/tickets/") and "number" in one.parameters]
LISTS = ["/", "/queues/", "/bulk/", "/macros/", "/tags/"]


def may(who: str, operation: str) -> bool:
    """What somebody may do with a ticket that they see, and that their school's coordinator has written."""
    if operation in FOR_READERS:
        return True
    if operation in FOR_THE_AUTHOR:
        return who in COORDINATORS
    return who in WORKERS or (operation in FOR_REPORTERS and who in COORDINATORS)


def known(name: str) -> str:
    """django-ninja names an operation after its module and function: helpdesk_tickets_api_tickets_get_ticket."""
    return name.removeprefix("helpdesk_tickets_api_").partition("_")[2]


def call(address: Address, things: Things, user: User) -> HttpResponseBase:
    body = json.dumps({} if address.body is None else address.body)
    headers = bearer(user)
    answer: HttpResponseBase = Client().generic(
        address.method, address.url(things), body, content_type="application/json", headers=headers
    )
    if answer.streaming:
        b"".join(answer)  # type: ignore[call-overload]  # read to its end, so that the file is closed
    return answer


@pytest.fixture
def things(city: City) -> dict[str, Things]:
    return {
        "a": make_things(device=city.access_point_a, owner=city.coordinator_a),
        "b": make_things(device=city.access_point_b, owner=city.coordinator_b),
    }


def test_security_people_of_one_school_find_the_restricted_queue(city: City) -> None:
    people.grant(user=city.stranger, role=Role.SECURITY, scope_id=city.school_a.pk)
    queue = Queue.objects.create(authority=city.authority, slug="sicherheit", name_de="Sicherheit", restricted=True)
    services.open_ticket(opening=services.Opening(site=city.school_a, subject="Phishing", queue=queue))

    def read(path: str) -> Any:
        return Client().get(f"/api/v1/{path}", headers=bearer(city.stranger)).json()

    assert read("counts")["by"]["queue"] == {str(queue.pk): 1}
    assert [(row["id"], row["open"]) for row in read("tickets/queues/")["results"]] == [(queue.pk, 1)]


@pytest.mark.parametrize("who", SEES)
def test_every_operation_knows_who_asks(who: str, city: City, things: dict[str, Things]) -> None:
    user: User = getattr(city, who)
    wrong = []
    for letter, school in things.items():
        for address in OF_TICKETS:
            status = call(address, school, user).status_code
            if letter not in SEES[who]:
                right = status == 404
            elif may(who, known(address.name)):
                right = status not in {401, 403, 404, 405, 500}
            else:
                right = status == 403
            if not right:
                wrong.append((letter, str(address), status))

    assert len(OF_TICKETS) > 25
    assert not wrong


@pytest.mark.parametrize("who", SEES)
def test_no_list_has_what_is_not_theirs(who: str, city: City, things: dict[str, Things]) -> None:
    user: User = getattr(city, who)
    for letter, school in things.items():
        found = Client().get("/api/v1/tickets/", headers=bearer(user)).json()["results"]

        assert (school.ticket.number in [row["number"] for row in found]) == (letter in SEES[who])


@pytest.mark.parametrize("path", LISTS)
def test_lists_come_in_pages_and_a_stranger_finds_nothing(path: str, city: City, things: dict[str, Things]) -> None:
    answer = Client().get(f"/api/v1/tickets{path}?page_size=1", headers=bearer(city.stranger))

    assert (answer.status_code, answer.json()) == (200, {"previous": None, "next": None, "results": []})


@pytest.mark.parametrize("who", SEES)
def test_a_restricted_ticket_is_there_for_security_alone(who: str, city: City) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="sicherheit", name_de="Sicherheit", restricted=True)
    opening = services.Opening(site=city.school_a, subject="Phishing", queue=queue, requester=city.coordinator_a)
    ticket, headers = services.open_ticket(opening=opening), bearer(getattr(city, who))
    usual = services.open_ticket(opening=services.Opening(site=city.school_a, subject="Drucker"))
    services.link(ticket=usual, other=ticket, by=city.security)

    def get(path: str) -> Any:
        return Client().get(f"/api/v1/tickets{path}", headers=headers)

    seen = who == "security"
    assert (get(f"/{ticket.number}").status_code == 200) == seen
    assert (ticket.number in get("/").content.decode()) == seen
    assert ("Sicherheit" in get("/queues/").content.decode()) == seen
    assert (ticket.number in get(f"/{usual.number}/links").content.decode()) == seen
    assert Ticket.objects.visible_to(getattr(city, who)).filter(pk=ticket.pk).exists() == seen
