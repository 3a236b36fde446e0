"""Claiming a run: one worker by compare-and-set, one lock per device, a lease that a heartbeat keeps alive."""

import os
import socket
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Min, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from fleet.automation.models import Change, DeviceLock, Run
from fleet.automation.rules.lifecycle import Queued, Start, may_start
from fleet.automation.services import boxes, policy, remedies, subject
from fleet.automation.services.decisions import agreed_to_something_else
from fleet.automation.services.leases import lease
from fleet.automation.services.rollouts.advancing import begun, stop
from fleet.automation.services.telling import move, send, tell
from fleet.devices.models import Device

CHILD_SHARE = 2 / 3
"""Of the lease: so long a child lives without a beat. It hears of a beat later than the row, so its time must be shorter."""
BEATS_A_LEASE = 12
"""So many that a database that is away for half a lease costs no run: the last beat was just before."""
DYING = timedelta(seconds=5)
"""What killing a tree may take (`tree.kill_descendants`): nobody else may have the devices before."""


def claim(run_id: int) -> Run | None:
    """The run, now ours; None when it is not to be had: taken, over, no longer wanted, or a device is another run's."""
    try:
        with transaction.atomic():
            return _take(run_id)
    except IntegrityError:  # another run has locked a device in the same moment; the next delivery finds its lock
        return None


def _take(run_id: int) -> Run | None:
    """The change's row is locked first, here as in `cancel` and `decide`: what is decided on does not move meanwhile."""
    changes = Change.objects.select_for_update().defer("secret_arguments")
    change = changes.filter(pk__in=Run.objects.filter(pk=run_id).values("change")).first()
    run = Run.objects.filter(pk=run_id, state=Run.State.QUEUED).first()
    if change is None or run is None:
        return None
    run.change = change
    now, blocker = timezone.now(), _blocker(run)
    start = may_start(Queued(run.kind, change.state, change.box, change.ends_at, blocked=blocker is not None), now)
    if start == Start.NOW and _reckoned_otherwise(run, now):
        start = Start.NOT_WANTED  # the tender reckons anew
    if start == Start.NOW:
        return _begin(run, now)
    if start == Start.WAITS and blocker is not None:
        _say_what_it_waits_for(run, *blocker)
    elif start in {Start.TOO_LATE, Start.NOT_WANTED}:
        _drop(run, now, too_late=start == Start.TOO_LATE)
    return None


def _reckoned_otherwise(run: Run, now: datetime) -> bool:
    outdated = boxes.outdated(run, now) or _may_not_now(run, now) or _not_what_was_agreed(run)
    return outdated or (run.kind == Run.Kind.APPLY and remedies.called_off(run.change_id))


def _not_what_was_agreed(run: Run) -> bool:
    if run.kind != Run.Kind.APPLY:
        return False
    if subject.unfit(run.hosts.all(), run.change).exists():
        return True
    return agreed_to_something_else(run.change)


def _may_not_now(run: Run, now: datetime) -> bool:
    """Whether, since it was queued, a freeze was entered or the bell has come nearer: what it said then holds no more."""
    if run.kind != Run.Kind.APPLY:
        return False
    return not policy.why_not_now(run.change, _device_ids(run), now).allowed


def _begin(run: Run, now: datetime) -> Run:
    if run.kind != Run.Kind.PREVIEW:
        DeviceLock.objects.bulk_create(DeviceLock(device_id=pk, run=run) for pk in _device_ids(run))
    run.state, run.token, run.started_at = Run.State.RUNNING.value, uuid.uuid4(), now
    run.worker, run.lease_until, run.waits_for = worker_name(), lease(now), ""
    run.save(update_fields=["state", "token", "started_at", "worker", "lease_until", "waits_for"])
    if run.kind == Run.Kind.REVERT:
        _begin_revert(run)
    elif run.kind == Run.Kind.APPLY:
        begun(run, _device_ids(run))
        if move(run.change, Change.State.RUNNING):
            tell(run.change, "started", run_id=run.pk)
    return run


def _begin_revert(run: Run) -> None:
    pending = Change.objects.filter(pk=run.change_id, box=Change.Box.PENDING)
    if run.change.state != Change.State.ROLLING_BACK and pending.update(box=Change.Box.REVERTING) == 1:
        tell(run.change, "revert-started", run_id=run.pk)


def _drop(run: Run, now: datetime, *, too_late: bool) -> None:
    """Its change was stopped, or its time is over: this run will never be wanted again."""
    Run.objects.filter(pk=run.pk).update(state=Run.State.CANCELLED, finished_at=now, waits_for="")
    _call_next(_device_ids(run))
    if too_late and not run.change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).exists():
        stop(run.change, late=True)
    elif not too_late and run.kind == Run.Kind.APPLY and run.change.state == Change.State.RUNNING:
        _pause_for_another(run.change)


def _pause_for_another(change: Change) -> None:
    """Between its steps a device has become another one: people look, and by letting it go on they ask for it anew."""
    if agreed_to_something_else(change) and move(change, Change.State.PAUSED):
        tell(change, "paused-as-another")


def _blocker(run: Run) -> tuple[int, str] | None:
    """(change, device's name) that keeps this run from starting: who holds a device, else who has waited for it longer."""
    if run.kind == Run.Kind.PREVIEW:
        return None
    ids = _device_ids(run)
    lock = DeviceLock.objects.filter(device_id__in=ids).exclude(run=run).select_related("device", "run").first()
    if lock is not None:
        return lock.run.change_id, lock.device.name
    waiting = Run.objects.filter(state=Run.State.QUEUED, hosts__device_id__in=ids).exclude(pk=run.pk)
    first = waiting.filter(_goes_before(run)).exclude(kind=Run.Kind.PREVIEW).order_by("pk").first()
    if first is None:
        return None
    return first.change_id, Device.objects.filter(pk__in=_device_ids(first)).filter(pk__in=ids)[0].name


def _goes_before(run: Run) -> Q:
    """Who has waited for longer; what makes good waits for nothing but its like."""
    longer, mends = Q(pk__lt=run.pk), Q(kind=Run.Kind.MEND)
    return longer & mends if run.kind == Run.Kind.MEND else longer | mends


def _say_what_it_waits_for(run: Run, change_id: int, device: str) -> None:
    """Told once: whose turn is before it changes with each that ends, and the page shows it."""
    queued, waits_for = Run.objects.filter(pk=run.pk, state=Run.State.QUEUED), f"#{change_id} · {device}"
    if queued.exclude(waits_for=waits_for).update(waits_for=waits_for) == 1 and not run.waits_for:
        tell(run.change, "waiting", run_id=run.pk, device=device, change_id=change_id)


def _device_ids(run: Run) -> list[int]:
    return list(run.hosts.order_by("device_id").values_list("device_id", flat=True))


def heartbeat(run: Run) -> bool:
    """Prolong the lease; False when the run is no longer ours."""
    until = lease(timezone.now())
    held = Run.objects.filter(pk=run.pk, token=run.token, state=Run.State.RUNNING)
    if held.update(lease_until=until) != 1:
        return False
    run.lease_until = until
    return True


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def release(run: Run, *, but: Collection[int] = ()) -> None:
    """Free the run's devices except these, and call who is next on each of them."""
    locks = DeviceLock.objects.filter(run=run).exclude(device_id__in=but)
    freed = list(locks.values_list("device_id", flat=True))
    locks.delete()
    _call_next(freed)


def _call_next(device_ids: Collection[int]) -> None:
    """Only who may go first: hundreds called at once would keep the workers busy with reading that it is not their turn."""
    waiting = Run.objects.filter(state=Run.State.QUEUED, hosts__device_id__in=device_ids).exclude(kind=Run.Kind.PREVIEW)
    first = Coalesce(Min("pk", filter=Q(kind=Run.Kind.MEND)), Min("pk"))
    for pk in sorted(set(waiting.values("hosts__device_id").values_list(first, flat=True))):
        transaction.on_commit(partial(send, pk), robust=True)
