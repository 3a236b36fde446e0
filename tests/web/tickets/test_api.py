"""/api/v1/tickets: the same rules as on the pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from fleet.people.models import User
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Category, Ticket
from tests.conftest import City, bearer, login

pytestmark = pytest.mark.django_db
API = "/api/v1/tickets"


class Caller:
    def __init__(self, user: User) -> None:
        self.headers = bearer(user)

    def get(self, path: str = "/") -> Any:
        return Client().get(API + path, headers=self.headers)

    def post(self, path: str, body: dict[str, Any], **more: str) -> Any:
        return Client().post(API + path, body, content_type="application/json", headers=self.headers | more)


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a, room=city.room_a)
    return services.open_ticket(opening=opening)


def test_reporting_twice_with_one_key_gives_one_ticket(city: City) -> None:
    alma, body = Caller(city.coordinator_a), {"room_id": city.room_a.pk, "subject": "WLAN weg", "blocks_lesson": True}

    answers = [alma.post("/", body, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["number"] == answers[1].json()["number"]
    assert Ticket.objects.get().priority == Ticket.Priority.URGENT


def test_a_room_of_another_school_is_no_room(city: City) -> None:
    answer = Caller(city.coordinator_a).post("/", {"room_id": city.room_b.pk, "subject": "WLAN weg"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "room_id", "message": "Diesen Raum gibt es nicht."}]


def test_a_device_of_another_school_is_no_device(city: City) -> None:
    body = {"room_id": city.room_a.pk, "subject": "WLAN weg", "device_ids": [city.access_point_b.pk]}

    answer = Caller(city.coordinator_a).post("/", body)

    assert [error["field"] for error in answer.json()["errors"]] == ["device_ids"]
    assert not Ticket.objects.exists()


def test_the_list_is_scoped_filtered_and_cheap(
    ticket: Ticket, city: City, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    services.open_ticket(opening=services.Opening(site=city.school_b, subject="Beamer"))
    theo = Caller(city.technician)

    def subjects(caller: Caller, query: str) -> list[str]:
        return [row["subject"] for row in caller.get(f"/?{query}").json()["results"]]

    assert subjects(theo, "") == ["Beamer", "Drucker"]
    assert subjects(theo, f"site={city.school_a.pk}") == ["Drucker"]
    assert subjects(theo, "q=drucker") == ["Drucker"]
    assert subjects(theo, "finished=true") == []
    assert subjects(theo, "state=new&finished=false") == ["Beamer", "Drucker"]
    assert subjects(Caller(city.coordinator_a), "") == ["Drucker"]
    with django_assert_max_num_queries(7):
        theo.get()


def test_answers_with_one_key_are_written_once(ticket: Ticket, city: City) -> None:
    alma = Caller(city.coordinator_a)

    for _ in range(2):
        alma.post(f"/{ticket.number}/articles", {"body": "Noch etwas"}, **{"Idempotency-Key": "k"})

    assert ticket.articles.filter(body="Noch etwas").count() == 1


def test_an_answer_with_the_key_of_one_that_was_split_off_is_that_one(ticket: Ticket, city: City) -> None:
    alma = Caller(city.coordinator_a)
    answers = [alma.post(f"/{ticket.number}/articles", {"body": "Noch etwas"}, **{"Idempotency-Key": "k"})]
    article = ticket.articles.get(body="Noch etwas")
    services.split(ticket=ticket, part=services.Part([article.pk], "Noch etwas"), by=city.technician)

    answers += [alma.post(f"/{ticket.number}/articles", {"body": "Noch etwas"}, **{"Idempotency-Key": "k"})]

    assert [(answer.status_code, answer.json()["number"]) for answer in answers] == [(201, ticket.number)] * 2
    assert Article.objects.filter(body="Noch etwas").count() == 1


def test_internal_notes_never_reach_the_school(ticket: Ticket, city: City) -> None:
    note = {"body": "Netzteil alt", "internal": True}

    refused = Caller(city.coordinator_a).post(f"/{ticket.number}/articles", note)
    written = Caller(city.technician).post(f"/{ticket.number}/articles", note)

    assert (refused.status_code, written.status_code) == (403, 201)
    assert "Netzteil alt" in str(Caller(city.technician).get(f"/{ticket.number}").json())
    assert "Netzteil alt" not in str(Caller(city.coordinator_a).get(f"/{ticket.number}").json())


def test_transitions_hold_the_workflow_and_the_version(ticket: Ticket, city: City) -> None:
    theo, path = Caller(city.technician), f"/{ticket.number}/transition"

    impossible = theo.post(path, {"to": "closed", "seen_version": 1})
    moved = theo.post(path, {"to": "open", "seen_version": 1})
    stale = theo.post(path, {"to": "resolved", "seen_version": 1})

    assert [answer.status_code for answer in (impossible, moved, stale)] == [409, 200, 409]
    assert moved.json()["state"] == "open"


def test_taking(ticket: Ticket, city: City) -> None:
    path = f"/{ticket.number}/take"

    first = Caller(city.technician).post(path, {})
    again = Caller(city.technician).post(path, {})
    other = Caller(city.administrator).post(path, {})
    school = Caller(city.coordinator_a).post(path, {})

    assert [answer.status_code for answer in (first, again, other, school)] == [200, 200, 409, 403]
    assert first.json()["owner"] == "Theo"


def test_error_texts_of_machines_are_for_those_who_work_on_tickets(city: City) -> None:
    ticket = services.open_ticket(opening=services.Opening(site=city.school_a, subject="WLAN", requester=city.coordinator_a))
    services.notify(ticket=ticket, notice="change-failed", error="Traceback: /srv/fleetdesk/run.py", at="", change_id=1)

    read = {
        person: Client().get(f"/api/v1/tickets/{ticket.number}", headers=bearer(person)).content.decode()
        for person in (city.coordinator_a, city.technician)
    }

    assert "Traceback" not in read[city.coordinator_a]
    assert "Traceback" in read[city.technician]


@pytest.mark.parametrize("body", [{"subject": "WLAN\0weg"}, {"subject": "WLAN weg", "body": "\0"}])
def test_a_text_with_nul_is_refused(city: City, body: dict[str, str]) -> None:
    answer = Caller(city.coordinator_a).post("/", {"room_id": city.room_a.pk} | body)

    assert answer.status_code in {400, 422}
    assert not Ticket.objects.exists()


def test_a_category_is_with_all_below_it_in_the_api_and_on_the_page(city: City, client: Client) -> None:
    categories = [Category.objects.create(authority=city.authority, slug="netz", name_de="Netz")]
    for slug in ("wlan", "gast"):
        categories.append(Category.objects.create(authority=city.authority, slug=slug, name_de=slug, parent=categories[-1]))
    other = Category.objects.create(authority=city.authority, slug="druck", name_de="Druck")
    opened = [
        services.open_ticket(opening=services.Opening(city.school_a, "-", requester=city.coordinator_a, category=one)).number
        for one in (*categories, other)
    ]

    login(client, city.technician)
    for first, category in enumerate(categories):
        found = {one["number"] for one in client.get(f"/api/v1/tickets/?category={category.pk}").json()["results"]}
        page = client.get(f"/tickets/?category={category.pk}").content.decode()
        assert found == set(opened[first:3]) == {number for number in opened if number in page}
