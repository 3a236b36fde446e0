"""Larger incidents and faults as pages and the API show them."""

import pytest
from django.test import Client

from fleet.events.services import deliver
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
