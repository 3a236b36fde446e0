"""What happens by itself happens for each change, whatever is wrong with another, and however often a message is lost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.automation.catalogue import SWITCH_SETTLES_S
from fleet.automation.execution import private
from fleet.automation.models import Change, DeviceLock, HostResult, Run, Target
from fleet.automation.services import tending
from fleet.automation.services.attempt import private_dir
from fleet.automation.services.claiming import CHILD_SHARE
from fleet.devices.models import Device
from fleet.events.models import Event
from tests.conftest import City
from tests.unit.automation.conftest import messages, spoil

pytestmark = pytest.mark.django_db


def change_of(city: City, *, device: Device | None = None, **more: Any) -> Change:
    change = Change.objects.create(
        authority=city.authority,
        site=city.school_a,
        playbook="ssid",
        playbook_digest="0" * 64,
        digest="1" * 64,
        risk="low",
        **{"starts_at": timezone.now(), "state": Change.State.APPROVED} | more,
    )
    Target.objects.create(change=change, device=device or city.access_point_a)
    return change


def run_of(change: Change, **more: Any) -> Run:
    run = Run.objects.create(change=change, **{"kind": Run.Kind.APPLY} | more)
    HostResult.objects.create(run=run, device=change.targets.get().device)
    return run


def an_hour_ago() -> dict[str, Any]:
    """A time span that is over."""
    now = timezone.now()
    return {"starts_at": now - timedelta(hours=2), "ends_at": now - timedelta(hours=1)}


def abandoned(change: Change) -> Run:
    """Its worker is gone for long."""
    Change.objects.filter(pk=change.pk).update(state=Change.State.RUNNING)
    over = timezone.now() - timedelta(minutes=1)
    run = run_of(change, state=Run.State.RUNNING, started_at=over, lease_until=over)
    DeviceLock.objects.create(device=change.targets.get().device, run=run)
    return run


@pytest.fixture
def unreadable(city: City) -> Iterator[Run]:
    """A lost run whose events are not as they are written now, say an older release's."""
    run = abandoned(change_of(city))
    root = private_dir(run)
    root.mkdir(parents=True)
    (root / private.EVENTS).write_text('{"event": "runner_on_ok"}\n')
    yield run
    private.remove(root)


def test_a_lost_run_whose_events_cannot_be_read_is_lost_and_holds_its_device_until_that_has_settled(unreadable: Run) -> None:
    messages()

    tending.tend()

    unreadable.refresh_from_db()
    assert unreadable.state == Run.State.LOST
    assert unreadable.hosts.get().state == HostResult.State.UNKNOWN
    assert DeviceLock.objects.get().run == unreadable, "its dead-man's switch may act yet"
    assert ("look_after_loss", unreadable.pk) not in messages()

    tending.tend(now=timezone.now() + timedelta(seconds=SWITCH_SETTLES_S - 5))
    assert DeviceLock.objects.exists()
    assert ("look_after_loss", unreadable.pk) not in messages()

    tending.tend(now=timezone.now() + timedelta(seconds=SWITCH_SETTLES_S))
    assert not DeviceLock.objects.exists()
    assert ("look_after_loss", unreadable.pk) in messages()


def test_devices_are_freed_when_the_child_of_another_machine_has_ended_itself(city: City) -> None:
    """It heard the last beat after the row had it, lives on for its own lease, and killing its tree takes a while."""
    run = abandoned(change_of(city))
    assert run.lease_until is not None
    last_beat = run.lease_until - timedelta(seconds=settings.RUN_LEASE_S)
    heard_late, killing = 0.2 * settings.RUN_LEASE_S, 5
    child_ends = last_beat + timedelta(seconds=heard_late + settings.RUN_LEASE_S * CHILD_SHARE + killing)

    tending.tend(now=child_ends)
    assert DeviceLock.objects.filter(run=run).exists()

    tending.tend(now=child_ends + timedelta(seconds=settings.RUN_LEASE_S))
    assert not DeviceLock.objects.exists()


def test_a_change_that_cannot_be_started_holds_up_no_other(city: City) -> None:
    broken, due = change_of(city), change_of(city, device=city.access_point_b)
    over = change_of(city, device=city.printer_a, state=Change.State.CONFIRMED, box=Change.Box.PENDING, **an_hour_ago())
    run_of(over, state=Run.State.SUCCEEDED, started_at=timezone.now())

    def refuse(instance: Run, **_: object) -> None:
        if instance.change_id == broken.pk:
            raise RuntimeError

    pre_save.connect(refuse, sender=Run)
    try:
        tending.tend()
    finally:
        pre_save.disconnect(refuse, sender=Run)

    assert due.runs.filter(kind=Run.Kind.APPLY).exists()
    assert over.runs.filter(kind=Run.Kind.REVERT).exists()


def test_a_change_whose_secret_cannot_be_read_holds_up_no_other(city: City) -> None:
    broken, due = change_of(city, secret_arguments={"psk": "planted-key"}), change_of(city, device=city.access_point_b)
    spoil("automation_change", "secret_arguments", broken.pk)

    tending.tend()

    assert due.runs.filter(kind=Run.Kind.APPLY).exists()


def test_what_nobody_agreed_to_in_time_ends_with_its_time(city: City) -> None:
    waiting = {"state": Change.State.AWAITING_APPROVAL, "box": Change.Box.PENDING}
    over = change_of(city, **waiting, **an_hour_ago())
    current = change_of(city, **waiting, ends_at=timezone.now() + timedelta(hours=1))
    endless = change_of(city, state=Change.State.AWAITING_APPROVAL)

    tending.tend()

    states = [Change.objects.get(pk=change.pk).state for change in (over, current, endless)]
    assert states == [Change.State.CANCELLED, Change.State.AWAITING_APPROVAL, Change.State.AWAITING_APPROVAL]
    told = Event.objects.get(name="change.cancelled")
    assert (told.subject_id, told.payload["too_late"]) == (over.pk, True)


def test_behind_many_that_wait_a_lost_message_is_sent_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device of all of them is another run's."""
    monkeypatch.setattr(tending, "RESEND_EVERY_S", 600)  # a busy machine takes longer than the ten seconds
    long_ago = timezone.now() - timedelta(hours=1)
    runs = [run_of(change_of(city), queued_at=long_ago) for _ in range(tending.RESEND_AT_MOST + 3)]
    messages()

    tending.tend()
    first = messages()
    tending.tend()
    assert len(first) == tending.RESEND_AT_MOST
    assert messages() == [], "no more than that at a time"

    cache.delete_many([tending.SENT, *(f"automation.sent.{pk}" for _task, pk in first)])  # so long later
    tending.tend()
    assert {pk for _task, pk in messages()} > {run.pk for run in runs} - {pk for _task, pk in first}


def test_however_many_wait_a_tick_reads_no_more_of_them_than_it_sends(city: City) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    costs = []
    for number in (3, 4 * tending.RESEND_AT_MOST):
        cache.clear()
        for _ in range(number):
            run_of(change_of(city), queued_at=long_ago)
        with CaptureQueriesContext(connection) as queries:
            tending._send_waiting(timezone.now())
        costs.append(len(queries))
        assert all("LIMIT" in query["sql"] for query in queries), queries.captured_queries
    assert costs == [1, 1]


def left(city: City, state: Run.State, host: HostResult.State, **more: Any) -> Run:
    """A run that is over and that nobody has looked at; its devices answer nobody."""
    Device.objects.update(address=None)
    now = timezone.now()
    run = run_of(change_of(city, state=Change.State(state.value)), state=state, started_at=now, finished_at=now, **more)
    run.hosts.update(state=host)
    messages()
    return run


@pytest.mark.parametrize("state", [Run.State.LOST, Run.State.CANCELLED])
def test_a_look_that_nobody_took_is_asked_for_again_until_it_is_taken(city: City, state: Run.State) -> None:
    run = left(city, state, HostResult.State.UNKNOWN)

    tending.tend()
    tending.tend()
    assert messages() == [("look_after_loss", run.pk)]

    tending.look_after_loss(run_id=run.pk)
    cache.delete(f"automation.look.{run.pk}")
    tending.tend()
    assert run.hosts.get().verdict == "unknown"
    assert messages() == []


def test_what_was_stopped_before_it_began_is_not_looked_at(city: City) -> None:
    left(city, Run.State.CANCELLED, HostResult.State.NOT_STARTED)

    tending.tend()

    assert messages() == []


def test_a_later_attempt_speaks_for_the_lost_one(city: City) -> None:
    first = left(city, Run.State.LOST, HostResult.State.UNKNOWN)
    run_of(first.change, attempt=2, state=Run.State.SUCCEEDED, started_at=timezone.now())

    tending.tend()

    assert messages() == []


def test_a_look_that_cannot_be_taken_is_not_known(city: City) -> None:
    """The playbook was taken away meanwhile."""
    run = left(city, Run.State.LOST, HostResult.State.UNKNOWN)
    Change.objects.filter(pk=run.change_id).update(playbook="gone")

    tending.look_after_loss(run_id=run.pk)

    assert run.hosts.get().verdict == "unknown"


def test_a_late_message_looks_at_nothing_again(city: City) -> None:
    run = left(city, Run.State.LOST, HostResult.State.UNKNOWN)
    run.hosts.update(verdict="refuted", evidence=[{"before": "then"}])

    tending.look_after_loss(run_id=run.pk)

    assert run.hosts.get().evidence == [{"before": "then"}]
