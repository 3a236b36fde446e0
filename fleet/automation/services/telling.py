"""Moving a change from state to state by compare-and-set, and telling it in the same transaction."""

from typing import Any

from celery import current_app
from django.db import transaction
from django.utils import timezone

from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules.lifecycle import may_become
from fleet.events.services import Fact, emit


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


def move(change: Change, new: Change.State, **also: Any) -> bool:
    """From the state that `change` was read in to `new`; False when somebody else was faster."""
    if not may_become(change.state, new.value):
        return False
    moved = Change.objects.filter(pk=change.pk, state=change.state).update(state=new, state_since=timezone.now(), **also)
    if moved == 1:
        change.state = new.value
    return moved == 1


def queue_run(change: Change, kind: Run.Kind) -> Run:
    """A new attempt; a worker is told when this commits, and the tender finds it if the message is lost."""
    last = Run.objects.filter(change=change, kind=kind).order_by("-attempt").values_list("attempt", flat=True).first()
    run = Run.objects.create(change=change, kind=kind, attempt=(last or 0) + 1)
    HostResult.objects.bulk_create(
        HostResult(run=run, device_id=device_id) for device_id in change.targets.values_list("device_id", flat=True)
    )
    transaction.on_commit(lambda: send(run.pk), robust=True)
    return run


def send(run_id: int) -> None:
    """Tell a worker. The message carries nothing but the number: the row decides."""
    current_app.send_task("fleet.automation.execute", args=[run_id])
