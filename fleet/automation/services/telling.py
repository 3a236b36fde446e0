"""Moving a change from state to state by compare-and-set, and telling it in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fleet.automation.models import Change, HostResult, Ring, Run
from fleet.automation.rules.lifecycle import may_become
from fleet.automation.services.outlook import to_preview
from fleet.events.services import Fact, emit

PREVIEW_AT_MOST = 50
"""Devices that a preview looks at; of more, a sample with each kind of device in it."""


@dataclass(frozen=True)
class Part:
    """The devices of one step."""

    ring: Ring | None
    step: int
    device_ids: Sequence[int]


def tell(change: Change, name: str, *, actor_id: int | None = None, **payload: Any) -> None:
    emit(
        Fact(
            name=f"change.{name}",
            subject=change,
            authority_id=change.authority_id,
            site_id=change.site_id,
            actor_id=actor_id,
            payload=payload,
        )
    )


def why(run: Run | None) -> dict[str, Any]:
    """What is told of a run's end: `problem`, a key of `words.run_error`, and `error`, what a program has said."""
    return {"problem": run.problem if run else "", "error": run.error if run else ""}


def move(change: Change, new: Change.State, **also: Any) -> bool:
    """From the state that `change` was read in to `new`; False when somebody else was faster."""
    if not may_become(change.state, new.value):
        return False
    moved = Change.objects.filter(pk=change.pk, state=change.state).update(state=new, state_since=timezone.now(), **also)
    if moved == 1:
        change.state = new.value
    return moved == 1


def queue_run(change: Change, kind: Run.Kind, part: Part | None = None, *, makes_good: Run | None = None) -> Run:
    """A new attempt; a worker is told when this commits, and the tender finds it if the message is lost.

    Without `part`, a preview looks at a sample of all devices, and anything else takes all of them in one step.
    """
    mine = part or _whole(change, kind)
    ours = Q(ring=mine.ring, step=mine.step) | Q(ring__isnull=True)
    earlier = Run.objects.filter(ours, change=change, kind=kind)
    last = earlier.order_by("-attempt").values_list("attempt", flat=True).first()
    place: dict[str, Any] = {"ring": mine.ring, "step": mine.step, "attempt": (last or 0) + 1}
    run = Run.objects.create(change=change, kind=kind, makes_good=makes_good, **place)
    HostResult.objects.bulk_create((HostResult(run=run, device_id=pk) for pk in mine.device_ids), batch_size=500)
    transaction.on_commit(lambda: send(run.pk), robust=True)
    return run


def _whole(change: Change, kind: Run.Kind) -> Part:
    if kind == Run.Kind.PREVIEW:
        return Part(None, 1, to_preview(change, PREVIEW_AT_MOST))
    ids = change.targets.order_by("ring__number", "step", "device_id").values_list("device_id", flat=True)
    return Part(change.rings.order_by("number").first(), 1, list(ids))


def send(run_id: int) -> None:
    """Tell a worker. The message carries nothing but the number: the row decides."""
    current_app.send_task("fleet.automation.execute", args=[run_id])
