"""The panel «why not now, and when next» of a change's page, and who agreed to it."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from fleet.automation import policy_words
from fleet.automation.models import Change, Override, Target
from fleet.automation.rules.policy import Answer
from fleet.automation.services import decisions, overriding
from fleet.automation.services.approving import good_until
from fleet.automation.services.delegating import stands_in_for
from fleet.automation.services.policy import request_ends_at, why_not_now
from fleet.automation.services.rollouts.taking_back import touched
from fleet.events.models import Event
from fleet.people.models import User
from fleet.sites.models import Site

ASKED = frozenset({"previewing", "awaiting-approval", "approved", "paused", "halted"})
"""States in which something is still to begin."""


def context(change: Change, user: User) -> dict[str, Any]:
    """{"policy": what `automation/pieces/policy.html` shows, "agreement": what `automation/pieces/agreement.html` shows}.

    A fixed number of queries; none of the school day for a change that is over.
    """
    return {"policy": _policy(change, user) if change.state in ASKED else None, "agreement": agreement(change, user)}


def _policy(change: Change, user: User) -> dict[str, Any]:
    at = max(timezone.now(), change.starts_at)
    return _answered(change, user, change.targets.all(), at)


def for_rolling_back(change: Change, user: User) -> dict[str, Any]:
    """The same for taking back now what is over."""
    return _answered(change, user, touched(change), timezone.now())


def _answered(change: Change, user: User, targets: QuerySet[Target], at: datetime) -> dict[str, Any]:
    answer = why_not_now(change, list(targets.values_list("device_id", flat=True)), at)
    return {
        "allowed": answer.allowed,
        "at": at,
        "later": at > timezone.now(),
        "next_at": answer.next_at,
        **policy_words.reasons(answer.reasons, seen(answer, user)),
        **_override(change, user, needed=not answer.allowed),
    }


def seen(answer: Answer, user: User) -> set[int]:
    """Ids of the schools among the reasons whose names this person may read."""
    named = {one.details["site_id"] for one in answer.reasons if "site_id" in one.details}
    return set(Site.objects.visible_to(user).filter(pk__in=named).values_list("pk", flat=True)) if named else set()


def _override(change: Change, user: User, *, needed: bool) -> dict[str, Any]:
    row = overriding.of_change(change)
    may = overriding.why_no_override(change, user) is None
    return {
        "override": row,
        "may_ask": may and needed and row is None,
        "may_agree": may and _waits_for_another(row, user),
    }


def _waits_for_another(row: Override | None, user: User) -> bool:
    return row is not None and row.agreed_by_id is None and row.asked_by_id != user.pk


def agreement(change: Change, user: User) -> dict[str, Any]:
    """Who agreed, in whose name, until when that or the request is good, and why nothing came of it."""
    awaiting, approved = change.state == Change.State.AWAITING_APPROVAL, change.state == Change.State.APPROVED
    votes = sorted(change.approvals.all(), key=lambda one: (one.decided_at, one.pk))
    return {
        "votes": votes,
        "left": max(0, change.approvals_needed - sum(one.void_at is None for one in votes)) if awaiting else 0,
        "until": request_ends_at(change) if awaiting else good_until(change) if approved else None,
        "awaiting": awaiting,
        "anew": awaiting and any(one.void_at for one in votes),
        "in_name_of": _in_name_of(change, user) if awaiting else None,
        "expired": expired_because(change) if change.state == Change.State.CANCELLED else "",
    }


def _in_name_of(change: Change, user: User) -> User | None:
    """For whom this person would decide, where it is not for themself."""
    place, _why = decisions.seat_at(change, user)
    if place is None or place.for_id is None:
        return None
    return next((one for one in stands_in_for(user) if one.pk == place.for_id), None)


def expired_because(change: Change) -> str:
    """Why it was cancelled by itself, as a sentence; empty where somebody did."""
    told = Event.objects.filter(
        name="change.cancelled", subject_type=change._meta.label_lower, subject_id=change.pk
    ).order_by("-pk")
    last = told.first()
    return policy_words.expired(last.payload) if last else ""
