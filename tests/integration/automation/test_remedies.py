"""A dead access point gets its power cycled by itself, once; the ticket tells the story."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Change, Freeze, RemedyAct, Run
from fleet.automation.services import remedies
from fleet.devices.models import Device
from fleet.events import services as events
from fleet.monitoring import services as monitoring
from fleet.monitoring.models import Alert, Health
from helpdesk.tickets.models import Ticket
from tests.integration.automation.conftest import School, wait_until

REMEDY = "power-cycle-access-point"
DEAD_S = 1_000_000


def poll(device: Device, status: str) -> None:
    def reached() -> bool:
        Health.objects.update(next_poll_at="2020-01-01T00:00:00Z")
        monitoring.poll_due()
        return Health.objects.get(device=device).status == status

    wait_until(reached, 40, what=f"{device} is not {status}")
    events.deliver()


@pytest.fixture
def point(school: School) -> Device:
    device = school.ap
    for one in Device.objects.polled():
        monitoring.watch(device=one)
    ports = list(device.uplinks.select_related("port"))
    assert len(ports) == 1
    assert ports[0].port.if_index
    poll(device, "up")
    remedies.set_policy(remedy=REMEDY, place=device.site.authority, wanted=True, by=school.approvers[0])
    return device


def notices(ticket: Ticket) -> list[str]:
    return [notice for notice in ticket.articles.order_by("pk").values_list("notice", flat=True) if notice]


def test_it_is_cured_once_and_the_second_time_a_person_is_needed(school: School, point: Device) -> None:
    machine = school.machine(point)
    machine.reboot(DEAD_S)
    poll(point, "down")

    services.tend()
    act = RemedyAct.objects.get(device=point)
    assert act.change is not None, act.reason
    assert act.change.requested_by is not None
    assert act.change.requested_by.name == "Fleetdesk"
    school.work(act.change)

    assert act.change.state == Change.State.CONFIRMED
    poll(point, "up")
    ticket = Ticket.objects.get(alert=act.alert)
    act.refresh_from_db()
    assert (act.state, ticket.state) == ("helped", "resolved")
    assert notices(ticket) == ["alert-opened", "remedy-ordered", "alert-closed", "remedy-helped"]

    machine.reboot(DEAD_S)
    poll(point, "down")
    services.tend()
    events.deliver()

    assert list(RemedyAct.objects.values_list("state", flat=True)) == ["limited", "helped"]
    assert Change.objects.count() == 1
    ticket.refresh_from_db()
    assert notices(ticket)[-1] == "remedy-person-needed"
    assert (ticket.state, ticket.priority >= Ticket.Priority.HIGH) == ("open", True)
    machine.reboot(0)


@pytest.fixture
def kept_waiting(school: School, point: Device) -> Iterator[RemedyAct]:
    """The access point is dead, and a freeze lets nobody do anything about it."""
    begun = timezone.now() - timedelta(hours=1)
    freeze = {"authority": point.authority, "starts_at": begun, "ends_at": begun + timedelta(days=2), "reason": "Exams"}
    Freeze.objects.create(**freeze)
    school.machine(point).reboot(DEAD_S)
    poll(point, "down")
    services.tend()
    act = RemedyAct.objects.get(device=point)
    assert act.change is not None, act.reason
    assert school.work(act.change).state == Change.State.APPROVED
    events.deliver()
    yield act
    school.machine(point).reboot(0)


def thaw(school: School, act: RemedyAct) -> Change:
    """The freeze ends, and everything that waited for that goes on."""
    Freeze.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    cache.clear()
    assert act.change is not None
    change = school.work(act.change)
    events.deliver()
    act.refresh_from_db()
    return change


def carried_out(change: Change) -> bool:
    return change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).exists()


def test_a_device_that_came_back_meanwhile_is_left_alone(school: School, point: Device, kept_waiting: RemedyAct) -> None:
    school.machine(point).reboot(0)
    poll(point, "up")
    events.deliver()

    change = thaw(school, kept_waiting)

    assert (kept_waiting.state, kept_waiting.ordered_at) == ("over", None)
    assert (change.state, carried_out(change)) == (Change.State.CANCELLED, False)
    told = notices(Ticket.objects.get(alert=kept_waiting.alert))
    assert told == ["alert-opened", "remedy-ordered", "alert-closed", "remedy-over"]


def test_what_was_switched_off_meanwhile_is_a_persons(school: School, point: Device, kept_waiting: RemedyAct) -> None:
    remedies.set_policy(remedy=REMEDY, place=point.site.authority, wanted=False, by=school.approvers[0])

    change = thaw(school, kept_waiting)

    assert (kept_waiting.state, kept_waiting.reason) == ("unfit", "off")
    assert (change.state, carried_out(change)) == (Change.State.CANCELLED, False)
    assert notices(Ticket.objects.get(alert=kept_waiting.alert))[-1] == "remedy-person-needed"


def test_what_was_begun_is_a_persons_to_go_on_with(school: School, point: Device, kept_waiting: RemedyAct) -> None:
    change = kept_waiting.change
    assert change is not None
    remedies.set_policy(remedy=REMEDY, place=point.site.authority, wanted=False, by=school.approvers[0])
    assert remedies.called_off(change.pk)

    Run.objects.create(change=change, kind=Run.Kind.APPLY, state=Run.State.FAILED, started_at=timezone.now())

    assert not remedies.called_off(change.pk)


@pytest.mark.parametrize("meanwhile", ["closed", "off"])
def test_a_worker_begins_nothing_that_is_not_called_for(
    school: School, point: Device, kept_waiting: RemedyAct, meanwhile: str
) -> None:
    """Before anybody else has heard of it: a worker asks at the last moment."""
    change = kept_waiting.change
    assert change is not None
    Freeze.objects.all().delete()
    cache.clear()
    services.tend()
    run = school.run(change)
    assert run.state == Run.State.QUEUED
    if meanwhile == "closed":
        Alert.objects.filter(remedies=kept_waiting).update(closed_at=timezone.now())
    else:
        remedies.set_policy(remedy=REMEDY, place=point.site.authority, wanted=None, by=school.approvers[0])

    services.execute(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.started_at) == (Run.State.CANCELLED, None)


def test_what_does_not_help_is_a_persons(school: School, point: Device) -> None:
    school.machine(point).reboot(DEAD_S)
    poll(point, "down")
    services.tend()
    act = RemedyAct.objects.get(device=point)
    long_ago = timezone.now() - timedelta(hours=1)
    Change.objects.filter(pk=act.change_id).update(state="refuted", state_since=long_ago)

    services.tend()
    events.deliver()

    act.refresh_from_db()
    assert act.state == "not-helped"
    assert notices(Ticket.objects.get(alert=act.alert))[-1] == "remedy-person-needed"
    school.machine(point).reboot(0)
