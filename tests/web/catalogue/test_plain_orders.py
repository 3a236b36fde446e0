"""Orders that people fulfil: typed and conditional questions, and what only the security role reads."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from helpdesk.catalogue.models import ServiceRequest
from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer, login

pytestmark = pytest.mark.django_db


def order(client: Client, slug: str, city: City, *, at_b: bool = False, **answers: str) -> Any:
    page = client.get(f"/order/{slug}/").content.decode()
    token = re.search(r'name="token" value="(\w+)"', page)
    assert token
    site, room = (city.school_b, city.room_b) if at_b else (city.school_a, city.room_a)
    place = {"site": str(site.pk), "room": str(room.pk)}
    return client.post(
        f"/order/{slug}/", {"token": token.group(1), **place, **{f"field-{k}": v for k, v in answers.items()}}
    )


def loan(client: Client, city: City, *, at_b: bool = False, **answers: str) -> Any:
    today = timezone.localdate()
    days = {"from_day": today.isoformat(), "until_day": (today + timedelta(days=30)).isoformat()}
    return order(client, "loan-device", city, at_b=at_b, **{"kind": "tablet", "count": "2", **days, **answers})


def test_an_order_says_what_was_answered_in_the_readers_words(alma: Client, city: City) -> None:
    answer = loan(alma, city)

    ticket = Ticket.objects.get()
    assert answer.headers["Location"] == f"/tickets/{ticket.number}/"
    assert (ticket.subject, ticket.room, ticket.site) == ("Leihgerät · Schule A", None, city.school_a)
    page = alma.get(f"/tickets/{ticket.number}/").content.decode()
    assert "Was wird gebraucht?" in page
    assert "Tablet" in page
    assert "tablet" not in re.findall(r"<dd[^>]*>([^<]*)</dd>", page)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": ""}, "field-kind"),
        ({"kind": "nonsense"}, "field-kind"),
        ({"count": "0"}, "field-count"),
        ({"count": "zwei"}, "field-count"),
        ({"until_day": "2020-01-01"}, "field-until_day"),
        ({"until_day": "gestern"}, "field-until_day"),
        ({"from_day": (timezone.localdate() + timedelta(days=31)).isoformat()}, "field-until_day"),
        ({"kind": "other"}, "field-other_kind"),
        ({"kind": "other", "other_kind": "x" * 201}, "field-other_kind"),
    ],
)
def test_a_wrong_answer_is_said_at_its_question_and_nothing_is_lost(
    alma: Client, city: City, wrong: dict[str, str], field: str
) -> None:
    answer = loan(alma, city, **{"count": "7", **wrong})

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    if "count" not in wrong:
        assert 'value="7"' in answer.content.decode()
    assert not Ticket.objects.exists()


def test_what_was_not_asked_is_not_kept(alma: Client, city: City) -> None:
    loan(alma, city, other_kind="nicht gefragt")

    assert "other_kind" not in ServiceRequest.objects.get().values


def test_only_own_schools_can_be_ordered_for(alma: Client, city: City) -> None:
    answer = alma.post("/order/account-problem/", {"token": "t", "site": city.school_b.pk, "field-trouble": "new"})

    assert "site" in answer.context["form"].errors
    assert "Schule B" not in alma.get("/order/account-problem/").content.decode()


def test_the_api_takes_the_same_answers(city: City) -> None:
    headers = bearer(city.coordinator_a)
    asks = {one["name"]: one for one in Client().get("/api/v1/catalogue/account-problem", headers=headers).json()["asks"]}
    assert asks["first_day"]["when"] == {"trouble": ["new"]}
    body = {"site_id": city.school_a.pk, "arguments": {"trouble": "new"}}

    def send(body: dict[str, Any]) -> Any:
        path = "/api/v1/catalogue/account-problem/orders"
        return Client().post(path, body, content_type="application/json", headers=headers)

    assert "first_day" in str(send(body).json()["errors"])
    complete = {**body, "arguments": {"trouble": "new", "first_day": timezone.localdate().isoformat()}}
    assert send(complete).status_code == 201


# --- restricted -----------------------------------------------------------------------------------------


def test_a_security_incident_is_read_by_the_security_role_alone(alma: Client, theo: Client, city: City) -> None:
    order(alma, "security-incident", city, kind="clicked", what="Geheimes Wort", password_changed="no")

    ticket = Ticket.objects.get()
    panel, page = f"/panels/ticket/change/{ticket.pk}/", f"/tickets/{ticket.number}/"
    assert ticket.priority == Ticket.Priority.HIGH
    assert "Geheimes Wort" in login(Client(), city.security).get(panel).content.decode()
    for reader in (alma, theo, login(Client(), city.administrator), login(Client(), city.approver)):
        assert "Geheimes Wort" not in reader.get(panel).content.decode()
        assert reader.get(page).status_code == 404
        assert page not in reader.get("/tickets/").content.decode()
    assert "Geheimes Wort" not in str(list(ticket.articles.values()))
