"""What happens by itself happens for each change, whatever is wrong with another, and however often a message is lost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.signals import pre_save
from django.utils import timezone

from fleet.automation.execution import private
from fleet.automation.models import Change, DeviceLock, HostResult, Run, Target
from fleet.automation.services import tending
from fleet.automation.services.attempt import private_dir
from fleet.devices.models import Device
from tests.conftest import City
from tests.unit.automation.conftest import spoil

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


def test_a_lost_run_whose_events_cannot_be_read_is_lost_and_holds_no_device(unreadable: Run) -> None:
    tending.tend()

    unreadable.refresh_from_db()
    assert unreadable.state == Run.State.LOST
    assert unreadable.hosts.get().state == HostResult.State.UNKNOWN
    assert not DeviceLock.objects.exists()


def test_a_change_that_cannot_be_started_holds_up_no_other(city: City) -> None:
    broken, due = change_of(city), change_of(city, device=city.switch_a)
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
    broken, due = change_of(city, secret_arguments={"psk": "planted-key"}), change_of(city, device=city.switch_a)
    spoil("automation_change", "secret_arguments", broken.pk)

    tending.tend()

    assert due.runs.filter(kind=Run.Kind.APPLY).exists()
