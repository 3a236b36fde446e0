"""What people decide about a change: approve or reject it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import Approval, Change, Override, Ring, Target
from fleet.automation.rules.approvals import Seat, seat
from fleet.automation.rules.lifecycle import Ballot
from fleet.automation.services import subject
from fleet.automation.services.delegating import forget, stands_in_for
from fleet.automation.services.policy import roles_of
from fleet.automation.services.telling import move, tell
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action, Role


class DecisionError(ValueError):
    """This person may not do that now; `key` says why (no-role, own-change, changed-meanwhile, …)."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def why_not(change: Change, user: User, seen_digest: str | None = None) -> str | None:
    """Why `user` may not decide on `change`, neither for themself nor for a colleague on leave; None when they may."""
    return seat_at(change, user, seen_digest)[1]


def seat_at(change: Change, user: User, seen_digest: str | None = None) -> tuple[Seat | None, str | None]:
    """(in whose name `user` may decide, None), or (None, why not)."""
    valid = [one for one in change.approvals.all() if one.void_at is None]
    ballot = Ballot(
        change_digest=change.digest,
        seen_digest=seen_digest if seen_digest is not None else change.digest,
        requester_id=change.requested_by_id,
        approver_id=user.pk,
        decided_by={*(one.approver_id for one in valid), *(one.on_behalf_of_id for one in valid if one.on_behalf_of_id)},
        awaiting=change.state == Change.State.AWAITING_APPROVAL,
        allowed=False,
    )
    return seat(ballot, seats(change, user))


def seats(change: Change, user: User) -> list[Seat]:
    """Their own, and those of colleagues on leave for whom they decide; a deputy has to see the place."""
    own = Seat(None, may_approve(change, user))
    if own.allowed or not user.access.may(Action.VIEW_SITE, change.authority_id, change.site_id):
        return [own]
    return [own, *(Seat(one.pk, may_approve(change, one)) for one in stands_in_for(user))]


def may_approve(change: Change, user: User) -> bool:
    """Whether this person's own role decides here: the playbook's roles where it names some."""
    if roles := approver_roles(change):
        held = user.access.scopes_as(Role(role) for role in roles if role in set(Role))
        return not held.isdisjoint({change.authority_id, change.site_id})
    return user.access.may(Action.APPROVE_CHANGE, change.authority_id, change.site_id)


def approver_roles(change: Change) -> frozenset[str]:
    try:
        return roles_of(get(change.playbook), "who_approves")
    except CatalogueError:
        return frozenset()


def decide(*, change: Change, approver: User, decision: Approval.Decision, digest: str, comment: str = "") -> Change:
    """Approve or reject what was seen (`digest`). Raises DecisionError."""
    forget(approver)
    try:
        with transaction.atomic():
            now = _locked(change)
            place, key = seat_at(now, approver, digest)
            if place is None:
                raise DecisionError(key or "no-role")
            vote = Approval.objects.create(
                change=now,
                approver=approver,
                on_behalf_of_id=place.for_id,
                decision=decision,
                digest=digest,
                comment=comment[:500],
            )
            _tell_vote(now, vote)
            _count(now, vote)
    except IntegrityError as error:
        raise DecisionError("already-decided") from error
    return now


def agree_beforehand(change: Change, people: Iterable[int]) -> None:
    """These have signed that a remedy may ask for this: their voices, for the count and for the audit."""
    for pk in people:
        vote = Approval.objects.create(
            change=change,
            approver_id=pk,
            decision=Approval.Decision.APPROVED,
            digest=change.digest,
            comment=_("Signed beforehand."),
        )
        _tell_vote(change, vote)


def left(change: Change) -> int:
    """How many more people have to agree."""
    votes = Approval.objects.filter(change=change, digest=change.digest, void_at__isnull=True)
    return max(0, change.approvals_needed - votes.filter(decision=Approval.Decision.APPROVED).count())


def agreed_to_something_else(change: Change) -> bool:
    """Whether what was agreed to is not what the change is now: other arguments, targets (also the same device in another
    place of the network, or as another machine), or another playbook."""
    agreed = Approval.objects.filter(change=change, void_at__isnull=True)
    return agreed.exclude(digest=change.digest).exists() or (agreed.exists() and subject.is_another(change))


def agreed_until(change: Change, ends_at: datetime) -> None:
    """Another end, after as many people have agreed to it as to the change: their voices hold for it as it is from now on,
    unless it was something else already. So does an exception for an earlier end; a later one takes two people anew, whom
    the change itself may not need. The change's row is locked."""
    old, same = change.digest, not subject.is_another(change)
    earlier = change.ends_at is not None and ends_at < change.ends_at
    change.ends_at = ends_at
    change.save(update_fields=["ends_at"])
    if same:
        subject.renew(change)
        Approval.objects.filter(change=change, digest=old, void_at__isnull=True).update(digest=change.digest)
        if earlier and not Override.objects.filter(change=change, digest=change.digest).exists():
            Override.objects.filter(change=change, digest=old).update(digest=change.digest)


def _locked(change: Change) -> Change:
    """The change as it is now; nobody moves it until the transaction ends."""
    return Change.objects.select_for_update().get(pk=change.pk)


def _tell_vote(change: Change, vote: Approval) -> None:
    """Each voice for the audit, with the name in which it was given."""
    payload = {
        "approval_id": vote.pk,
        "decision": vote.decision,
        "digest": vote.digest,
        "on_behalf_of": vote.on_behalf_of_id,
    }
    emit(Fact("approval.given", change, change.authority_id, change.site_id, vote.approver_id, payload))


def _count(change: Change, vote: Approval) -> None:
    votes = list(Approval.objects.filter(change=change, digest=change.digest, void_at__isnull=True))
    said = {"on_behalf_of": vote.on_behalf_of_id} if vote.on_behalf_of_id else {}
    if any(vote.decision == Approval.Decision.REJECTED for vote in votes):
        if move(change, Change.State.REJECTED):
            change.targets.update(state=Target.State.SKIPPED)
            change.rings.update(state=Ring.State.SKIPPED)
            tell(change, "rejected", actor_id=vote.approver_id, **said)
    elif len(votes) >= change.approvals_needed and move(change, Change.State.APPROVED):
        tell(change, "approved", actor_id=vote.approver_id, **said)
