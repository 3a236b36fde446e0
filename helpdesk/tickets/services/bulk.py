"""One act on many tickets: ordered at once, done row by row in the background, each with its own outcome."""

import logging
from collections.abc import Callable
from typing import Any

from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets import selectors
from helpdesk.tickets.models import BulkJob, BulkRow, Category, Macro, Queue, Tag, Ticket
from helpdesk.tickets.rules.bulk import Standing, Verdict, verdict
from helpdesk.tickets.services import macros, tags
from helpdesk.tickets.services.opening import scoped_key
from helpdesk.tickets.services.working import (
    Edit,
    Sorting,
    StaleError,
    TransitionError,
    edit,
    transition,
)
from helpdesk.tickets.services.working import take as take_ticket

log = logging.getLogger(__name__)
BATCH = 50
INSERT = 2000
Act = BulkJob.Act
MOST_AT_ONCE = 2
"""Jobs of one person: each may be of all tickets there are."""


class BusyError(RuntimeError):
    """So many jobs of this person are being done already that another one has to wait."""


def order(*, rows: QuerySet[Ticket], act: str, value: str, by: User, idempotency_key: str | None = None) -> BulkJob:
    """All of `rows`, as they are now; what comes to the list later is not among it. The same key gives the same job.

    Raises BusyError while as many as one person may have are being done.
    """
    fresh = BulkJob(by=by, act=act, value=value, idempotency_key=scoped_key(by, idempotency_key))
    if known := _known(fresh.idempotency_key):
        return known
    if BulkJob.objects.filter(by=by, state=BulkJob.State.RUNNING).count() >= MOST_AT_ONCE:
        raise BusyError
    try:
        with transaction.atomic():
            return _ordered(fresh, rows)
    except IntegrityError:
        if known := _known(fresh.idempotency_key):
            return known
        raise


def _known(key: str | None) -> BulkJob | None:
    return BulkJob.objects.filter(idempotency_key=key).first() if key else None


def _ordered(job: BulkJob, rows: QuerySet[Ticket]) -> BulkJob:
    job.save()
    ids = rows.order_by().values_list("pk", flat=True).distinct()
    made = [BulkRow(job=job, ticket_id=pk) for pk in ids.iterator(chunk_size=INSERT)]
    BulkRow.objects.bulk_create(made, batch_size=INSERT)
    job.total = len(made)
    if not made:
        job.state, job.ended_at = BulkJob.State.DONE, timezone.now()
    job.save(update_fields=["total", "state", "ended_at"])
    transaction.on_commit(lambda: _soon(job.pk), robust=True)
    return job


def _soon(pk: int) -> None:
    current_app.send_task("helpdesk.tickets.bulk", args=[pk])


def stop(*, job: BulkJob) -> bool:
    """What is done stays done; the rest is left out."""
    with transaction.atomic():
        running = BulkJob.objects.filter(pk=job.pk, state=BulkJob.State.RUNNING)
        if not running.update(state=BulkJob.State.STOPPED, ended_at=timezone.now()):
            return False
        job.rows.filter(state=BulkRow.State.WAITING).update(state=BulkRow.State.STOPPED)
    return True


def go_on(*, job_id: int) -> bool:
    """One batch; True while there is more to do."""
    job = BulkJob.objects.filter(pk=job_id, state=BulkJob.State.RUNNING).first()
    if job is None:
        return False
    waiting = list(job.rows.filter(state=BulkRow.State.WAITING).order_by("pk")[:BATCH])
    value = _value(job)
    for row in waiting:
        _do_row(job, row, value)
    if len(waiting) == BATCH:
        return True
    if not job.rows.filter(state=BulkRow.State.WAITING).exists():
        done = BulkJob.objects.filter(pk=job.pk, state=BulkJob.State.RUNNING)
        done.update(state=BulkJob.State.DONE, ended_at=timezone.now())
    return False


def go_on_with_all() -> int:
    """What a worker that died left lying; returns how many jobs still run."""
    ids = list(BulkJob.objects.filter(state=BulkJob.State.RUNNING).values_list("pk", flat=True))
    for pk in ids:
        go_on(job_id=pk)
    return len(ids)


def _value(job: BulkJob) -> Any:
    """What the act sets, as a row where it is one; None where that is gone by now."""
    models: dict[str, Any] = {
        Act.ASSIGN: User,
        Act.QUEUE: Queue,
        Act.CATEGORY: Category,
        Act.MACRO: Macro,
        Act.TAG: Tag,
    }
    model = models.get(job.act)
    return job.value if model is None else model.objects.filter(pk=job.value).first()


def _do_row(job: BulkJob, row: BulkRow, value: Any) -> None:
    """Claimed, done and noted in one transaction: of two workers one does it, and nothing is half done."""
    try:
        with transaction.atomic():
            mine = BulkRow.objects.filter(pk=row.pk, state=BulkRow.State.WAITING)
            if mine.update(state=BulkRow.State.DONE) != 1:
                return
            state, reason = _outcome(job, row.ticket_id, value)
            BulkRow.objects.filter(pk=row.pk).update(state=state, reason=reason)
    except Exception:  # one poison ticket must not hold the others
        log.exception("bulk row failed", extra={"job_id": job.pk, "ticket_id": row.ticket_id})
        broken = BulkRow.objects.filter(pk=row.pk, state=BulkRow.State.WAITING)
        broken.update(state=BulkRow.State.FAILED, reason="our-mistake")


def _outcome(job: BulkJob, ticket_id: int, value: Any) -> tuple[str, str]:
    by = User.objects.filter(pk=job.by_id, is_active=True).first()  # afresh: they may have lost the role, or left
    if by is None:
        return BulkRow.State.REFUSED, "not-yours"
    rows = Ticket.objects.visible_to(by).select_related("site", "room", "requester", "owner", "queue", "category")
    ticket = rows.filter(pk=ticket_id).first()
    if ticket is None:
        return BulkRow.State.REFUSED, "not-yours"
    if value is None:
        return BulkRow.State.FAILED, "gone"
    what, reason = verdict(job.act, job.value, _standing(job, by, ticket, value))
    if what != Verdict.GO:
        return what.value, reason
    try:
        with transaction.atomic():
            done = DOING[job.act](ticket, value, by)
    except (StaleError, TransitionError):
        return BulkRow.State.FAILED, "changed-meanwhile"
    return (BulkRow.State.DONE, "") if done else (BulkRow.State.FAILED, "changed-meanwhile")


def _standing(job: BulkJob, by: User, ticket: Ticket, value: Any) -> Standing:
    workable = by.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)
    return Standing(
        state=ticket.state,
        visible=True,
        workable=workable,
        holds=_holds(job, ticket, value),
        owned_by_another=ticket.owner_id is not None,
        fits=_fits(job.act, ticket, value),
    )


def _holds(job: BulkJob, ticket: Ticket, value: Any) -> bool:
    if job.act == Act.MACRO:
        return False
    if job.act == Act.TAG:
        return ticket.tags.filter(pk=value.pk).exists()
    now: dict[str, Any] = {
        Act.ASSIGN: ticket.owner_id,
        Act.TAKE: ticket.owner_id,
        Act.PRIORITY: ticket.priority,
        Act.QUEUE: ticket.queue_id,
        Act.CATEGORY: ticket.category_id,
        Act.STATE: ticket.state,
    }
    wanted = job.by_id if job.act == Act.TAKE else job.value
    return str(now[job.act]) == str(wanted)


def _fits(act: str, ticket: Ticket, value: Any) -> bool:
    if act == Act.ASSIGN:
        return selectors.workers(ticket.site).filter(pk=value.pk).exists()
    return bool(getattr(value, "authority_id", ticket.authority_id) == ticket.authority_id)


def _change(ticket: Ticket, by: User, **wish: Any) -> bool:
    sorting = Sorting(wish.pop("queue", ticket.queue), wish.pop("category", ticket.category))
    fields: dict[str, Any] = {"subject": ticket.subject, "priority": ticket.priority, "owner": ticket.owner} | wish
    edit(ticket=ticket, wish=Edit(**fields, sorting=sorting), actor=by, seen_version=ticket.version)
    return True


def _move(ticket: Ticket, to: str, by: User) -> bool:
    transition(ticket=ticket, to=Ticket.State(to), actor=by, seen_version=ticket.version)
    return True


DOING: dict[str, Callable[[Ticket, Any, User], bool]] = {
    Act.ASSIGN: lambda ticket, owner, by: _change(ticket, by, owner=owner),
    Act.TAKE: lambda ticket, _value, by: take_ticket(ticket=ticket, by=by),
    Act.PRIORITY: lambda ticket, priority, by: _change(ticket, by, priority=int(priority)),
    Act.QUEUE: lambda ticket, queue, by: _change(ticket, by, queue=queue),
    Act.CATEGORY: lambda ticket, category, by: _change(ticket, by, category=category),
    Act.TAG: lambda ticket, tag, by: tags.attach(ticket=ticket, tag=tag, by=by),
    Act.STATE: _move,
    Act.MACRO: lambda ticket, macro, by: macros.apply(ticket=ticket, macro=macro, by=by),
}
