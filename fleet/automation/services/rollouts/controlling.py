"""What people do with a change under way: stop, pause, go on, try again, roll back, ask for it anew."""

from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.automation.models import ApprovalLink, Change, Proposal, Ring, Run, Target
from fleet.automation.rules.lifecycle import CANCELLABLE, ENDED, PAUSABLE, RETRYABLE, ROLLABLE, too_late
from fleet.automation.rules.policy import Answer
from fleet.automation.rules.rollout import BAD, TO_COME, UNDONE
from fleet.automation.services import boxes
from fleet.automation.services.approving import ask_anew, forget_votes, too_old, use
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.proposing import NotNowError, agreed, done, forbidden, open_of
from fleet.automation.services.rollouts.advancing import advance, locked, reversible, stop, under_way
from fleet.automation.services.rollouts.taking_back import begin_taking_back, left_over, touched
from fleet.automation.services.telling import move, queue_run, tell
from fleet.people.models import User

GOES_ON = (Run.Kind.MEND, Run.Kind.REVERT)
"""Runs that stopping a rollout leaves alone: they bring back what was there before."""


def cancel(*, change: Change, by: User) -> Change:
    """Stop what has not happened yet: at once while nothing runs; a running playbook is killed with its whole tree.

    A time box whose time is over is taken back all the same.
    """
    with transaction.atomic():
        now = locked(change.pk)
        if now.state == Change.State.VERIFYING and now.targets.filter(state__in=TO_COME).exists():
            _wish(now, Change.Wish.STOP)
            return now
        if now.state not in CANCELLABLE:
            raise DecisionError("not-cancellable")
        _stop(now, by)
    return now


def _stop(change: Change, by: User | None) -> None:
    running = change.runs.filter(state=Run.State.RUNNING).exclude(kind__in=GOES_ON)
    if running.update(cancel_requested_at=timezone.now(), cancel_requested_by=by):
        _wish(change, Change.Wish.STOP)  # should this run end by itself just now, nothing comes after it either
        return
    _drop_queued(change, but=GOES_ON)
    stop(change, actor_id=by.pk if by else None)


def withdraw(*, change_id: int) -> bool:
    """Stop what is not wanted any more unless it has been begun; whether nothing was done, and so nothing will be."""
    with transaction.atomic():
        now = locked(change_id)
        if now.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).exists():
            return False
        if now.state in CANCELLABLE:
            _stop(now, None)
    return True


def _wish(change: Change, wish: Change.Wish) -> None:
    change.wish = wish.value
    change.save(update_fields=["wish"])


def _drop_queued(change: Change, *, but: Collection[Run.Kind]) -> None:
    queued = change.runs.filter(state=Run.State.QUEUED).exclude(kind__in=but)
    queued.update(state=Run.State.CANCELLED, finished_at=timezone.now(), waits_for="")


def pause(*, change: Change, by: User) -> Change:
    """Begin nothing more: the step under way is finished and measured first."""
    with transaction.atomic():
        now = locked(change.pk)
        if now.state not in PAUSABLE or now.wish in {Change.Wish.STOP, Change.Wish.ROLL_BACK}:
            raise DecisionError("not-pausable")
        if now.wish == Change.Wish.PAUSE:
            raise DecisionError("changed-meanwhile")
        _drop_queued(now, but=GOES_ON)
        if under_way(now):
            _wish(now, Change.Wish.PAUSE)
        elif not move(now, Change.State.PAUSED):
            raise DecisionError("changed-meanwhile")
        tell(now, "pause-asked" if now.wish else "paused", actor_id=by.pk)
    return now


def resume(*, change: Change, by: User) -> Change:
    with transaction.atomic():
        now = locked(change.pk)
        if now.state in PAUSABLE and now.wish == Change.Wish.PAUSE:
            _wish(now, Change.Wish.GO_ON)
        elif not (now.state == Change.State.PAUSED and move(now, Change.State.APPROVED)):
            raise DecisionError("not-paused")
        else:
            _go_on(now)
        tell(now, "resumed", actor_id=by.pk)
    return now


def _go_on(change: Change) -> None:
    """At once where its time has come; otherwise the tender does it then. By an agreement that is too old it does not."""
    now = timezone.now()
    if too_old(change, now):
        ask_anew(change, now)
    elif change.starts_at <= now and not under_way(change):
        advance(change, now)


def check_and_retry(*, change: Change, by: User) -> Change:
    """Measure first: what is already as wanted is done. Only otherwise, and only by this click, a new attempt is queued.

    Takes everything that is not confirmed. Raises DecisionError; `too-late` when the time for which the change was wanted
    is over.
    """
    return _retry(change, by, BAD)


def retry_failed(*, change: Change, by: User) -> Change:
    """Try again exactly those that failed, were unreachable, or of which nobody knows. Raises DecisionError."""
    return _retry(change, by, UNDONE)


def _retry(change: Change, by: User, states: Collection[str]) -> Change:
    try:
        with transaction.atomic():
            now = locked(change.pk)
            if now.box == Change.Box.FAILED:
                boxes.again(change=now)
            elif now.state in RETRYABLE and now.taking_back_since is not None:
                _take_back_again(now, by)
            else:
                _apply_again(now, states)
            tell(now, "retried", actor_id=by.pk)
    except IntegrityError as error:  # a run of it is under way
        raise DecisionError("changed-meanwhile") from error
    return now


def _take_back_again(change: Change, by: User) -> None:
    """It was agreed to that all of it goes: what is left of it is not set up anew."""
    left = list(left_over(change).values_list("device_id", flat=True))
    if not left:  # retired since
        raise DecisionError("nothing-to-retry")
    if why_not := forbidden(change, left, timezone.now()):
        raise NotNowError(why_not)
    if not begin_taking_back(change, actor_id=by.pk):
        raise DecisionError("changed-meanwhile")


def _apply_again(change: Change, states: Collection[str]) -> None:
    if change.state not in RETRYABLE:
        raise DecisionError("not-retryable")
    if too_late(ends_at=change.ends_at, now=timezone.now()):
        raise DecisionError("too-late")
    if change.runs.filter(state__in=Run.LIVE).exists():
        raise DecisionError("changed-meanwhile")
    if not change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).exists():
        if not move(change, Change.State.PREVIEWING):
            raise DecisionError("changed-meanwhile")
        if too_old(change, timezone.now()):
            forget_votes(change, timezone.now())
        queue_run(change, Run.Kind.PREVIEW)
        return
    if not _reopen(change, states) and not (states is BAD and _any_left(change)):
        raise DecisionError("nothing-to-retry")
    if not move(change, Change.State.APPROVED, wish=Change.Wish.GO_ON):
        raise DecisionError("changed-meanwhile")
    change.wish = Change.Wish.GO_ON.value
    if too_old(change, timezone.now()):
        ask_anew(change, timezone.now())
    else:
        advance(change, timezone.now())


def _any_left(change: Change) -> bool:
    """What a lost run has not said is measured again; what is as wanted is not done again."""
    if not change.targets.filter(state=Target.State.WAITING).exists():
        _reopen(change, {Target.State.CONFIRMED})
    return change.targets.filter(state=Target.State.WAITING).exists()


def _reopen(change: Change, states: Collection[str]) -> int:
    """Let those wait again; what stays bad in their rings is borne while they are tried, and not beyond."""
    again = change.targets.filter(state__in=states)
    rings = list(change.rings.filter(pk__in=again.values("ring")))
    count = again.update(state=Target.State.WAITING)
    for ring in rings:
        left = ring.targets.filter(state__in=BAD).count()
        ring.details = {"accepted": left} if left else {}
        ring.state, ring.reason, ring.finished_at = Ring.State.RUNNING.value, "", None
        ring.save(update_fields=["details", "state", "reason", "finished_at"])
    return count


def roll_back(*, change: Change, by: User) -> Change:
    """Take back on every device that was touched, after the step under way. Raises DecisionError.

    What is over was agreed to as it is: taking it back then is asked of the school day, and of as many people as agreed to
    it. Until they have, it is noted that `by` wants it.
    """
    with transaction.atomic():
        now = locked(change.pk)
        why_not = _roll_back(now, by)
    if why_not:  # who has agreed has agreed: it is begun by another click when the school day allows it
        raise NotNowError(why_not)
    return now


def _roll_back(change: Change, by: User) -> Answer | None:
    if change.state not in ROLLABLE or change.box in {Change.Box.REVERTING, Change.Box.REVERTED}:
        raise DecisionError("not-rollable")
    if not reversible(change):
        raise DecisionError("no-way-back")
    if change.state in ENDED:
        if not touched(change).exists():
            raise DecisionError("nothing-to-take-back")
        if not agreed(change, Proposal.Act.ROLL_BACK, by):
            return None
        if why_not := forbidden(change, list(touched(change).values_list("device_id", flat=True)), timezone.now()):
            return why_not
        done(change, Proposal.Act.ROLL_BACK)
    _drop_queued(change, but=[Run.Kind.MEND])
    if under_way(change, but=Run.Kind.MEND):  # nothing of the change goes on after that one
        _wish(change, Change.Wish.ROLL_BACK)
    elif not begin_taking_back(change, actor_id=by.pk):
        raise DecisionError("nothing-to-take-back" if not touched(change).exists() else "changed-meanwhile")
    return None


def agree_to(*, proposal: Proposal, by: User) -> Change:
    """Another person agrees to what a colleague has asked for; with the last one needed it happens. Raises DecisionError."""
    change = proposal.change
    if not open_of(change, timezone.now()).filter(pk=proposal.pk).exists():
        raise DecisionError("changed-meanwhile")
    if proposal.act == Proposal.Act.ROLL_BACK:
        return roll_back(change=change, by=by)
    try:
        if proposal.ends_at is None:
            boxes.end_now(change=change, by=by)
        else:
            boxes.extend(change=change, ends_at=proposal.ends_at, by=by)
    except boxes.BoxError as error:
        raise DecisionError("changed-meanwhile") from error
    return change


def agree_by_link(*, link: ApprovalLink) -> Change:
    """Agrees, and uses the link up: both or neither. Raises LinkError, DecisionError."""
    if link.proposal is None:
        raise DecisionError("changed-meanwhile")
    not_now = None
    with transaction.atomic():
        change = locked(link.change_id)
        use(link)
        try:
            agree_to(proposal=link.proposal, by=link.person)
        except NotNowError as error:  # who has agreed has agreed
            not_now = error
    if not_now:
        raise not_now
    return change


def relaunch(*, change: Change, by: User) -> Change:
    """The same order as a new change, with its own preview and approvals; asked twice, the one that is not over yet.

    Its dates hold as far as they lie ahead: what was wanted until an hour stays no longer, and is refused after it
    (`too-late`). Raises DecisionError or OrderError.
    """
    if change.state not in ENDED:
        raise DecisionError("not-over")
    if too_late(ends_at=change.ends_at, now=timezone.now()):
        raise DecisionError("too-late")
    with transaction.atomic():
        locked(change.pk)  # of two clicks at once the second gets what the first has asked for
        asked = change.relaunches.filter(requested_by=by).exclude(state__in=ENDED).first()
        return asked or _asked_anew(change, by)


def _asked_anew(change: Change, by: User) -> Change:
    from fleet.automation.services.ordering import Order, request_change
    from fleet.automation.services.rollouts.planning import strategy_of
    from fleet.people.rules import Action

    ids = list(change.targets.values_list("device_id", flat=True))
    order = Order(
        playbook=change.playbook,
        arguments={**change.arguments, **(change.secret_arguments or {})},
        device_ids=ids,
        requested_by=by,
        starts_at=change.starts_at if change.starts_at > timezone.now() else None,
        ends_at=change.ends_at,
        reason=change.reason,
        right=Action.REQUEST_CHANGE,
        strategy=strategy_of(change) if change.strategy else None,
        matched=not ids,
        home=(change.authority_id, change.site_id),
        relaunch_of=change,
    )
    return request_change(order=order)
