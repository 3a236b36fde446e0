"""One outage, one ticket: what people report behind it hangs on it, and is measured afresh when it is over."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.events.services import deliver
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.services.lifecycle import release, suppress
from helpdesk.tickets import services
from helpdesk.tickets.models import Recheck, Ticket
from helpdesk.tickets.services import outages, queues
from tests.conftest import City
from tests.unit.tickets.faults import fault, incident, recovers

pytestmark = pytest.mark.django_db


def reported(city: City) -> Ticket:
    opening = services.Opening(
        city.school_a, "Kein WLAN", body="In 204.", requester=city.coordinator_a, devices=[city.access_point_a]
    )
    return services.open_ticket(opening=opening)


def larger(city: City) -> Ticket:
    opening = services.Opening(city.school_b, "Stadtnetz gestört", requester=city.technician)
    return services.open_ticket(opening=opening)


def outage_with_a_case(city: City) -> tuple[Alert, Ticket]:
    cause = fault(city.switch_a)
    fault(city.access_point_a, cause)
    deliver()
    case = reported(city)
    deliver()
    return cause, case


def test_what_is_reported_during_an_outage_hangs_on_it(city: City) -> None:
    cause = fault(city.switch_a)
    fault(city.access_point_a, cause)
    deliver()
    case = reported(city)

    deliver()

    case.refresh_from_db()
    assert case.parent == incident(cause)


def test_what_was_reported_before_the_cause_was_known_hangs_on_it_too(city: City) -> None:
    case = reported(city)
    cause = fault(city.switch_a)
    fault(city.access_point_a, cause)

    deliver()

    case.refresh_from_db()
    assert case.parent == incident(cause)


def test_a_faults_own_ticket_hangs_on_its_causes_while_the_cause_lies_there(city: City) -> None:
    below = fault(city.access_point_a)
    deliver()
    cause = fault(city.switch_a)
    suppress(alert=below, cause=cause)
    deliver()
    assert incident(below).parent == incident(cause)

    release(alert=below, at=timezone.now())
    deliver()
    assert incident(below).parent is None


def test_a_faults_own_ticket_stays_where_people_hung_it(city: City) -> None:
    major, below = larger(city), fault(city.access_point_a)
    deliver()
    services.set_parent(ticket=incident(below), parent=major, by=city.technician)
    cause = fault(city.switch_a)
    deliver()
    for change in (lambda: suppress(alert=below, cause=cause), lambda: release(alert=below, at=timezone.now())):
        change()
        deliver()
        assert incident(below).parent == major


def test_nothing_hangs_on_what_only_security_people_see(city: City) -> None:
    below, cause = fault(city.access_point_a), fault(city.switch_a)
    deliver()
    Ticket.objects.filter(alert=cause).update(queue=queues.of_security(authority=city.authority))

    suppress(alert=below, cause=cause)
    deliver()

    assert incident(below).parent is None


@pytest.mark.parametrize(("works", "state"), [(True, Ticket.State.RESOLVED), (False, Ticket.State.NEW)])
def test_after_the_outage_each_case_is_measured_afresh(city: City, state: Ticket.State, *, works: bool) -> None:
    cause, case = outage_with_a_case(city)
    services.transition(ticket=incident(cause), to=Ticket.State.RESOLVED)
    deliver()
    assert outages.judge_rechecks() == 0  # nothing has been measured since
    asked = Recheck.objects.get(ticket=case).asked_at
    health = Health.objects.filter(device=city.access_point_a)
    assert health.filter(next_poll_at__lte=timezone.now()).exists()

    health.update(status="up" if works else "down", failures=0 if works else 3, polled_at=asked + timedelta(seconds=2))
    outages.judge_rechecks()

    case.refresh_from_db()
    assert case.state == state
    said = case.articles.order_by("-pk").first()
    assert said is not None
    assert said.notice == ("case-works" if works else "case-broken")
    assert said.details["devices"][0]["name"] == "AP-204-A"
    assert not Recheck.objects.exists()


def test_an_outage_that_somebody_took_over_ends_with_a_measurement_of_its_cases_too(city: City) -> None:
    cause, case = outage_with_a_case(city)
    services.take(ticket=incident(cause), by=city.technician)
    services.reply(ticket=incident(cause), said=services.Reply(city.technician, "Wir tauschen den Switch."))

    recovers(cause)

    assert incident(cause).state == Ticket.State.OPEN
    assert Recheck.objects.filter(ticket=case).exists()


def test_what_was_resolved_too_early_is_measured_once_more_when_its_cause_is_gone(city: City) -> None:
    cause, case = outage_with_a_case(city)
    services.transition(ticket=incident(cause), to=Ticket.State.RESOLVED, actor=city.technician)
    deliver()
    Recheck.objects.all().delete()  # judged: it does not answer yet

    recovers(cause)

    assert Recheck.objects.filter(ticket=case).exists()


def test_a_cause_that_belongs_to_a_larger_incident_has_the_cases_behind_it_measured(city: City) -> None:
    major, cause = larger(city), fault(city.switch_a)
    fault(city.access_point_a, cause)
    deliver()
    services.set_parent(ticket=incident(cause), parent=major, by=city.technician)
    case, elsewhere = reported(city), larger(city)
    elsewhere.devices.add(city.access_point_b)
    services.set_parent(ticket=elsewhere, parent=major, by=city.technician)
    deliver()
    case.refresh_from_db()
    assert case.parent == major

    recovers(cause)

    assert [one.ticket for one in Recheck.objects.all()] == [case]


def test_what_was_not_measured_is_not_called_broken(city: City) -> None:
    case = reported(city)
    case.devices.add(city.printer_a)
    Health.objects.filter(device=city.printer_a).delete()
    asked = Recheck.objects.create(ticket=case).asked_at
    Health.objects.filter(device=city.access_point_a).update(status="up", failures=0, polled_at=asked)

    outages.judge_rechecks()

    assert case.articles.latest("pk").notice == "case-unmeasured"


@pytest.mark.parametrize("known", [True, False])
def test_what_is_not_measured_is_waited_for_a_quarter_of_an_hour(city: City, *, known: bool) -> None:
    case = reported(city)
    if not known:
        Health.objects.filter(device=city.access_point_a).delete()
    asked = Recheck.objects.create(ticket=case, asked_at=timezone.now()).asked_at

    judged = [outages.judge_rechecks(now=asked + timedelta(minutes=after)) for after in (14, 15, 16)]

    case.refresh_from_db()
    assert (judged, case.state, Recheck.objects.count()) == ([0, 1, 0], Ticket.State.NEW, 0)
    said = case.articles.latest("pk")
    assert (said.notice, said.details) == ("case-unmeasured", {"devices": []})


def test_looking_at_what_waits_costs_one_query_however_much_waits(
    city: City, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _number in range(3):
        Recheck.objects.create(ticket=reported(city))

    with django_assert_num_queries(1):
        assert outages.judge_rechecks() == 0
