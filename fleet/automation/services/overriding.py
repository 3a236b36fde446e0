"""Two people with a reason let a change happen against the clock."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.automation.models import Change, Override
from fleet.automation.rules.lifecycle import CANCELLABLE, ROLLABLE
from fleet.automation.services import holding
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.rollouts.advancing import locked
from fleet.automation.services.rollouts.taking_back import touched
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action

OPEN = CANCELLABLE | {"paused", "halted"}
"""States in which something is still to come."""


def why_no_override(change: Change, user: User) -> str | None:
    """Why this person can neither ask for an exception nor agree to one here; None when they can."""
    if not user.access.may(Action.OVERRIDE_POLICY, change.authority_id, change.site_id):
        return "no-role"
    return None if change.state in OPEN or _to_be_taken_back(change) else "nothing-to-come"


def _to_be_taken_back(change: Change) -> bool:
    return change.state in ROLLABLE and touched(change).exists()


def of_change(change: Change) -> Override | None:
    """The exception for the change as it is now; those for what it was before count no more."""
    rows = Override.objects.filter(change=change, digest=change.digest).select_related("asked_by", "agreed_by")
    return rows.first()


def ask(*, change: Change, digest: str, reason: str, by: User) -> Override:
    """The first of two: says why. Nothing changes by it. Raises DecisionError."""
    if not reason.strip():
        raise DecisionError("no-reason")
    try:
        with transaction.atomic():
            _check(change, digest, by)
            row = Override.objects.create(change=change, digest=digest, reason=reason.strip()[:500], asked_by=by)
            _tell("policy.override-asked", row, by)
    except IntegrityError as error:  # somebody else asked at the same time: theirs waits for the second person
        raise DecisionError("override-asked") from error
    return row


def agree(*, change: Change, digest: str, by: User) -> Override:
    """The second, another person: from now on the clock does not hold this change up. Raises DecisionError."""
    with transaction.atomic():
        _check(change, digest, by)
        row = of_change(change)
        if row is None:
            raise DecisionError("changed-meanwhile")
        if row.asked_by_id == by.pk:
            raise DecisionError("own-override")
        still_open = Override.objects.filter(pk=row.pk, agreed_by__isnull=True)
        if not still_open.update(agreed_by=by, agreed_at=timezone.now()):
            raise DecisionError("already-decided")
        row.refresh_from_db()
        holding.let_all_go()
        _tell("policy.overridden", row, by)
    return row


def _check(change: Change, digest: str, by: User) -> None:
    """By the change as it is now; nobody moves it until the transaction ends."""
    now = locked(change.pk)
    if key := why_no_override(now, by):
        raise DecisionError(key)
    if digest != now.digest:
        raise DecisionError("changed-meanwhile")


def _tell(name: str, row: Override, by: User) -> None:
    payload = {"override_id": row.pk, "digest": row.digest, "reason": row.reason, "asked_by": row.asked_by_id}
    emit(Fact(name, row.change, row.change.authority_id, row.change.site_id, by.pk, payload))
