"""Asking people for their agreement: whom, by which link, and until when."""

import hashlib
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.automation import policy_file
from fleet.automation.catalogue import CatalogueError, all_playbooks
from fleet.automation.models import Approval, ApprovalLink, Change, Delegation, Proposal, Run
from fleet.automation.models.policy import SIGNER
from fleet.automation.services import proposing, subject
from fleet.automation.services.decisions import approver_roles, decide
from fleet.automation.services.delegating import stands_in_for
from fleet.automation.services.policy import approval_ends_at, request_ends_at, roles_of
from fleet.automation.services.rollouts.advancing import stop
from fleet.automation.services.telling import move, tell
from fleet.events.models import Event
from fleet.people.models import Grant, User
from fleet.people.rules import ACTIONS, Action, Role

TOLD_FOR = timedelta(days=14)
"""So long whoever asked for it is told on their list of changes that nothing came of it."""


class LinkError(ValueError):
    """The link decides nothing; `key`: unknown, not-yours, used, expired, over."""

    def __init__(self, key: str, change_id: int | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.change_id = change_id
        """Only for the person whose link it is."""


def approvers(change: Change, asked_by_id: int | None) -> list[User]:
    """Who may decide on it, and their deputies; never who asked for it."""
    now, here = timezone.now(), {change.authority_id, change.site_id}
    roles = approver_roles(change) or {role.value for role, actions in ACTIONS.items() if Action.APPROVE_CHANGE in actions}
    grants = Grant.objects.current(now).filter(scope__in=here - {None}, role__in=roles)
    deciders = User.objects.filter(is_active=True, pk__in=grants.values("user")).exclude(pk=asked_by_id or 0)
    known = {person.pk: person for person in deciders}
    for row in Delegation.objects.current(now).filter(person__in=known).select_related("deputy"):
        deputy = row.deputy
        if deputy.is_active and deputy.pk != asked_by_id and deputy.access.may(Action.VIEW_SITE, *here):
            known.setdefault(deputy.pk, deputy)
    return sorted(known.values(), key=lambda person: person.pk)


def awaiting(user: User) -> QuerySet[Change]:
    """What waits for this person's decision, or for that of a colleague on leave for whom they decide."""
    people, named = [user, *stands_in_for(user)], _named_roles()
    usual = {scope for one in people for scope in one.access.scopes(Action.APPROVE_CHANGE)}
    theirs = _lies_in(usual) & ~Q(playbook__in=named)
    for slug, roles in named.items():
        if scopes := {scope for one in people for scope in one.access.scopes_as(roles)}:
            theirs |= _lies_in(scopes) & Q(playbook=slug)
    return Change.objects.visible_to(user).filter(theirs, state=Change.State.AWAITING_APPROVAL)


def _lies_in(scopes: Collection[int]) -> Q:
    return Q(authority__in=scopes) | Q(site__in=scopes)


def _named_roles() -> dict[str, list[Role]]:
    """{playbook that names itself who approves it: roles}"""
    try:
        found = {one.slug: roles_of(one, "who_approves") for one in all_playbooks()}
    except CatalogueError:
        return {}
    return {slug: [Role(role) for role in roles if role in set(Role)] for slug, roles in found.items() if roles}


def invite(*, change: Change) -> list[ApprovalLink]:
    """A link for everybody who may decide; none while nobody has to. Runs inside of the caller's transaction."""
    if change.state != Change.State.AWAITING_APPROVAL:
        return []
    now = timezone.now()
    until = min(now + policy_file.known().link_for, request_ends_at(change))
    if until <= now:
        return []
    return [_link(change, person, until) for person in approvers(change, change.requested_by_id)]


def invite_to_agree(*, proposal: Proposal) -> list[ApprovalLink]:
    """The same for what a colleague wants done beyond what was agreed to; none while nobody has to agree any more."""
    now, change = timezone.now(), proposal.change
    until = min(now + policy_file.known().link_for, proposal.asked_at + proposing.GOOD_FOR)
    if proposal.over_at or not proposing.left(proposal) or until <= now:
        return []
    people = [person for person in approvers(change, proposal.asked_by_id) if proposing.seat_at(proposal, person)[0]]
    return [_link(change, person, until, proposal) for person in people]


def _link(change: Change, person: User, until: datetime, proposal: Proposal | None = None) -> ApprovalLink:
    uid = uuid.uuid4()
    digest = hashlib.sha256(SIGNER.sign(uid.hex).encode()).hexdigest()
    about: dict[str, Any] = {"change": change, "proposal": proposal, "change_digest": change.digest}
    return ApprovalLink.objects.create(uid=uid, person=person, digest=digest, expires_at=until, **about)


def opened(*, token: str, person: User) -> ApprovalLink:
    """The link, if it is this person's and still good. Raises LinkError; a stranger learns nothing but that."""
    digest = ApprovalLink.digest_of(token)
    rows = ApprovalLink.objects.select_related("change", "person", "proposal__asked_by")
    link = rows.filter(digest=digest).first() if digest else None
    if link is None:
        raise LinkError("unknown")
    if link.person_id != person.pk:
        raise LinkError("not-yours")
    if not Change.objects.visible_to(person).filter(pk=link.change_id).exists():
        raise LinkError("unknown")  # their role there is over
    reasons = (
        (link.used_at is not None, "used"),
        (link.expires_at <= timezone.now(), "expired"),
        (not asks(link), "over"),
    )
    for holds, key in reasons:
        if holds:
            raise LinkError(key, link.change_id)
    return link


def asks(link: ApprovalLink) -> bool:
    """Whether that is still to be decided which it was made for."""
    if link.proposal is None:
        return link.change.state == Change.State.AWAITING_APPROVAL and link.change_digest == link.change.digest
    is_open = proposing.open_of(link.change, timezone.now()).filter(pk=link.proposal.pk).exists()
    return is_open and proposing.left(link.proposal) > 0


def use(link: ApprovalLink) -> None:
    """In the transaction in which it decides, with the change's row locked. Raises LinkError."""
    now = timezone.now()
    good = ApprovalLink.objects.filter(pk=link.pk, used_at__isnull=True, expires_at__gt=now)
    if not good.update(used_at=now):
        raise LinkError("used", link.change_id)


def decide_by_link(*, link: ApprovalLink, decision: Approval.Decision, comment: str = "") -> Change:
    """Decides, and uses the link up: both or neither. Raises LinkError, DecisionError."""
    with transaction.atomic():
        Change.objects.select_for_update().get(pk=link.change_id)  # first, as everywhere
        use(link)
        return decide(
            change=link.change, approver=link.person, decision=decision, digest=link.change_digest, comment=comment
        )


def unanswered(now: datetime) -> QuerySet[Change]:
    """Requests that may have waited too long for people; `end_request` knows."""
    patience = policy_file.known().patience
    perhaps = Q(state_since__lte=now - patience.request) | Q(starts_at__lte=now - patience.after_start)
    return Change.objects.filter(perhaps, state=Change.State.AWAITING_APPROVAL).defer("secret_arguments")


def end_request(change: Change, now: datetime) -> None:
    """The change's row is locked."""
    if request_ends_at(change) <= now:
        stop(change, late=True, expired=True)


def never_begun(now: datetime) -> QuerySet[Change]:
    """What was approved, or needed nobody's approval, and may have waited too long for its hour."""
    before = now - policy_file.known().patience.approval
    begun = Run.objects.filter(change=OuterRef("pk"), kind=Run.Kind.APPLY, started_at__isnull=False)
    live = Run.objects.filter(change=OuterRef("pk"), state__in=Run.LIVE)
    waiting = Change.objects.filter(~Exists(begun), ~Exists(live), state=Change.State.APPROVED)
    return waiting.filter(starts_at__lte=before).defer("secret_arguments")


def good_until(change: Change) -> datetime:
    """When what was agreed to, and is not under way, must be asked anew: reckoned from the voices, however often it has
    stood still since. Where nobody had to agree, from when it was last let go on."""
    votes = [one.decided_at for one in change.approvals.all() if one.void_at is None]
    if not votes:
        return approval_ends_at(change)
    return max(*votes, change.starts_at) + policy_file.known().patience.approval


def too_old(change: Change, now: datetime) -> bool:
    """Whether people have agreed to it so long ago that it may not go on by that."""
    return change.approvals_needed > 0 and good_until(change) <= now


def end_approval(change: Change, now: datetime) -> None:
    """What people agreed to is asked anew; what nobody had to agree to ends. The change's row is locked."""
    if good_until(change) > now:
        return
    if change.approvals_needed:
        ask_anew(change, now)
    else:
        stop(change, late=True, expired=True, never_allowed=True)


def ended_unbegun(user: User, now: datetime) -> list[tuple[Change, Event]]:
    """What this person asked for and what ended by itself lately, with what was told of it; newest first. Two queries."""
    mine = Change.objects.visible_to(user).filter(requested_by=user, state=Change.State.CANCELLED)
    lately = {one.pk: one for one in mine.filter(state_since__gte=now - TOLD_FOR).defer("secret_arguments")}
    about = Event.objects.filter(subject_type=Change._meta.label_lower, subject_id__in=lately, name="change.cancelled")
    told = about.filter(payload__expired=True).order_by("-pk") if lately else ()
    return [(lately.pop(event.subject_id), event) for event in told if event.subject_id in lately]


def ask_anew(change: Change, now: datetime) -> None:
    """What was agreed to holds no more. The change's row is locked."""
    if move(change, Change.State.AWAITING_APPROVAL):
        subject.renew(change)
        forget_votes(change, now)
        tell(change, "asked-anew")


def ask_again(change: Change, now: datetime) -> None:
    """It is something else now than what people were asked, and nothing of it has begun. The change's row is locked."""
    if not change.approvals_needed:
        return
    if change.state == Change.State.PAUSED:
        move(change, Change.State.APPROVED)
    if change.state == Change.State.AWAITING_APPROVAL:
        forget_votes(change, now)
        tell(change, "asked-anew")
    elif change.state == Change.State.APPROVED:
        ask_anew(change, now)
    else:  # being checked: nobody was asked yet, but some may have agreed beforehand
        forget_votes(change, now)


def forget_votes(change: Change, now: datetime) -> None:
    Approval.objects.filter(change=change, void_at__isnull=True).update(void_at=now)
