"""Taking back what was touched, by the same steps as it went out, the last ring first, and measured."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.automation.catalogue import GIVE_UP_AFTER_H, CatalogueError, get
from fleet.automation.models import BoxEnd, Change, DeviceLock, HostResult, Restoration, Ring, Run, Target
from fleet.automation.rules.boxes import LONGEST_PAUSE, Act
from fleet.automation.rules.lifecycle import may_become
from fleet.automation.rules.rollout import TO_COME
from fleet.automation.services.composing import endings, next_group
from fleet.automation.services.rollouts.resting import NOT_REACHED, not_reached, resting
from fleet.automation.services.telling import Part, move, queue_run, tell, why
from fleet.devices.models import Device

NAMED = 5
"""Devices that a message names."""
UNTOUCHED = (HostResult.State.NOT_STARTED, HostResult.State.OFFLINE)
TAKEN_BACK = (BoxEnd.State.REVERTED, BoxEnd.State.RESTORED, BoxEnd.State.LEFT)
"""Of a time-boxed change whose time was over: nothing of it is left there."""


def touched(change: Change) -> QuerySet[Target]:
    """Devices on which an execution has begun, as far as anybody knows, and that were not taken back since; of those that
    are retired nothing is: another device may have their address."""
    applied = HostResult.objects.filter(
        run__change=change, run__kind=Run.Kind.APPLY, run__started_at__isnull=False, device=OuterRef("device")
    ).exclude(Q(state__in=UNTOUCHED) | Q(problem=HostResult.NOT_KEPT))
    ended = BoxEnd.objects.filter(change=change, state__in=TAKEN_BACK, device=OuterRef("device"))
    living = change.targets.exclude(device__lifecycle=Device.Lifecycle.RETIRED)
    return living.filter(Exists(applied), ~Exists(ended)).exclude(state=Target.State.ROLLED_BACK)


def begin_taking_back(change: Change, *, actor_id: int | None = None) -> bool:
    """From any state in which that is offered; False when there is nothing to take back, or somebody was faster."""
    if not may_become(change.state, "rolling-back") or not touched(change).exists():
        return False
    if not move(change, Change.State.ROLLING_BACK, wish=Change.Wish.GO_ON, taking_back_since=timezone.now()):
        return False
    change.targets.filter(state__in=TO_COME).update(state=Target.State.SKIPPED)
    change.rings.filter(state=Ring.State.WAITING).update(state=Ring.State.SKIPPED)
    begun = change.rings.filter(state__in=[Ring.State.RUNNING, Ring.State.VERIFYING])
    begun.update(state=Ring.State.HALTED, reason="stopped", finished_at=timezone.now())
    tell(change, "rolling-back", actor_id=actor_id)
    if not change.runs.filter(state__in=Run.LIVE).exists():  # else the tender does it afterwards
        take_back_next(change)
    return True


def take_back_next(change: Change) -> bool:
    """Queue the next step of taking back; False when none is left that could be done now.

    What another change still wants on a device stays, or comes back (`services.composing`).
    """
    while part := _next_part(change):
        found = endings(change, part.device_ids, timezone.now())
        _leave(change, {pk: one.other for pk, one in found.items() if one.act == Act.LEAVE and one.other})
        if group := next_group(found):
            run = queue_run(change, Run.Kind.REVERT, replace(part, device_ids=group.device_ids))
            if group.other:
                Restoration.objects.create(run=run, change_id=group.other)
            return True
    return False


def _leave(change: Change, left: Mapping[int, int]) -> None:
    """Of this change nothing is on these devices any more."""
    if left:
        change.targets.filter(device_id__in=left).update(state=Target.State.ROLLED_BACK)
        tell(change, "left", device_ids=sorted(left), in_favour_of=sorted(set(left.values())))


def _next_part(change: Change) -> Part | None:
    to_do = _to_do(change)
    first = to_do.order_by("-ring__number", "step").values_list("ring_id", "step").first()
    if first is None:
        return None
    mine = to_do.filter(ring_id=first[0], step=first[1])
    ring = change.rings.filter(pk=first[0]).first()
    return Part(ring, first[1], list(mine.order_by("device_id").values_list("device_id", flat=True)))


def _since(change: Change) -> datetime:
    return change.taking_back_since or change.created_at


def _runs(change: Change) -> QuerySet[Run]:
    """Those of this taking back."""
    mine = Run.objects.filter(change=change, kind=Run.Kind.REVERT, queued_at__gte=_since(change))
    return mine.exclude(state=Run.State.CANCELLED, started_at__isnull=True)  # out of date before it began


def _left(change: Change) -> QuerySet[Target]:
    """Not tried yet, or not reached when they were."""
    rows = HostResult.objects.filter(run__in=_runs(change), device=OuterRef("device")).exclude(NOT_REACHED)
    return touched(change).filter(~Exists(rows))


def _to_do(change: Change) -> QuerySet[Target]:
    return _left(change).exclude(device__in=resting(change, _since(change), timezone.now()))


def goes_on(change: Change) -> bool:
    """Whether devices are left that have another turn, or a lost run has still to be looked at."""
    return _left(change).exists() or _unseen(change).exists()


def _unseen(change: Change) -> QuerySet[HostResult]:
    """Of lost runs: nobody has looked yet what they have left behind."""
    return HostResult.objects.filter(run__in=_runs(change).filter(state=Run.State.LOST), verdict="")


def gives_up(change: Change, now: datetime) -> bool:
    """Whether those that are left were waited for long enough, and were tried not long ago (everything may stand still)."""
    if now < _since(change) + timedelta(hours=_patience_h(change)):
        return False
    if DeviceLock.objects.filter(run__change=change).exists():  # a run that was cut off there settles
        return False
    tried = HostResult.objects.filter(run__in=_runs(change), device=OuterRef("device"))
    lately, left = tried.filter(run__finished_at__gt=now - 2 * LONGEST_PAUSE), _left(change)
    return left.exists() and not left.filter(~Exists(lately)).exists() and not _unseen(change).exists()


def _patience_h(change: Change) -> int:
    try:
        rollback = get(change.playbook).rollback
    except CatalogueError:
        rollback = None
    return rollback.give_up_after_h if rollback else GIVE_UP_AFTER_H


def left_over(change: Change) -> QuerySet[Target]:
    """Devices on which a rolling back that is over could not take the change back."""
    if change.state != Change.State.FAILED or change.taking_back_since is None:
        return Target.objects.none()
    return touched(change)


def is_gone(run: Run, row: HostResult) -> bool:
    """Whether the device shows that it was taken back. After a lost run measuring alone has to prove it.

    That a device answers proves nothing then, nor does a Wi-Fi that is there prove whose key it has.
    """
    if run.state != Run.State.LOST:
        return row.is_well
    telling = any(one["holds"] != "reachable" for one in row.evidence)
    return telling and row.verdict == Target.Verdict.CONFIRMED and not Restoration.objects.filter(run=run).exists()


def note_taken_back(run: Run, rows: Iterable[HostResult]) -> None:
    """A step of taking back was measured. The change's row is locked."""
    found = list(rows)
    good = [row.device_id for row in found if is_gone(run, row)]
    run.change.targets.filter(device_id__in=good).update(state=Target.State.ROLLED_BACK)
    _say_who_waits(run, not_reached(run) - set(good))


def _say_who_waits(run: Run, device_ids: Collection[int]) -> None:
    """Once for each device."""
    before = HostResult.objects.filter(NOT_REACHED, run__in=_runs(run.change).filter(pk__lt=run.pk))
    if fresh := sorted(set(device_ids) - set(before.values_list("device_id", flat=True))):
        tell(run.change, "revert-waits", run_id=run.pk, device_ids=fresh, **why(run))


def after_taking_back(run: Run, rows: Iterable[HostResult]) -> None:
    """The same, and what comes next."""
    note_taken_back(run, rows)
    if not take_back_next(run.change) and not goes_on(run.change):
        end_taking_back(run.change, run)


def end_taking_back(change: Change, run: Run | None, *, gave_up: bool = False) -> None:
    good = not touched(change).exists()
    about: dict[str, Any] = {"run_id": run.pk if run else None, **why(run)}
    if gave_up:
        about |= _who_was_not_reached(change)
    if change.box != Change.Box.NONE:
        _end_box(change, good=good)
    if move(change, Change.State.ROLLED_BACK if good else Change.State.FAILED):
        tell(change, "rolled-back" if good else "revert-failed", **about)


def _who_was_not_reached(change: Change) -> dict[str, Any]:
    left = _left(change).select_related("device").order_by("device__name")
    back = change.targets.filter(state=Target.State.ROLLED_BACK)
    return {
        "not_reached": list(left.values_list("device_id", flat=True)),
        "names": [target.device.name for target in left[:NAMED]],
        "taken_back": back.count(),
        "waited_h": _patience_h(change),
    }


def _end_box(change: Change, *, good: bool) -> None:
    """What was still to be taken back at the end of its time, or could not be, was rolled back now."""
    change.box = (Change.Box.REVERTED if good else Change.Box.FAILED).value
    change.save(update_fields=["box"])
    if good:
        left = BoxEnd.objects.filter(change=change).exclude(state__in=TAKEN_BACK)
        left.update(state=BoxEnd.State.REVERTED, at=timezone.now())
