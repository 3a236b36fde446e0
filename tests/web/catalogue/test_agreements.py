"""Orders that somebody has to agree to: found by whoever decides, decided once, and only while they are open."""

from typing import Any

import pytest
from django.test import Client

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.catalogue import views
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.services import agreeing
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer, login
from tests.web.catalogue.test_plain_orders import loan

pytestmark = pytest.mark.django_db


def decide(client: Client, ticket: Ticket, decision: str, comment: str = "") -> Any:
    return client.post(f"/order/agreement/{ticket.number}/", {"decision": decision, "comment": comment}, follow=True)


def test_somebody_else_agrees_once(alma: Client, franka: Client, ada: Client, theo: Client, city: City) -> None:
    loan(alma, city)
    ticket, panel = Ticket.objects.get(), f"/panels/ticket/change/{Ticket.objects.get().pk}/"
    assert "Wartet auf Zustimmung" in alma.get(panel).content.decode()
    assert "Nicht zustimmen" not in alma.get(panel).content.decode()
    assert "warten auf Ihre Zustimmung" in franka.get("/").content.decode()
    for nobody in (alma, theo):
        decide(nobody, ticket, "agree")
        assert ServiceRequest.objects.get().agreement == "wanted"

    decide(franka, ticket, "agree", "Gern")
    decide(ada, ticket, "refuse")

    assert (ServiceRequest.objects.get().agreement, ServiceRequest.objects.get().decided_by) == ("given", city.approver)
    ticket.refresh_from_db()
    assert ticket.state == "new"
    assert "Gern" in alma.get(f"/tickets/{ticket.number}/").content.decode()


def test_nobody_agrees_to_their_own(ada: Client, city: City) -> None:
    loan(ada, city)

    decide(ada, Ticket.objects.get(), "agree")

    assert ServiceRequest.objects.get().agreement == "wanted"


def test_a_no_finishes_it(alma: Client, franka: Client, city: City) -> None:
    loan(alma, city)

    decide(franka, Ticket.objects.get(), "refuse")

    assert Ticket.objects.get().state == "resolved"
    assert "Das wurde abgelehnt." in alma.get(f"/tickets/{Ticket.objects.get().number}/").content.decode()


def test_an_approver_of_one_school_sees_its_orders_alone(alma: Client, bruno: Client, city: City) -> None:
    people.grant(user=city.technician, role=Role.APPROVER, scope_id=city.school_b.pk)
    loan(alma, city)
    loan(bruno, city, at_b=True)

    waiting = agreeing.awaiting(city.technician)

    assert [one.ticket.site for one in waiting] == [city.school_b]


def test_what_is_finished_is_not_decided_on_any_more(alma: Client, franka: Client, city: City) -> None:
    loan(alma, city)
    read = ServiceRequest.objects.select_related("ticket").get()
    Ticket.objects.update(state=Ticket.State.CLOSED)

    decide(franka, Ticket.objects.get(), "agree")
    with pytest.raises(agreeing.DecidedError):
        agreeing.decide(request=read, by=city.approver, agreed=True)

    assert ServiceRequest.objects.get().agreement == "wanted"
    assert not Ticket.objects.get().articles.filter(notice="order-agreed").exists()
    assert "Nicht zustimmen" not in franka.get(f"/panels/ticket/change/{read.ticket_id}/").content.decode()


def merged(city: City, times: int = 1) -> tuple[ServiceRequest, Ticket]:
    """An order that waits, and the ticket in which its own goes on."""
    request = ServiceRequest.objects.select_related("ticket").get()
    for _ in range(times):
        opening = tickets.Opening(city.school_a, "Dasselbe", requester=city.coordinator_a, kind=Ticket.Kind.REQUEST)
        into = tickets.open_ticket(opening=opening)
        tickets.merge(source=tickets.current(request.ticket), into=into, by=city.technician)
    return request, into


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("decision", "state"), [("agree", "new"), ("refuse", "resolved")])
def test_what_was_merged_is_decided_on_where_it_goes_on(
    alma: Client, franka: Client, city: City, decision: str, state: str, times: int
) -> None:
    loan(alma, city)
    request, into = merged(city, times)
    number = request.ticket.number
    page = franka.get("/order/agreements/").content.decode()
    assert f'href="/tickets/{number}/?stay"' in page, "on the page where it goes on there is nothing to agree to"
    assert "Nicht zustimmen" in franka.get(f"/panels/ticket/change/{request.ticket_id}/").content.decode()
    assert listed(city.approver) == [number]

    decide(franka, request.ticket, decision, "Gelesen")

    request.refresh_from_db()
    into.refresh_from_db()
    assert (request.agreement, into.state) == ("given" if decision == "agree" else "refused", state)
    assert into.articles.filter(notice__startswith="order-", body="Gelesen").count() == 1
    assert listed(city.approver) == []


def test_what_is_finished_where_it_goes_on_is_not_decided_on(alma: Client, franka: Client, city: City) -> None:
    loan(alma, city)
    request, into = merged(city)
    Ticket.objects.filter(pk=into.pk).update(state=Ticket.State.RESOLVED)

    decide(franka, request.ticket, "agree")

    assert ServiceRequest.objects.get().agreement == "wanted"
    assert call(city.approver, f"{request.ticket.number}/agree").status_code == 409
    assert listed(city.approver) == []


# --- where they are found -------------------------------------------------------------------------------


def test_all_that_wait_are_found(alma: Client, franka: Client, city: City) -> None:
    for _ in range(views.FEW + 1):
        loan(alma, city)
    assert '<a href="/order/agreements/">' in franka.get("/").content.decode()
    assert f"/panels/approvals/orders/{city.approver.pk}/" in franka.get("/approvals/").content.decode()

    panel = franka.get(f"/panels/approvals/orders/{city.approver.pk}/").content.decode()
    page = franka.get("/order/agreements/").content.decode()

    numbers = Ticket.objects.order_by("pk").values_list("number", flat=True)
    assert [number for number in numbers if number not in page] == []
    assert [number for number in numbers if number not in panel] == [numbers[views.FEW]]
    assert 'href="/order/agreements/"' in panel


def test_a_technician_who_also_approves_finds_them(alma: Client, theo: Client, franka: Client, city: City) -> None:
    loan(alma, city)
    number, panel = Ticket.objects.get().number, "/panels/approvals/orders/{0.pk}/".format
    assert number not in theo.get("/order/agreements/").content.decode()
    assert number not in theo.get(panel(city.technician)).content.decode()
    people.grant(user=city.technician, role=Role.APPROVER, scope_id=city.authority.pk)
    client = login(Client(), User.objects.get(pk=city.technician.pk))

    assert number in client.get(panel(city.technician)).content.decode()
    assert number in client.get("/order/agreements/").content.decode()
    assert client.get(panel(city.approver)).status_code == 404, "another person's"


# --- over the API ---------------------------------------------------------------------------------------

AGREEMENTS = "/api/v1/catalogue/agreements"


def call(user: User, path: str, etag: str = "") -> Any:
    headers = bearer(user) | ({"If-Match": etag} if etag else {})
    return Client().post(f"{AGREEMENTS}/{path}", {"comment": "Gern"}, content_type="application/json", headers=headers)


def listed(user: User) -> list[str]:
    return [one["number"] for one in Client().get(AGREEMENTS, headers=bearer(user)).json()["results"]]


def test_the_api_lists_and_decides_what_waits(alma: Client, city: City) -> None:
    for _ in range(2):
        loan(alma, city)
    first, second = Ticket.objects.order_by("pk").values_list("number", flat=True)
    assert listed(city.approver) == [first, second]
    assert listed(city.technician) == listed(city.coordinator_a) == []
    assert [call(nobody, f"{first}/agree").status_code for nobody in (city.technician, city.coordinator_a)] == [403, 403]
    assert call(city.coordinator_b, f"{first}/agree").status_code == 404

    agreed, refused = call(city.approver, f"{first}/agree"), call(city.administrator, f"{second}/refuse")

    assert (agreed.status_code, agreed.json()["agreement"]) == (200, "given")
    assert (refused.status_code, refused.json()["agreement"]) == (200, "refused")
    assert Ticket.objects.get(number=first).articles.get(notice="order-agreed").body == "Gern"
    assert Ticket.objects.get(number=second).state == "resolved"
    assert call(city.administrator, f"{first}/refuse").status_code == 409
    assert listed(city.approver) == []


def test_what_was_changed_since_it_was_read_is_412(alma: Client, city: City) -> None:
    loan(alma, city)
    ticket = Ticket.objects.get()

    def read() -> str:
        (one,) = Client().get(AGREEMENTS, headers=bearer(city.approver)).json()["results"]
        return f'"{one["version"]}"'

    before = read()
    tickets.take(ticket=ticket, by=city.technician)

    assert call(city.approver, f"{ticket.number}/agree", before).status_code == 412
    assert call(city.approver, f"{ticket.number}/agree", read()).status_code == 200


def test_the_api_decides_on_nothing_that_is_finished(alma: Client, city: City) -> None:
    loan(alma, city)
    Ticket.objects.update(state=Ticket.State.CLOSED)

    assert call(city.approver, f"{Ticket.objects.get().number}/agree").status_code == 409
    assert listed(city.approver) == []
