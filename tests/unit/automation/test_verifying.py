"""Measuring ends, whatever cannot be read, and it ends once: what it held is free and what it said stays said."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from fleet.automation import services
from fleet.automation.catalogue import get
from fleet.automation.models import Change, DeviceLock, HostResult, Run, Target
from fleet.automation.services import verifying
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from tests.conftest import City
from tests.unit.automation.conftest import messages, spoil

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _nobody_answers(settings: LazySettings) -> None:
    settings.SNMP_TIMEOUT_S = 0.1


def order(city: City, **more: Any) -> Change:
    slug = more.pop("playbook", "ap-restart")
    change = Change.objects.create(
        authority=city.authority,
        site=city.school_a,
        playbook=slug,
        playbook_digest=get(slug).digest,
        digest="1" * 64,
        risk="low",
        starts_at=timezone.now(),
        **{"state": Change.State.APPROVED} | more,
    )
    Target.objects.create(change=change, device=city.access_point_a)
    return change


def attempt(change: Change, **more: Any) -> Run:
    run = Run.objects.create(change=change, **{"kind": Run.Kind.APPLY} | more)
    HostResult.objects.create(run=run, device=change.targets.get().device)
    return run


def measured_again(run: Run) -> None:
    """The worker was killed while it measured; another one takes over."""
    Run.objects.filter(pk=run.pk, lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(seconds=1))
    services.verify(run_id=run.pk)


def test_a_credential_that_cannot_be_read_holds_no_device(city: City) -> None:
    bad = devices.create_credential(
        authority=city.authority, name="Alt", kind=Credential.Kind.SNMP_V2C, secret={"community": "planted"}
    )
    spoil("devices_credential", "secret", bad.pk)
    Device.objects.filter(pk=city.access_point_a.pk).update(snmp_credential_id=bad.pk)
    change = order(city)
    run = attempt(change)

    services.execute(run_id=run.pk)

    change.refresh_from_db()
    assert change.state == Change.State.FAILED
    assert not DeviceLock.objects.exists()


def test_arguments_that_cannot_be_read_end_the_measuring(city: City) -> None:
    change = order(city, state=Change.State.VERIFYING, secret_arguments={"psk": "planted-key"})
    run = attempt(change, state=Run.State.SUCCEEDED, lease_until=timezone.now())
    DeviceLock.objects.create(device=city.access_point_a, run=run)
    spoil("automation_change", "secret_arguments", change.pk)

    measured_again(run)

    assert Change.objects.values_list("state", flat=True).get(pk=change.pk) == Change.State.UNKNOWN
    assert run.hosts.get().verdict == "unknown"
    assert not DeviceLock.objects.exists()


def test_a_run_whose_arguments_cannot_be_read_fails(city: City) -> None:
    change = order(city, secret_arguments={"psk": "planted-key"})
    run = attempt(change)
    spoil("automation_change", "secret_arguments", change.pk)

    services.execute(run_id=run.pk)

    assert Run.objects.get(pk=run.pk).state == Run.State.FAILED
    assert Change.objects.values_list("state", flat=True).get(pk=change.pk) == Change.State.FAILED
    assert not DeviceLock.objects.exists()


def test_a_late_message_changes_nothing_of_a_concluded_run(city: City) -> None:
    """While the second attempt is measured, a copy of the first one's message comes."""
    change = order(city, state=Change.State.VERIFYING)
    first = attempt(change, state=Run.State.FAILED, started_at=timezone.now())
    evidence = [{"device_id": city.access_point_a.pk, "before": "then", "after": "then", "measured_at": None}]
    first.hosts.update(verdict="refuted", evidence=evidence)
    attempt(change, attempt=2, state=Run.State.SUCCEEDED, lease_until=timezone.now() + timedelta(seconds=15))

    services.verify(run_id=first.pk)

    row = first.hosts.get()
    change.refresh_from_db()
    assert (row.verdict, row.evidence, change.state) == ("refuted", evidence, Change.State.VERIFYING)


def test_a_message_takes_nothing_from_a_verifier_that_lives(city: City) -> None:
    change = order(city, state=Change.State.VERIFYING)
    run = attempt(change, state=Run.State.SUCCEEDED, lease_until=timezone.now() + timedelta(seconds=15))

    services.verify(run_id=run.pk)

    change.refresh_from_db()
    assert change.state == Change.State.VERIFYING


def test_who_was_taken_over_writes_nothing_more(city: City) -> None:
    change = order(city, state=Change.State.VERIFYING)
    run = attempt(change, state=Run.State.FAILED, lease_until=timezone.now())
    before = run.token
    measured_again(run)
    Change.objects.filter(pk=change.pk).update(state=Change.State.VERIFYING)  # the second attempt
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now())

    services.verify(run_id=run.pk, token=before)

    change.refresh_from_db()
    assert change.state == Change.State.VERIFYING


def cut_off(city: City, playbook: str, **more: Any) -> Run:
    """A run that was ended in its middle just now, and the token of the worker that has ended it."""
    change = order(city, state=Change.State.VERIFYING, playbook=playbook)
    now = timezone.now()
    times = {"started_at": now, "finished_at": now, "lease_until": now + timedelta(seconds=60)}
    run = attempt(change, state=Run.State.TIMED_OUT, **times | more)
    run.hosts.update(state=HostResult.State.UNKNOWN)
    DeviceLock.objects.create(device=city.access_point_a, run=run)
    return run


def test_no_worker_waits_for_what_settles_after_minutes(city: City) -> None:
    run = cut_off(city, "linux-updates")
    began = time.monotonic()

    services.verify(run_id=run.pk, token=run.token)

    assert time.monotonic() - began < 10
    run.refresh_from_db()
    assert run.finished_at is not None
    assert run.lease_until == run.finished_at + timedelta(seconds=600)
    assert Change.objects.get(pk=run.change_id).state == Change.State.VERIFYING
    assert DeviceLock.objects.filter(run=run).exists(), "it may write yet"
    messages()
    services.tend(now=run.lease_until - timedelta(seconds=1))
    assert ("verify", run.pk) not in messages()

    services.tend(now=run.lease_until + timedelta(seconds=1))
    assert ("verify", run.pk) in messages(), "no worker has to live for that"
    ago = timezone.now() - timedelta(seconds=601)
    Run.objects.filter(pk=run.pk).update(finished_at=ago, lease_until=timezone.now() - timedelta(seconds=1))
    services.verify(run_id=run.pk)

    run.refresh_from_db()
    assert (run.lease_until, run.hosts.get().verdict) == (None, "unknown")
    assert Change.objects.get(pk=run.change_id).state == Change.State.FAILED
    assert not DeviceLock.objects.exists()


def test_what_takes_minutes_to_show_is_looked_at_again_and_again_by_whoever_is_free(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "HOLDS_A_WORKER_S", 0.5)
    change = order(city, state=Change.State.VERIFYING)
    now = timezone.now()
    run = attempt(change, state=Run.State.SUCCEEDED, started_at=now, finished_at=now, lease_until=now + HOUR)
    run.hosts.update(state=HostResult.State.CHANGED)

    services.verify(run_id=run.pk, token=run.token)

    run.refresh_from_db()
    until = run.patient_until
    assert until is not None
    assert run.lease_until is not None
    assert run.lease_until <= timezone.now() + verifying.NEXT_LOOK
    assert run.hosts.get().verdict == "", "nothing is said before its time is over"
    measured_again_later(run)
    run.refresh_from_db()
    assert run.patient_until == until, "its time is reckoned once"
    assert Change.objects.get(pk=change.pk).state == Change.State.VERIFYING

    Run.objects.filter(pk=run.pk).update(patient_until=timezone.now())
    measured_again_later(run)
    assert Change.objects.get(pk=change.pk).state == Change.State.UNKNOWN


def measured_again_later(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    services.verify(run_id=run.pk)


def test_while_everything_stood_still_no_device_ran_out_of_time(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "HOLDS_A_WORKER_S", 0.5)
    change, now = order(city, state=Change.State.VERIFYING), timezone.now()
    run = attempt(change, state=Run.State.SUCCEEDED, started_at=now, finished_at=now - HOUR, lease_until=now - HOUR)
    run.hosts.update(state=HostResult.State.CHANGED)
    Run.objects.filter(pk=run.pk).update(patient_until=now - HOUR + timedelta(seconds=200))

    services.verify(run_id=run.pk)

    assert Change.objects.get(pk=change.pk).state == Change.State.VERIFYING


def test_a_queue_that_is_long_each_time_holds_no_device_for_hours(city: City) -> None:
    change, now = order(city, state=Change.State.VERIFYING), timezone.now()
    run = attempt(change, state=Run.State.SUCCEEDED, started_at=now, finished_at=now - HOUR, lease_until=now - HOUR)
    run.hosts.update(state=HostResult.State.CHANGED)
    Run.objects.filter(pk=run.pk).update(patient_until=now - HOUR + timedelta(seconds=200))
    services.verify(run_id=run.pk)
    run.refresh_from_db()
    assert run.patient_until is not None
    assert run.patient_until <= timezone.now() + verifying.NEXT_LOOK, "one more look, however long nobody looked"

    behind = timedelta(minutes=5)
    assert run.lease_until is not None
    later = {"patient_until": run.patient_until - behind, "lease_until": run.lease_until - behind}
    Run.objects.filter(pk=run.pk).update(**later)
    services.verify(run_id=run.pk)

    assert Change.objects.get(pk=change.pk).state == Change.State.UNKNOWN
