"""Taking time-boxed changes back, device by device: what another one still wants stays, the silent have their turn later."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.automation.models import BoxEnd, Change, HostResult, Proposal, Restoration, Run
from fleet.automation.rules.boxes import Act
from fleet.automation.rules.policy import Answer
from fleet.automation.services import subject
from fleet.automation.services.approving import ask_again
from fleet.automation.services.composing import Group, agreeing, endings, next_group
from fleet.automation.services.decisions import agreed_until
from fleet.automation.services.proposing import NotNowError, agreed, done, forbidden
from fleet.automation.services.rollouts.advancing import locked, stop
from fleet.automation.services.rollouts.resting import not_reached, resting
from fleet.automation.services.rollouts.taking_back import is_gone, touched
from fleet.automation.services.telling import Part, queue_run, tell, why
from fleet.devices.models import Device
from fleet.people.models import User

State = BoxEnd.State
OPEN = (State.OFFLINE,)
"""Rows of devices that still have to be taken back."""
STANDS_STILL = (Change.State.AWAITING_APPROVAL, Change.State.APPROVED, Change.State.PAUSED, Change.State.HALTED)
"""Of a rollout that has begun: the rest of it waits, for people or for its turn."""


class BoxError(ValueError):
    """It cannot be extended or ended; `key` says why (not-boxed, over, not-begun, too-early)."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def still_wanted(change: Change, device: Device) -> Change | None:
    """Another change that wants the same thing on this device and is not over; None when it may be taken back."""
    found = endings(change, [device.pk], timezone.now())[device.pk].other
    return Change.objects.filter(pk=found).first() if found else None


def advance(change: Change, now: datetime) -> None:
    """The next step of taking `change` back. Called in a transaction, while nothing of it is queued or running."""
    devices, rest = _open_devices(change), resting(change, change.ends_at or now, now)
    found = endings(change, [pk for pk in devices if pk not in rest], now)
    _leave(change, {pk: one.other for pk, one in found.items() if one.act == Act.LEAVE}, now)
    group = next_group(found)
    if group:
        _queue(change, group)
    elif rest.isdisjoint(devices):
        _finish(change)


def _open_devices(change: Change) -> list[int]:
    over = BoxEnd.objects.filter(change=change).exclude(state__in=OPEN).values("device_id")
    return list(touched(change).exclude(device_id__in=over).order_by("device_id").values_list("device_id", flat=True))


def _leave(change: Change, left: Mapping[int, int | None], now: datetime) -> None:
    for device, other in left.items():
        _note(change, device, state=State.LEFT, in_favour_of_id=other, at=now)
    if left:
        tell(change, "left", device_ids=sorted(left), in_favour_of=sorted({other for other in left.values() if other}))


def _note(change: Change, device_id: int, **values: Any) -> None:
    BoxEnd.objects.update_or_create(change=change, device_id=device_id, defaults=values)


def _queue(change: Change, group: Group) -> None:
    """Two tenders at once: the constraint «one live run per change» lets one through."""
    try:
        with transaction.atomic():
            run = queue_run(change, Run.Kind.REVERT, _step_of(change, group))
            if group.other:
                Restoration.objects.create(run=run, change_id=group.other)
    except IntegrityError:
        return


def _step_of(change: Change, group: Group) -> Part:
    """Of the group, those of the last step: taken back as it went out, so that no building loses everything at once."""
    mine = change.targets.filter(device_id__in=group.device_ids)
    last = mine.order_by("-ring__number", "step").select_related("ring").first()
    if last is None:
        return Part(None, 1, group.device_ids)
    ids = mine.filter(ring=last.ring, step=last.step).order_by("device_id").values_list("device_id", flat=True)
    return Part(last.ring, last.step, list(ids))


def outdated(run: Run, now: datetime) -> bool:
    """Whether somebody has begun, extended or ended something meanwhile, so that this taking back is not right any more."""
    if run.kind != Run.Kind.REVERT:
        return False
    ids = list(run.hosts.values_list("device_id", flat=True))
    other = Restoration.objects.filter(run=run).values_list("change_id", flat=True).first()
    return not agreeing(endings(run.change, ids, now), Act.RESTORE if other else Act.TAKE_BACK, other)


def settle(*, run: Run, verdict: str) -> None:
    """A taking back has been measured: note each device, and say so when there is nothing left to do."""
    if run.change.box == Change.Box.NONE:  # taken back for another reason than the end of its time
        return
    restored = Restoration.objects.filter(run=run).values_list("change_id", flat=True).first()
    known = set(BoxEnd.objects.filter(change=run.change_id, state=State.OFFLINE).values_list("device_id", flat=True))
    rested = not_reached(run)
    waiting = {row.device_id for row in run.hosts.all() if not _note_host(run, row, restored, rested)}
    if fresh := sorted(waiting - known):
        tell(run.change, "revert-waits", run_id=run.pk, device_ids=fresh, **why(run))
    if _open_devices(run.change):
        _move(run.change_id, Change.Box.PENDING)
    elif BoxEnd.objects.filter(change=run.change_id, state=State.FAILED).exists():
        if _move(run.change_id, Change.Box.FAILED):
            tell(run.change, "revert-failed", run_id=run.pk, verdict=verdict, **why(run))
    elif _move(run.change_id, Change.Box.REVERTED):
        tell(run.change, "reverted", run_id=run.pk, verdict=verdict, **why(run))
        _give_up_waiting(run.change)


def _note_host(run: Run, row: HostResult, restored: int | None, rested: Collection[int]) -> bool:
    """False for a device that has to have another turn, since nothing was done there."""
    now = timezone.now()
    if is_gone(run, row):
        state = State.RESTORED if restored else State.REVERTED
        _note(run.change, row.device_id, state=state, in_favour_of_id=restored, at=now)
        return True
    waits = row.device_id in rested
    _note(run.change, row.device_id, state=State.OFFLINE if waits else State.FAILED, at=now)
    return not waits


def _move(change_id: int, box: Change.Box) -> bool:
    return Change.objects.filter(pk=change_id, box=Change.Box.REVERTING).update(box=box) == 1


def _finish(change: Change) -> None:
    """Nothing had to be done on any device, or nothing is left to do."""
    pending = Change.objects.filter(pk=change.pk, box=Change.Box.PENDING)
    if pending.update(box=Change.Box.REVERTED) == 1:
        tell(change, "reverted", verdict="confirmed", **why(None))
        _give_up_waiting(change)


def _give_up_waiting(change: Change) -> None:
    """A rollout that stood still when its time was over does not go on."""
    if change.state in STANDS_STILL:
        stop(change, late=True)


def again(*, change: Change) -> None:
    """What could not be taken back is tried once more, now: where it was to be rolled back, its time may not be over yet."""
    now = timezone.now()
    BoxEnd.objects.filter(change=change, state=State.FAILED).delete()
    if change.ends_at and change.starts_at < now < change.ends_at:
        change.ends_at = now
    change.box = Change.Box.PENDING.value
    change.save(update_fields=["box", "ends_at"])
    advance(change, now)


def extend(*, change: Change, ends_at: datetime, by: User) -> bool:
    """It lasts longer (or less long). False: it is noted, and others have to agree first.

    The end belongs to what people agree to. Before it has begun, another one is asked for anew; afterwards as many people
    as agreed to the change have to agree to it. Raises BoxError, DecisionError.
    """
    now = timezone.now()
    if ends_at <= max(now, change.starts_at):
        raise BoxError("too-early")
    with transaction.atomic():
        mine = _open_box(change, now)
        answer = _end_at(mine, ends_at, by, proposed=ends_at) if _begun(mine) else _ask_for_another_end(mine, ends_at, now)
        if answer is True:
            tell(mine, "extended", actor_id=by.pk, ends_at=ends_at.isoformat())
    return _told(change, mine, answer)


def end_now(*, change: Change, by: User) -> bool:
    """It is taken back at once, if the school day allows it. False: it is noted, and others have to agree first.

    What has not begun is to be stopped instead. Raises BoxError, DecisionError.
    """
    now = timezone.now()
    if not _begun(change) or change.starts_at >= now:
        raise BoxError("not-begun")
    with transaction.atomic():
        mine = _open_box(change, now)
        answer = _end_at(mine, now, by, proposed=None)
        if answer is True:
            tell(mine, "ended-early", actor_id=by.pk)
    return _told(change, mine, answer)


def _told(change: Change, now: Change, answer: bool | Answer) -> bool:
    """What was noted stays, also where the school day does not allow it yet."""
    change.ends_at = now.ends_at
    if not isinstance(answer, bool):
        raise NotNowError(answer)
    return answer


def _begun(change: Change) -> bool:
    return change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).exists()


def _open_box(change: Change, now: datetime) -> Change:
    """The change as it is now; nobody moves it until the transaction ends."""
    mine = locked(change.pk)
    if mine.box == Change.Box.NONE:
        raise BoxError("not-boxed")
    over = {Change.State.REJECTED, Change.State.ROLLING_BACK, Change.State.ROLLED_BACK}
    if mine.box != Change.Box.PENDING or mine.ends_at is None or mine.ends_at <= now or mine.state in over:
        raise BoxError("over")
    return mine


def _end_at(change: Change, ends_at: datetime, by: User, *, proposed: datetime | None) -> bool | Answer:
    """Whether enough people want it; why not, where the school day does not allow the earlier end."""
    if not agreed(change, Proposal.Act.END, by, ends_at=proposed):
        return False
    if change.ends_at and ends_at < change.ends_at and (why_not := forbidden(change, _open_devices(change), ends_at)):
        return why_not
    done(change, Proposal.Act.END)
    agreed_until(change, ends_at)
    if proposed and change.state == Change.State.AWAITING_APPROVAL:  # by links, too, that are of the end of before
        ask_again(change, timezone.now())
    return True


def _ask_for_another_end(change: Change, ends_at: datetime, now: datetime) -> bool:
    change.ends_at = ends_at
    change.save(update_fields=["ends_at"])
    subject.renew(change)
    ask_again(change, now)
    return True
