"""Devices that a run was cut off on may still write by themselves: a dead-man's switch acts, a program goes on.

They stay locked until they have settled, and are looked at only then.
"""

from datetime import datetime, timedelta
from functools import partial

from celery import current_app
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from fleet.automation.catalogue import SWITCH_SETTLES_S, CatalogueError, get
from fleet.automation.models import DeviceLock, HostResult, Run
from fleet.automation.services.claiming import release
from fleet.automation.services.turns import apart, in_turn

LOOK_AGAIN_S = 60
"""After so long without a verdict, the message that asked for a look is taken for lost."""


def settled_at(run: Run) -> datetime:
    """When nothing that this run, which is over, has begun on a device writes any more."""
    try:
        settles_s = get(run.change.playbook).settles_s
    except CatalogueError:
        settles_s = SWITCH_SETTLES_S
    return (run.finished_at or timezone.now()) + timedelta(seconds=settles_s)


def let_go(run: Run, now: datetime) -> None:
    """Free the devices of a run that is over and not measured; those that it was cut off on, when they have settled."""
    cut_off = run.hosts.filter(state=HostResult.State.UNKNOWN)
    held = set(cut_off.values_list("device_id", flat=True)) if settled_at(run) > now else set()
    release(run, but=held)
    begun = run.hosts.exclude(state=HostResult.State.NOT_STARTED)
    if run.kind != Run.Kind.PREVIEW and not held and (run.state == Run.State.LOST or begun.exists()):
        transaction.on_commit(partial(look_soon, run.pk), robust=True)


def free_settled(now: datetime) -> None:
    """A step of tending: devices that have settled meanwhile."""
    locked = Exists(DeviceLock.objects.filter(run=OuterRef("pk")))
    over = Run.objects.filter(locked, lease_until__isnull=True).exclude(state__in=Run.LIVE)
    for pk in in_turn("free settled", over):
        with apart("free settled", run_id=pk), transaction.atomic():
            run = Run.objects.select_related("change").defer("change__secret_arguments").get(pk=pk)
            if settled_at(run) <= now:
                let_go(run, now)


def look_soon(run_id: int) -> None:
    """Ask for a read-only look at what the run has left behind. Messages can be lost: the tender asks again."""
    if cache.add(f"automation.look.{run_id}", 1, timeout=LOOK_AGAIN_S):
        current_app.send_task("fleet.automation.look_after_loss", args=[run_id], expires=LOOK_AGAIN_S)
