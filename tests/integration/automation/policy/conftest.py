"""Changes that wait for a decision, where the policy is what a city starts with."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from fleet.automation.models import Approval, Change, Delegation, PolicyRule, Target
from fleet.automation.services import approving, delegating
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.delegating import Leave, LeaveError
from fleet.automation.services.policy import why_not_now
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import City

BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = datetime(2026, 11, 18, 8, 10, tzinfo=BERLIN)
"""In lesson 1 (8:00–8:45) of both schools, in Bavaria a day off for pupils; so the week after is used where that matters."""
LESSON = WEDNESDAY + timedelta(days=7)
APPROVED, REJECTED = Approval.Decision.APPROVED, Approval.Decision.REJECTED


def make_change(city: City, asker: User | None = None, state: str = "awaiting-approval", **other: Any) -> Change:
    values = {"risk": "medium", "approvals_needed": 1, "starts_at": timezone.now(), "playbook": "psk-rotate"} | other
    change = Change.objects.create(
        authority=city.authority,
        site=city.school_a,
        playbook_digest="0" * 64,
        digest="1" * 64,
        requested_by=asker or city.coordinator_a,
        state=state,
        **values,
    )
    Target.objects.create(change=change, device=city.access_point_a)
    return change


@pytest.fixture(autouse=True)
def usual_policy(city: City) -> None:
    PolicyRule.objects.all().delete()


@pytest.fixture
def change(city: City) -> Change:
    return make_change(city)


@pytest.fixture
def frieda(city: City) -> User:
    user = User.objects.create_user("frieda@musterstadt.example", name="Frieda")
    people.grant(user=user, role=Role.APPROVER, scope_id=city.authority.pk)
    return user


def keys(change: Change, at: datetime = LESSON, device_ids: list[int] | None = None) -> set[str]:
    ids = device_ids or list(change.targets.values_list("device_id", flat=True))
    return {reason.key for reason in why_not_now(change, ids, at).reasons if reason.blocks}


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises((DecisionError, LeaveError, approving.LinkError)) as raised:
        act()
    return raised.value.key


def leave(city: City, deputy: User, by: User | None = None, person: User | None = None) -> Delegation:
    """Franka, or `person`, is away from an hour ago for a week; `deputy` decides in her name."""
    now = timezone.now()
    away = Leave(person or city.approver, deputy, now - timedelta(hours=1), now + timedelta(days=7))
    return delegating.delegate(leave=away, by=by or away.person)
