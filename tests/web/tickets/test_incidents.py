"""Larger incidents and faults as pages and the API show them."""

import pytest
from django.test import Client

from fleet.events.services import deliver
from helpdesk.tickets import services
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.services import queues
from tests.conftest import City, bearer, login
from tests.unit.tickets.faults import fault, incident

pytestmark = pytest.mark.django_db


@pytest.fixture
def theo(city: City) -> Client:
    return login(Client(), city.technician)


def test_why_two_faults_do_not_become_one_and_what_to_do_instead(city: City, theo: Client) -> None:
    faults = [fault(city.switch_a), fault(city.printer_a)]
    deliver()
    into, source = map(incident, faults)

    page = theo.post(f"/tickets/{source.number}/relate/", {"act": "merge", "number": into.number}, follow=True)
    answer = Client().post(
        f"/api/v1/tickets/{source.number}/merge",
        {"number": into.number},
        content_type="application/json",
        headers=bearer(city.technician),
    )

    assert answer.status_code == 409
    said = answer.json()["detail"]
    assert "Verknüpfen Sie die beiden, oder ordnen Sie eines dem anderen als größerer Störung zu." in said
    assert said in page.content.decode()


NAMED = ("child-attached", "alert-suppressed", "split-off", "mail-follows", "mail-continues")


@pytest.fixture
def kept_back(city: City) -> tuple[Ticket, Ticket]:
    """A ticket of school A, and the incident above it that has become restricted since."""
    case, above = (
        services.open_ticket(opening=services.Opening(city.school_a, subject, body="Wort.", requester=city.coordinator_a))
        for subject in ("Kein WLAN", "Datenleck")
    )
    services.set_parent(ticket=case, parent=above, by=city.technician)
    for notice in NAMED[1:]:
        services.notify(ticket=case, notice=notice, cause="SW-1-A", number=above.number, subject=above.subject)
    services.link(ticket=case, other=above, by=city.technician)
    Ticket.objects.filter(pk=above.pk).update(queue=queues.of_security(authority=city.authority))
    return case, above


@pytest.mark.parametrize("who", ["coordinator_a", "technician"])
def test_nobody_else_reads_the_number_of_what_only_security_people_see(
    who: str, city: City, kept_back: tuple[Ticket, Ticket]
) -> None:
    case, above = kept_back
    user = getattr(city, who)
    page = login(Client(), user).get(f"/tickets/{case.number}/").content.decode()
    answers = {path: Client().get(f"/api/v1/tickets/{path}", headers=bearer(user)).content.decode() for path in paths(case)}

    for text in (page, *answers.values()):
        assert above.number not in text
        assert above.subject not in text
    assert "Das gehört zu einer größeren Störung." in page
    assert "Darauf wurde per Mail geantwortet. Es geht in einem anderen Ticket weiter." in page
    found = Client().get(f"/api/v1/tickets/?parent={above.number}", headers=bearer(user)).json()
    assert found["results"] == []


def test_security_people_read_it(city: City, kept_back: tuple[Ticket, Ticket]) -> None:
    case, above = kept_back
    page = login(Client(), city.security).get(f"/tickets/{case.number}/").content.decode()
    read = Client().get(f"/api/v1/tickets/{case.number}", headers=bearer(city.security)).json()

    assert f"Das gehört zu einer größeren Störung, {above.number}." in page
    assert read["parent"] == above.number
    assert all(above.number in one["said"] for one in read["articles"] if one["notice"] in NAMED)


def test_what_went_into_a_restricted_ticket_does_not_name_it(city: City, kept_back: tuple[Ticket, Ticket]) -> None:
    case, above = kept_back
    Ticket.objects.filter(pk=case.pk).update(state=Ticket.State.CLOSED, merged_into=above)

    read = Client().get(f"/api/v1/tickets/{case.number}", headers=bearer(city.coordinator_a)).json()

    assert read["merged_into"] is None


def paths(case: Ticket) -> tuple[str, ...]:
    return ("", case.number, f"{case.number}/articles")
