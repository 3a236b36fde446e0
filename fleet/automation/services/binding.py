"""What lets a remedy above low risk run by itself: an administrator's binding with limits, signed by who approves changes.

The signatures are the approvals of every change that the remedy asks for. They hold for exactly what was looked at: another
release of the playbook, other arguments or other limits want new ones.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.automation import policy_file
from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.models import RemedyAct, RemedyPolicy, RemedySignature
from fleet.automation.rules import approvals
from fleet.automation.rules.remedies import Remedy
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.policy import roles_of
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Access, Action, Role

DAY = timedelta(hours=24)
SIGNERS = "signatures__signer__grants"
"""To be fetched along with bindings."""


def needed(playbook: Playbook) -> int:
    """How many have to sign: as many as would have to approve the playbook on one device."""
    return approvals.needed(playbook.risk, 1, 1, tiers=policy_file.known().tiers).count


def digest_of(remedy: Remedy, playbook: Playbook, policy: RemedyPolicy) -> str:
    """SHA-256 over all that a signature agrees to: nothing of it is secret."""
    when = [sorted(remedy.hours), remedy.in_exams, remedy.once_per_hours, remedy.wait_s, policy.most_a_day]
    what = [remedy.slug, playbook.digest, dict(remedy.arguments), remedy.target]
    where = [policy.authority_id, policy.site_id, remedy.alert, sorted(remedy.kinds), sorted(remedy.platforms)]
    return hashlib.sha256(json.dumps([what, when, where], sort_keys=True).encode()).hexdigest()


def signed(remedy: Remedy, policy: RemedyPolicy) -> list[RemedySignature]:
    """The signatures that hold: over exactly this, by people who might still sign it. Raises CatalogueError."""
    playbook = get(remedy.playbook)
    digest = digest_of(remedy, playbook, policy)
    over_this = [one for one in policy.signatures.all() if one.digest == digest]
    return [one for one in over_this if one.signer.is_active and _approves(playbook, policy, _access(one.signer))]


def holds(remedy: Remedy, policy: RemedyPolicy) -> tuple[bool, Sequence[RemedySignature]]:
    """(whether it may run by itself, by whose signatures)."""
    found, count = signed(remedy, policy), needed(get(remedy.playbook))
    return (count == 0 or (policy.most_a_day is not None and len(found) >= count)), found


def ordered_lately(policy: RemedyPolicy, now: datetime) -> int:
    """How often it has run in this place within 24 hours."""
    acts = RemedyAct.objects.filter(remedy=policy.remedy, authority=policy.authority_id, ordered_at__gt=now - DAY)
    return (acts.filter(site=policy.site_id) if policy.site_id else acts).count()


def why_not(remedy: Remedy, policy: RemedyPolicy, user: User, seen: str | None = None) -> str | None:
    """Why `user` may not sign the binding; None when they may. A key of `words.refusal`."""
    try:
        playbook = get(remedy.playbook)
    except CatalogueError:
        return "no-playbook"
    digest = digest_of(remedy, playbook, policy)
    known = signed(remedy, policy)
    reasons = (
        (not _approves(playbook, policy, user.access), "no-role"),
        (not policy.enabled or len(known) >= needed(playbook), "not-awaiting"),
        (policy.set_by_id == user.pk, "own-change"),
        (any(one.signer_id == user.pk for one in known), "already-decided"),
        (seen is not None and seen != digest, "changed-meanwhile"),
    )
    return next((key for holds, key in reasons if holds), None)


def _access(signer: User) -> Access:
    """From grants that a list has fetched along; SIGNERS says how."""
    now = timezone.now()
    held = [one for one in signer.grants.all() if one.expires_at is None or one.expires_at > now]
    return Access.of((one.role, one.scope_id) for one in held)


def _approves(playbook: Playbook, policy: RemedyPolicy, access: Access) -> bool:
    here = {policy.authority_id, policy.site_id}
    if roles := roles_of(playbook, "who_approves"):
        return not access.scopes_as(Role(one) for one in roles if one in set(Role)).isdisjoint(here)
    return access.may(Action.APPROVE_CHANGE, policy.authority_id, policy.site_id)


def sign(*, remedy: Remedy, policy: RemedyPolicy, by: User, digest: str) -> RemedySignature:
    """Agree to what was seen (`digest`). Raises DecisionError."""
    try:
        with transaction.atomic():
            now = RemedyPolicy.objects.select_for_update().filter(pk=policy.pk).first()
            if now is None:
                raise DecisionError("changed-meanwhile")
            if key := why_not(remedy, now, by, digest):
                raise DecisionError(key)
            row = RemedySignature.objects.create(policy=now, signer=by, digest=digest)
            emit(Fact("remedy.signed", now, now.authority_id, now.site_id, by.pk, {"remedy": remedy.slug, "digest": digest}))
    except IntegrityError as error:
        raise DecisionError("already-decided") from error
    return row
