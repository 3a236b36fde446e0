"""Rows of before: changes without rings, and log lines that knew their device by name only."""

from importlib import import_module

import pytest
from django.apps import apps

from fleet.automation.models import Change, HostResult, LogLine, Run, Target
from fleet.devices.models import Device
from tests.conftest import City
from tests.unit.automation.test_tending import change_of

INTO_ONE_RING = import_module("fleet.automation.migrations.0004_rollouts").into_one_ring
NAME_THE_DEVICES = import_module("fleet.automation.migrations.0011_devices_of_log_lines").name_the_devices


@pytest.mark.parametrize(
    ("state", "host", "verdict", "ring", "target"),
    [
        (Change.State.AWAITING_APPROVAL, None, "", "waiting", "waiting"),
        (Change.State.CONFIRMED, "changed", "confirmed", "passed", "confirmed"),
        (Change.State.REFUTED, "changed", "refuted", "halted", "refuted"),
        (Change.State.FAILED, "unreachable", "", "halted", "unreachable"),
        (Change.State.FAILED, None, "", "halted", "waiting"),
        (Change.State.LOST, "ok", "", "halted", "unknown"),
        (Change.State.CANCELLED, None, "", "skipped", "skipped"),
    ],
)
def test_rows_of_before(city: City, state: Change.State, host: str | None, verdict: str, ring: str, target: str) -> None:
    change = change_of(city, state=state)
    if host:
        run = Run.objects.create(change=change, kind="apply", state="succeeded", started_at=change.created_at)
        HostResult.objects.create(run=run, device=change.targets.get().device, state=host, verdict=verdict)

    INTO_ONE_RING(apps, None)

    found = Target.objects.get(change=change)
    assert found.ring is not None
    assert (found.ring.title, found.ring.state, found.step, found.state) == ("all", ring, 1, target)
    assert all(run.ring_id == found.ring_id for run in change.runs.all())


def test_log_lines_of_before_know_their_device_where_its_name_is_one_devices(city: City) -> None:
    run = Run.objects.create(change=change_of(city), kind="apply")
    twins = [Device.objects.create(name="AP", type=one.type, site=one.site, authority=one.authority) for one in twice(city)]
    for device in (city.switch_a, *twins):
        HostResult.objects.create(run=run, device=device)
    for number, name in enumerate(("", city.switch_a.name, "AP", "gone")):
        LogLine.objects.create(run=run, sequence=number, event="runner_on_ok", host=name)

    NAME_THE_DEVICES(apps, None)

    assert list(run.log_lines.values_list("device", flat=True)) == [None, city.switch_a.pk, None, None]


def twice(city: City) -> tuple[Device, Device]:
    return city.access_point_a, city.access_point_b
