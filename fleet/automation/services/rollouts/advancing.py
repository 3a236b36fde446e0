"""What comes next for a change under way. Everybody calls this inside a transaction that holds the change's row."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import Change, HostResult, Ring, Run, Target
from fleet.automation.rules.lifecycle import too_late
from fleet.automation.rules.rollout import (
    TO_COME,
    Halt,
    Move,
    RingNow,
    Strategy,
    next_move,
    outcome,
    target_state,
    verdict_of_ring,
)
from fleet.automation.services import holding, policy, subject
from fleet.automation.services.rollouts.planning import rings_of, strategy_of
from fleet.automation.services.rollouts.taking_back import begin_taking_back
from fleet.automation.services.telling import Part, move, queue_run, tell, why

log = logging.getLogger(__name__)
OPEN = TO_COME | {Target.State.RUNNING}


def locked(pk: int) -> Change:
    """The change as it is now; nobody moves it until the transaction ends."""
    return Change.objects.select_for_update().defer("secret_arguments").get(pk=pk)


def under_way(change: Change, *, but: Run.Kind | None = None) -> bool:
    """Whether a run of it lives, or is being measured. `but`: of this kind none counts."""
    return change.runs.filter(Q(state__in=Run.LIVE) | Q(lease_until__isnull=False)).exclude(kind=but).exists()


def rings_now(change: Change, rings: Iterable[Ring]) -> list[RingNow]:
    """One query for all rings."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    next_step: dict[int, int] = {}
    rows = change.targets.order_by().values_list("ring_id", "state").annotate(n=Count("pk"), first=Min("step"))
    for ring_id, state, count, first in rows:
        counts[ring_id][state] += count
        if state == Target.State.WAITING:
            next_step[ring_id] = first
    return [
        RingNow(ring.number, counts[ring.pk], next_step.get(ring.pk), int(ring.details.get("accepted", 0))) for ring in rings
    ]


def advance(change: Change, now: datetime, run: Run | None = None) -> None:
    """Go on, wait, halt or end, as the devices stand. `run`: the one that has just been measured."""
    rings, strategy = rings_of(change), strategy_of(change)
    _close_windows(change, strategy, now)
    subject.unfit(change.targets.filter(state__in=TO_COME), change).update(state=Target.State.SKIPPED)
    standing = rings_now(change, rings)
    found = next_move(standing, strategy)
    _pass(rings, found, now)
    if change.wish == Change.Wish.ROLL_BACK and begin_taking_back(change):
        return
    if found.act == "end":
        _end(change, rings, standing, run)
    elif found.act == "halt" and found.halt is not None:
        halt(change, rings[found.ring - 1], found.halt)
    elif change.wish != Change.Wish.GO_ON:
        _heed(change)
    elif found.act == "step":
        _step(change, rings[found.ring - 1], found.step, now)
    else:
        _wait(change, rings[found.ring - 1])
        holding.hold(change, now)


def _close_windows(change: Change, strategy: Strategy, now: datetime) -> None:
    """Nobody is waited for without end, and nothing is begun after the time for which it was wanted."""
    late = too_late(ends_at=change.ends_at, now=now)
    if late or strategy.offline_until is None or now >= strategy.offline_until:
        change.targets.filter(state=Target.State.PENDING_OFFLINE).update(state=Target.State.UNREACHABLE)
    if late:
        change.targets.filter(state=Target.State.WAITING).update(state=Target.State.SKIPPED)


def _pass(rings: list[Ring], found: Move, now: datetime) -> None:
    open_states = (Ring.State.WAITING, Ring.State.RUNNING, Ring.State.VERIFYING)
    through = [ring.pk for ring in rings if ring.number in found.passed and ring.state in open_states]
    if through and found.act != "end":
        Ring.objects.filter(pk__in=through).update(state=Ring.State.PASSED, finished_at=now, reason="", details={})


def _end(change: Change, rings: list[Ring], standing: list[RingNow], run: Run | None) -> None:
    strategy, now, total = strategy_of(change), timezone.now(), Counter[str]()
    for ring, stands in zip(rings, standing, strict=True):
        total.update(stands.counts)
        bad = verdict_of_ring(stands.counts, strategy.threshold_percent)
        if bad or ring.state not in {Ring.State.PASSED, Ring.State.SKIPPED}:
            _close(ring, bad, now)
    state = Change.State(outcome(total))
    if change.state == Change.State.APPROVED:
        move(change, Change.State.RUNNING)
    if move(change, state, wish=Change.Wish.GO_ON):
        tell(change, state.value, run_id=run.pk if run else None, **why(run))
        if _harmful(standing, strategy):
            _take_back_by_itself(change)


def _harmful(standing: list[RingNow], strategy: Strategy) -> bool:
    """Whether more of a ring went wrong than it bears, also where nothing is left that could be kept from harm."""
    rings = (verdict_of_ring(ring.counts, strategy.threshold_percent) for ring in standing)
    return any(rings) or next_move(standing, strategy).act == "halt"


def _take_back_by_itself(change: Change) -> bool:
    return strategy_of(change).rollback_on_halt and reversible(change) and begin_taking_back(change)


def _close(ring: Ring, bad: Halt | None, now: datetime) -> None:
    ring.state = Ring.State.HALTED if bad else Ring.State.PASSED
    ring.reason, ring.details = (bad.reason, dict(bad.details)) if bad else ("", {})
    ring.finished_at = now
    ring.save(update_fields=["state", "reason", "details", "finished_at"])


def halt(change: Change, ring: Ring, why: Halt) -> None:
    """Nothing more is touched until a person decides, or what was touched is taken back where that was wanted."""
    _close(ring, why, timezone.now())
    if not move(change, Change.State.HALTED, wish=Change.Wish.GO_ON):
        return
    tell(change, "halted", ring=ring.number, reason=why.reason, **why.details)
    log.warning("rollout halted", extra={"change_id": change.pk, "ring": ring.number, "reason": why.reason})
    _take_back_by_itself(change)


def reversible(change: Change) -> bool:
    try:
        return get(change.playbook).rollback is not None
    except CatalogueError:
        return False


def _heed(change: Change) -> None:
    """What somebody wanted while a step was under way."""
    if change.wish in {Change.Wish.STOP, Change.Wish.ROLL_BACK}:  # nothing was touched that could be taken back
        stop(change)
    elif move(change, Change.State.PAUSED, wish=Change.Wish.GO_ON):
        tell(change, "paused")


def stop(change: Change, *, actor_id: int | None = None, late: bool = False, **about: Any) -> None:
    """Nothing more of it happens. What was done stays until somebody has it taken back."""
    if not move(change, Change.State.CANCELLED, wish=Change.Wish.GO_ON):
        return
    leave_undone(change)
    tell(change, "cancelled", actor_id=actor_id, **({"too_late": True} if late else {}), **about)


def leave_undone(change: Change) -> None:
    change.targets.filter(state__in=OPEN).update(state=Target.State.SKIPPED)
    change.rings.filter(state=Ring.State.WAITING).update(state=Ring.State.SKIPPED)
    open_rings = change.rings.filter(state__in=[Ring.State.RUNNING, Ring.State.VERIFYING])
    open_rings.update(state=Ring.State.HALTED, reason="stopped", finished_at=timezone.now())


def _step(change: Change, ring: Ring, step: int, now: datetime) -> None:
    waiting = change.targets.filter(ring=ring, step=step, state=Target.State.WAITING)
    device_ids = list(waiting.order_by("device_id").values_list("device_id", flat=True))
    if change.state == Change.State.VERIFYING:
        move(change, Change.State.RUNNING)
    if policy.why_not_now(change, device_ids, now).allowed:
        queue_run(change, Run.Kind.APPLY, Part(ring, step, device_ids))
    else:
        holding.hold(change, now)


def _wait(change: Change, ring: Ring) -> None:
    """Also what was let go on, or agreed to anew, is under way: only then devices that are back are called."""
    move(change, Change.State.RUNNING)
    Ring.objects.filter(pk=ring.pk).exclude(reason="offline").update(reason="offline")


def begun(run: Run, device_ids: Collection[int]) -> None:
    """A worker has the step in hand."""
    run.change.targets.filter(device_id__in=device_ids).update(state=Target.State.RUNNING)
    if run.ring_id:
        now = timezone.now()
        Ring.objects.filter(pk=run.ring_id, started_at__isnull=True).update(started_at=now)
        Ring.objects.filter(pk=run.ring_id).exclude(state=Ring.State.PASSED).update(state=Ring.State.RUNNING, reason="")


def stand(run: Run, rows: Iterable[HostResult]) -> None:
    """Write how the devices of an execution stand."""
    waits = strategy_of(run.change).offline_until is not None
    by_state: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        state = target_state(host=row.state, verdict=row.verdict, ended=run.state, waits=waits)
        by_state[state].append(row.device_id)
    for state, device_ids in by_state.items():
        run.change.targets.filter(device_id__in=device_ids).update(state=state)


def after_step(run: Run, rows: Iterable[HostResult]) -> None:
    """A step was measured: write how its devices stand, and go on."""
    change = locked(run.change_id)
    run.change = change
    stand(run, rows)
    if change.state in {Change.State.VERIFYING, Change.State.RUNNING}:
        advance(change, timezone.now(), run)


def after_look(run: Run, rows: Iterable[HostResult]) -> None:
    """What a lost or stopped step has left behind was measured: a person decides, unless taking back is wanted already.

    The change's row is locked.
    """
    change = run.change
    stand(run, rows)
    if change.state != Change.State.LOST:
        return
    if change.wish == Change.Wish.ROLL_BACK:
        if not begin_taking_back(change):  # nothing was touched
            Change.objects.filter(pk=change.pk).update(wish=Change.Wish.GO_ON)
    elif _harmful(rings_now(change, rings_of(change)), strategy_of(change)):
        _take_back_by_itself(change)
