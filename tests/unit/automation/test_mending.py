"""What was cut off is made good where nobody has seen to it since, and what nobody knows is said to be known by nobody."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from fleet.automation.models import Change, HostResult, Run
from fleet.automation.services import mending
from fleet.events.models import Event
from tests.conftest import City
from tests.unit.automation.test_verifying import attempt, order

pytestmark = pytest.mark.django_db
LEAVE_WHAT_IS_OVER = import_module("fleet.automation.migrations.0015_mend_and_ask_by_mail").leave_what_is_over
AGO = timedelta(minutes=5)
Aftermath, Kind, State = Run.Aftermath, Run.Kind, Run.State


def cycled(city: City, port: int = 3, **more: Any) -> Run:
    """A power-cycle that went wrong a while ago."""
    change = order(city, playbook="poe-cycle", arguments={"port": port}, state=Change.State.LOST)
    change.targets.update(device=city.switch_a)
    ago = timezone.now() - AGO
    run = attempt(change, **{"state": State.LOST, "started_at": ago, "finished_at": ago} | more)
    run.hosts.update(state=HostResult.State.UNKNOWN, verdict="unknown", evidence=seen(city, port, "on", None))
    return run


def seen(city: City, port: int, before: str | None, after: str | None) -> list[dict[str, Any]]:
    reading = f"poe[ifIndex={port}].admin"
    return [{"device_id": city.switch_a.pk, "reading": reading, "holds": "equals", "before": before, "after": after}]


def tried(run: Run) -> int:
    mending.tend(timezone.now())
    run.refresh_from_db()
    return run.mended_by.count()


def later(city: City, port: int, verdict: str) -> None:
    now = timezone.now()
    run = cycled(city, port, state=State.SUCCEEDED, started_at=now - AGO / 2, finished_at=now)
    run.hosts.update(state=HostResult.State.CHANGED, verdict=verdict)


@pytest.mark.parametrize(
    ("times", "state", "aftermath"),
    [
        ({}, State.LOST, Aftermath.AS_BEFORE),
        ({"finished_at": None}, State.RUNNING, Aftermath.NONE),
        ({"lease_until": timezone.now()}, State.TIMED_OUT, Aftermath.NONE),
    ],
)
def test_what_was_over_before_this_release_is_left_alone(
    city: City, times: dict[str, Any], state: Run.State, aftermath: Run.Aftermath
) -> None:
    run = cycled(city, state=state, **times)

    LEAVE_WHAT_IS_OVER(apps, None)

    assert tried(run) == 0
    assert run.aftermath == aftermath


@pytest.mark.parametrize(
    ("port", "verdict", "tries"), [(3, "confirmed", 0), (4, "confirmed", 1), (3, "refuted", 1), (3, "unknown", 1)]
)
def test_what_was_done_to_the_same_port_since_stays(city: City, port: int, verdict: str, tries: int) -> None:
    run = cycled(city)
    later(city, port, verdict)

    assert tried(run) == tries
    assert run.aftermath == (Aftermath.NONE if tries else Aftermath.AS_BEFORE)


@pytest.mark.parametrize("state", [HostResult.State.FAILED, HostResult.State.UNREACHABLE])
def test_what_merely_failed_is_looked_at_before_anything_is_said(city: City, state: HostResult.State) -> None:
    run = cycled(city, state=State.FAILED)
    run.hosts.update(state=state, verdict="")
    assert tried(run) == 0
    assert run.aftermath == Aftermath.NONE, "nobody has looked yet"

    run.hosts.update(verdict="refuted", evidence=seen(city, 3, "on", "off"))

    assert tried(run) == 1


def test_whom_no_look_comes_to_is_not_waited_for_without_end(city: City) -> None:
    long_ago = timezone.now() - mending.LOOK_COMES_WITHIN - AGO
    run = cycled(city, state=State.FAILED, started_at=long_ago, finished_at=long_ago)
    run.hosts.update(state=HostResult.State.FAILED, verdict="")

    assert tried(run) == 0
    assert run.aftermath == Aftermath.AS_BEFORE


def test_what_makes_good_and_is_gone_leaves_it_to_people(city: City) -> None:
    run = cycled(city)
    assert tried(run) == 1
    run.mended_by.update(state=State.FAILED, finished_at=timezone.now())
    Change.objects.filter(pk=run.change_id).update(playbook="taken-away")

    mending.tend(timezone.now())

    run.refresh_from_db()
    assert run.aftermath == Aftermath.FOR_PEOPLE
    assert Event.objects.get(name="change.not-made-good").payload["device_ids"] == [city.switch_a.pk]
    assert not Event.objects.filter(name="change.made-good").exists()
