"""Rollouts that wait in their middle, for people or for their turn, when the time of their box is over."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Approval, Change, Run
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services import boxes
from fleet.devices.models import Device
from fleet.people.models import User
from tests.integration.automation.test_rollouts import Two, city, city_wire

__all__ = ["city", "city_wire"]

PILOT_AND_REST = Strategy(rings=("pilot",), spread="none")


def paused_in_its_middle(city: Two) -> Change:
    change = city.rollout(PILOT_AND_REST, ends_at=timezone.now() + timedelta(hours=1))
    city.step(change)
    return services.pause(change=change, by=city.asker)


def end(change: Change, *people: User) -> None:
    for person in people:
        boxes.end_now(change=change, by=person)
    services.tend()
    change.refresh_from_db()
    assert change.runs.filter(kind=Run.Kind.REVERT, state=Run.State.QUEUED).exists()


def is_over(city: Two, change: Change) -> None:
    """Nothing of it is left, and nothing comes."""
    assert (change.state, change.box) == (Change.State.CANCELLED, Change.Box.REVERTED)
    assert city.told(change)[-2:] == ["reverted", "cancelled"]
    assert set(city.states(change)) == {"confirmed", "skipped"}
    assert set(change.rings.values_list("state", flat=True)) == {"passed", "skipped"}


def test_what_is_paused_ends_with_its_box(city: Two) -> None:
    change = paused_in_its_middle(city)

    end(change, city.asker, *city.approvers)
    while city.step(change):
        pass

    is_over(city, change)


@pytest.mark.parametrize("approved", [False, True])
def test_what_was_asked_anew_ends_with_its_box(city: Two, *, approved: bool) -> None:
    change = paused_in_its_middle(city)
    Device.objects.filter(pk=city.aps[-1].pk).update(ssh_host_key="ssh-ed25519 AAAA")
    services.resume(change=change, by=city.asker)
    city.step(change)
    city.step(change)
    assert (change.state, city.told(change)[-1]) == (Change.State.AWAITING_APPROVAL, "asked-anew")

    end(change, city.asker, *city.approvers)
    if approved:
        approver = city.approvers[0]
        services.decide(change=change, approver=approver, decision=Approval.Decision.APPROVED, digest=change.digest)
    while city.step(change):
        pass

    is_over(city, change)
