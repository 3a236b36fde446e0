"""/tickets/bulk and /tickets/queues: many at once, and how many there are."""

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.api.conditional import validated
from fleet.web.once import IdempotencyKey, key_for
from helpdesk.tickets import selectors
from helpdesk.tickets.api.common import person, router
from helpdesk.tickets.forms import BulkForm
from helpdesk.tickets.models import BulkJob, BulkRow, Queue, Ticket
from helpdesk.tickets.schemas.many import BulkOut, BulkRowOut, QueueOut
from helpdesk.tickets.schemas.shown import TicketFilter
from helpdesk.tickets.schemas.wishes import BulkIn
from helpdesk.tickets.services import bulk
from helpdesk.tickets.words import why_not


@router.get("/queues/", response=list[QueueOut], summary="Queues, and how many tickets are open in each")
@decorate_view(validated)
@paginate(CursorPage, ordering=("name_de", "id"))
def list_queues(request: HttpRequest) -> QuerySet[Queue]:
    return selectors.counted_queues(person(request))


@router.post("/bulk/", response={202: BulkOut}, summary="One act on all tickets that a filter leaves")
def order_bulk(
    request: HttpRequest, wanted: Query[TicketFilter], body: BulkIn, idempotency_key: IdempotencyKey = None
) -> Status[BulkJob]:
    """Done in the background, ticket by ticket, with the rights of whoever asks. The same Idempotency-Key: the same job."""
    user = person(request)
    form = BulkForm({"do": body.do}, user=user)
    if not user.access.anywhere(Action.WORK_TICKETS):
        raise Problem(403, _("Your role does not include this."))
    if not form.is_valid():
        problem = _("There is no such choice here.")
        raise Problem(422, problem, errors={"do": [problem]})
    rows = selectors.searched(wanted.of(user), wanted.q.strip())
    act, _colon, value = body.do.partition(":")
    key = key_for(request, "bulk", idempotency_key)
    try:
        job = bulk.order(rows=rows, act=act, value=value, by=user, idempotency_key=key)
    except bulk.BusyError as error:
        raise Problem(409, why_not("busy")) from error
    return Status(202, _jobs(request).get(pk=job.pk))


@router.get("/bulk/", response=list[BulkOut], summary="What this person ordered, newest first")
@decorate_view(validated)
@paginate(CursorPage, ordering=("-id",))
def list_bulk(request: HttpRequest) -> QuerySet[BulkJob]:
    return _jobs(request)


@router.get("/bulk/{int:job_id}", response=BulkOut, summary="How far it is")
@decorate_view(validated)
def get_bulk(request: HttpRequest, job_id: int) -> BulkJob:
    return get_object_or_404(_jobs(request), pk=job_id)


@router.get("/bulk/{int:job_id}/rows", response=list[BulkRowOut], summary="What became of each ticket")
@decorate_view(validated)
@paginate(CursorPage, ordering=("id",))
def list_bulk_rows(request: HttpRequest, job_id: int, state: BulkRow.State | None = None) -> QuerySet[BulkRow]:
    """As far as this person may see the tickets by now."""
    job = get_object_or_404(BulkJob.objects.visible_to(request.user), pk=job_id)
    rows = job.rows.filter(ticket__in=Ticket.objects.visible_to(request.user)).select_related("ticket")
    return rows.filter(state=state) if state else rows


@router.post("/bulk/{int:job_id}/stop", response=BulkOut, summary="Do no more of it")
def stop_bulk(request: HttpRequest, job_id: int) -> BulkJob:
    """What is done stays done."""
    bulk.stop(job=get_object_or_404(BulkJob.objects.visible_to(request.user), pk=job_id))
    return _jobs(request).get(pk=job_id)


def _jobs(request: HttpRequest) -> QuerySet[BulkJob]:
    states = {"done": ["done", "unchanged"], "failed": ["refused", "failed"], "left": ["waiting"]}
    counts = {f"rows_{name}": Count("rows", filter=Q(rows__state__in=those)) for name, those in states.items()}
    rows: QuerySet[BulkJob] = BulkJob.objects.visible_to(request.user).annotate(**counts).order_by("-pk")
    return rows
