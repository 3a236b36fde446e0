"""Measuring ends, whatever cannot be read, and it ends once: what it held is free and what it said stays said."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from fleet.automation import services
from fleet.automation.catalogue import get
from fleet.automation.models import Change, DeviceLock, HostResult, Run, Target
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from tests.conftest import City
from tests.unit.automation.conftest import spoil

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_answers(settings: LazySettings) -> None:
    settings.SNMP_TIMEOUT_S = 0.1


def order(city: City, **more: Any) -> Change:
    change = Change.objects.create(
        authority=city.authority,
        site=city.school_a,
        playbook="ap-restart",
        playbook_digest=get("ap-restart").digest,
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
