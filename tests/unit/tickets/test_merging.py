"""What of a ticket goes along when it goes on in another: its fault, whoever asked, its incident, what is being measured."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fleet.events.services import deliver
from fleet.monitoring.models import Alert, Health
from helpdesk.mail.models import OutgoingMail
from helpdesk.tickets import services
from helpdesk.tickets.models import Agreement, Recheck, Ticket
from helpdesk.tickets.services import outages, sla
from tests.conftest import City
from tests.unit.tickets.faults import fault, incident, recovers

pytestmark = pytest.mark.django_db
Reports = Callable[..., Ticket]


@pytest.fixture
def reports(city: City) -> Reports:
    def make(subject: str = "Kein WLAN", **more: Any) -> Ticket:
        fields: dict[str, Any] = {"body": "In 204.", "requester": city.coordinator_a, "devices": [city.access_point_a]}
        return services.open_ticket(opening=services.Opening(city.school_a, subject, **fields | more))

    return make


@pytest.fixture
def faults(city: City) -> list[Alert]:
    found = [fault(city.switch_a), fault(city.printer_a)]
    deliver()
    return found


def test_two_faults_that_are_not_over_stay_two_tickets(city: City, faults: list[Alert]) -> None:
    into, source = map(incident, faults)

    with pytest.raises(services.RelationError) as error:
        services.merge(source=source, into=into, by=city.technician)

    assert error.value.key == "two-faults"


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_faults_the_one_that_is_not_over_is_followed(city: City, faults: list[Alert], first: int) -> None:
    over, going_on = faults[first], faults[1 - first]
    source, into = map(incident, faults)
    services.take(ticket=incident(over), by=city.technician)
    services.reply(ticket=incident(over), said=services.Reply(city.technician, "Wird angesehen."))
    recovers(over)

    services.merge(source=source, into=into, by=city.technician)

    recovers(going_on)
    assert incident(going_on) == into
    assert into.articles.filter(notice="alert-closed", details__alert_id=going_on.pk).exists()


def test_a_fault_that_goes_on_in_a_resolved_ticket_opens_it(city: City, faults: list[Alert]) -> None:
    into, source = map(incident, faults)
    recovers(faults[0])

    into = services.merge(source=source, into=into, by=city.technician)

    assert (into.alert, into.state) == (faults[1], Ticket.State.OPEN)


def test_whoever_reported_what_goes_on_in_the_faults_ticket_hears_of_its_end(
    city: City, faults: list[Alert], reports: Reports
) -> None:
    services.merge(source=reports(), into=incident(faults[0]), by=city.technician)

    recovers(faults[0])

    assert incident(faults[0]).requester == city.coordinator_a
    ended = OutgoingMail.objects.filter(article__ticket__alert=faults[0], article__notice="alert-closed")
    assert [mail.recipient for mail in ended] == [city.coordinator_a]


def test_the_answer_that_was_promised_them_still_is(city: City, faults: list[Alert], reports: Reports) -> None:
    Agreement.objects.create(authority=city.authority, name_de="Alles", hours="always", first_response_min=60)

    into = services.merge(source=reports(), into=incident(faults[0]), by=city.technician)

    sla.reckon_due()
    into.refresh_from_db()
    assert into.response_due_at == into.created_at + timedelta(hours=1)


def test_a_case_stays_one_where_it_goes_on(city: City, reports: Reports) -> None:
    larger, case, into = reports("Ausfall", requester=city.technician), reports(), reports("Auch")
    services.set_parent(ticket=case, parent=larger, by=city.technician)

    services.merge(source=case, into=into, by=city.technician)
    services.reply(ticket=larger, said=services.Reply(city.technician, "Um zehn geht es wieder."))
    deliver()

    assert list(larger.children.all()) == [into]
    assert into.articles.filter(notice="from-parent", body="Um zehn geht es wieder.").exists()


def test_a_case_may_go_on_in_its_own_incident(city: City, reports: Reports) -> None:
    larger, case = reports("Ausfall"), reports()
    services.set_parent(ticket=case, parent=larger, by=city.technician)

    larger = services.merge(source=case, into=larger, by=city.technician)

    assert (larger.parent, larger.children.count()) == (None, 0)


def test_what_is_being_measured_is_judged_where_it_goes_on(city: City, reports: Reports) -> None:
    case, into = reports(), reports("Auch")
    asked = Recheck.objects.create(ticket=case, asked_at=timezone.now()).asked_at

    services.merge(source=case, into=into, by=city.technician)
    Health.objects.filter(device=city.access_point_a).update(status="up", failures=0, polled_at=asked)
    outages.judge_rechecks()

    assert into.articles.filter(notice="case-works").exists()
