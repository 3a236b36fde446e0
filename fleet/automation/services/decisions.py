"""What people decide about a change: approve, reject, cancel, try again."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.automation.models import Approval, Change, Run
from fleet.automation.rules.lifecycle import CANCELLABLE, RETRYABLE, Ballot, refusal, too_late
from fleet.automation.services.telling import move, queue_run, tell
from fleet.people.models import User
from fleet.people.rules import Action


class DecisionError(ValueError):
    """This person may not do that now; `key` says why (no-role, own-change, changed-meanwhile, …)."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def why_not(change: Change, user: User, seen_digest: str | None = None) -> str | None:
    """Why `user` may not decide on `change`; None when they may."""
    return refusal(
        Ballot(
            change_digest=change.digest,
            seen_digest=seen_digest if seen_digest is not None else change.digest,
            requester_id=change.requested_by_id,
            approver_id=user.pk,
            decided_by=[approval.approver_id for approval in change.approvals.all()],
            awaiting=change.state == Change.State.AWAITING_APPROVAL,
            allowed=user.access.may(Action.APPROVE_CHANGE, change.authority_id, change.site_id),
        )
    )


def decide(*, change: Change, approver: User, decision: Approval.Decision, digest: str, comment: str = "") -> Change:
    """Approve or reject what was seen (`digest`). Raises DecisionError."""
    try:
        with transaction.atomic():
            now = _locked(change)
            if key := why_not(now, approver, digest):
                raise DecisionError(key)
            Approval.objects.create(change=now, approver=approver, decision=decision, digest=digest, comment=comment[:500])
            _count(now, approver)
    except IntegrityError as error:
        raise DecisionError("already-decided") from error
    return now


def _locked(change: Change) -> Change:
    """The change as it is now; nobody moves it until the transaction ends."""
    return Change.objects.select_for_update().get(pk=change.pk)


def _count(change: Change, approver: User) -> None:
    votes = list(Approval.objects.filter(change=change, digest=change.digest))
    if any(vote.decision == Approval.Decision.REJECTED for vote in votes):
        if move(change, Change.State.REJECTED):
            tell(change, "rejected", actor_id=approver.pk)
    elif len(votes) >= change.approvals_needed and move(change, Change.State.APPROVED):
        tell(change, "approved", actor_id=approver.pk)


def cancel(*, change: Change, by: User) -> Change:
    """Stop what has not happened yet: at once while nothing runs; a running playbook is killed with its whole tree."""
    with transaction.atomic():
        now = _locked(change)
        if now.state not in CANCELLABLE:
            raise DecisionError("not-cancellable")
        running = Run.objects.filter(change=now, state=Run.State.RUNNING)
        if running.update(cancel_requested_at=timezone.now(), cancel_requested_by=by):
            return now
        Run.objects.filter(change=now, state=Run.State.QUEUED).update(
            state=Run.State.CANCELLED, finished_at=timezone.now(), waits_for=""
        )
        if move(now, Change.State.CANCELLED):
            tell(now, "cancelled", actor_id=by.pk)
    return now


def check_and_retry(*, change: Change, by: User) -> Change:
    """Measure first: what is already as wanted is done. Only otherwise, and only by this click, a new attempt is queued.

    Raises DecisionError; `too-late` when the time for which the change was wanted is over.
    """
    try:
        with transaction.atomic():
            return _retry(_locked(change), by)
    except IntegrityError as error:  # a run of it is under way
        raise DecisionError("changed-meanwhile") from error


def _retry(change: Change, by: User) -> Change:
    if change.box == Change.Box.FAILED:
        change.box = Change.Box.PENDING
        change.save(update_fields=["box"])
        queue_run(change, Run.Kind.REVERT)
    elif change.state not in RETRYABLE:
        raise DecisionError("not-retryable")
    elif too_late(ends_at=change.ends_at, now=timezone.now()):
        raise DecisionError("too-late")
    elif change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).exists():
        _again(change, Change.State.APPROVED, Run.Kind.APPLY)
    else:
        _again(change, Change.State.PREVIEWING, Run.Kind.PREVIEW)
    tell(change, "retried", actor_id=by.pk)
    return change


def _again(change: Change, state: Change.State, kind: Run.Kind) -> None:
    if not move(change, state):
        raise DecisionError("changed-meanwhile")
    queue_run(change, kind)
