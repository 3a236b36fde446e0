"""Changes as rows, in the state that a test wants to look at."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fleet.automation.models import Approval, Change, HostResult, LogLine, Run, Target
from fleet.devices.models import Device
from fleet.people.models import User
from tests.conftest import City

KEY = "gepflanzt-7Kx2-9mQw"
DIFF = [{"before": "ssid=Schule", "after": "ssid=Schule\nssid=Klausur"}]


def make_change(device: Device, asker: User, state: str = "awaiting-approval", **other: Any) -> Change:
    """An exam Wi-Fi on one device, with a preview that is over."""
    change = Change.objects.create(
        authority_id=device.authority_id,
        site_id=device.site_id,
        playbook="ssid",
        playbook_digest="0" * 64,
        digest="1" * 64,
        arguments={"ssid": "Klausur", "state": "present"},
        secret_arguments={"psk": KEY},
        risk="medium",
        approvals_needed=1,
        requested_by=asker,
        state=state,
        starts_at=timezone.now() + timedelta(hours=1),
        **other,
    )
    Target.objects.create(change=change, device=device)
    add_run(change, device, Run.Kind.PREVIEW, Run.State.SUCCEEDED, diff=DIFF)
    return change


def add_run(change: Change, device: Device, kind: str = "apply", ended: str = "succeeded", **host: Any) -> Run:
    now = timezone.now()
    over = None if ended in {"queued", "running"} else now
    run = Run.objects.create(change=change, kind=kind, state=ended, started_at=now, finished_at=over)
    HostResult.objects.create(run=run, device=device, **{"state": "changed", **host})
    LogLine.objects.bulk_create(
        LogLine(
            run=run, sequence=number, event="runner_on_ok", device=device, host=device.name, task="t", text=f"line {number}"
        )
        for number in range(1, 8)
    )
    return run


def decided(change: Change, approver: User, decision: str = "approved") -> Approval:
    return Approval.objects.create(change=change, approver=approver, decision=decision, digest=change.digest)


@pytest.fixture
def change_a(city: City) -> Change:
    """School A's, ordered by its coordinator, waiting for approval."""
    return make_change(city.access_point_a, city.coordinator_a)


@pytest.fixture
def change_b(city: City) -> Change:
    return make_change(city.access_point_b, city.coordinator_b)
