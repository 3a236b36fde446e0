"""What goes beyond what was agreed to (rolling back what is over, another end of a time box) takes as many people again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from fleet.automation.models import Change, Proposal, ProposalVoice
from fleet.automation.rules.approvals import Seat, seat
from fleet.automation.rules.lifecycle import Ballot
from fleet.automation.rules.policy import Answer
from fleet.automation.services import policy
from fleet.automation.services.decisions import DecisionError, seats
from fleet.automation.services.telling import tell
from fleet.people.models import User

GOOD_FOR = timedelta(days=3)
"""What nobody has agreed to by then is to be asked for anew."""


class NotNowError(DecisionError):
    """The school day does not allow it now; `answer` says why, and when next."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("not-now")
        self.answer = answer


def open_of(change: Change, now: datetime) -> QuerySet[Proposal]:
    rows = Proposal.objects.filter(change=change, over_at__isnull=True, asked_at__gt=now - GOOD_FOR)
    return rows.select_related("asked_by").prefetch_related("voices")


def left(proposal: Proposal) -> int:
    """How many more people have to agree."""
    return max(0, proposal.change.approvals_needed - len(proposal.voices.all()))


def seat_at(proposal: Proposal, user: User) -> tuple[Seat | None, str | None]:
    """(in whose name `user` may agree, None), or (None, why not). Nobody agrees to what they have asked for themselves."""
    if proposal.asked_by_id == user.pk:
        return None, "own-proposal"
    voices = list(proposal.voices.all())
    ballot = Ballot(
        change_digest="",
        seen_digest="",
        requester_id=proposal.asked_by_id,
        approver_id=user.pk,
        decided_by={*(one.person_id for one in voices), *(one.on_behalf_of_id for one in voices if one.on_behalf_of_id)},
        awaiting=True,
        allowed=False,
    )
    place, key = seat(ballot, seats(proposal.change, user))
    return place, "proposed" if key == "no-role" else key


def agreed(change: Change, act: Proposal.Act, by: User, *, ends_at: datetime | None = None) -> bool:
    """Whether enough people want it, `by` among them. Otherwise it is noted that `by` does. The change's row is locked.

    Raises DecisionError where `by` has asked for it already, or may not agree to what a colleague has asked for.
    """
    if not change.approvals_needed:
        return True
    now = timezone.now()
    mine = open_of(change, now).filter(act=act, ends_at=ends_at).first()
    if mine is None:
        done(change, act)
        Proposal.objects.create(change=change, act=act, ends_at=ends_at, asked_by=by)
        tell(change, "proposed", actor_id=by.pk, act=act.value, ends_at=ends_at.isoformat() if ends_at else None)
        return False
    if left(mine):
        place, key = seat_at(mine, by)
        if place is None:
            raise DecisionError(key or "proposed")
        ProposalVoice.objects.create(proposal=mine, person=by, on_behalf_of_id=place.for_id)
        tell(change, "proposal-agreed", actor_id=by.pk, act=act.value, on_behalf_of=place.for_id)
    return ProposalVoice.objects.filter(proposal=mine).count() >= change.approvals_needed


def done(change: Change, act: Proposal.Act) -> None:
    """It has happened, or another one takes its place."""
    Proposal.objects.filter(change=change, act=act, over_at__isnull=True).update(over_at=timezone.now())


def forbidden(change: Change, device_ids: Collection[int], at: datetime) -> Answer | None:
    """Why these devices may not be changed at `at`; None when they may."""
    answer = policy.why_not_now(change, device_ids, at)
    return None if answer.allowed else answer
