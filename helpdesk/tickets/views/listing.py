"""The list of tickets, and one act on many of them."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.once import form_key
from fleet.web.paging import CappedPaginator
from helpdesk.tickets import selectors
from helpdesk.tickets.forms import BulkForm, TicketFilter
from helpdesk.tickets.models import BulkJob, BulkRow, Ticket
from helpdesk.tickets.services import bulk
from helpdesk.tickets.views.common import person
from helpdesk.tickets.words import ROW_PILLS, bulk_title, due, pill, sentence, why_not

PAGE_SIZE = 50
MOST_SHOWN = 200


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = person(request)
    works = user.access.anywhere(Action.VIEW_INTERNAL_NOTES)
    form = TicketFilter(request.GET, user=user, works=works)
    wanted = form.wanted
    rows = selectors.ordered(_listed(user, wanted), wanted.get("sort") or "")
    page = CappedPaginator(rows.select_related("site", "room", "requester", "owner", "queue"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    now = timezone.now()
    context = {
        "form": form,
        "page": page,
        "rows": [
            {"ticket": ticket, "sentence": sentence(ticket), "due": due(ticket, now), **pill(ticket)} for ticket in page
        ],
        "columns": _columns(wanted.get("sort") or "", works=works, many=form.many),
        "works": works,
        "many": form.many,
        "bulk_form": BulkForm(user=user) if user.access.anywhere(Action.WORK_TICKETS) and page.object_list else None,
        "query": request.GET.urlencode(),
        "queues": selectors.queue_counts(user) if works else [],
        "manages": user.access.anywhere(Action.MANAGE),
    }
    return render(request, "tickets/tickets.html", context)


def _listed(user: User, wanted: dict[str, Any]) -> QuerySet[Ticket]:
    return selectors.listed(Ticket.objects.visible_to(user), wanted, user)


GIVING_WAY = {"priority": "minor", "updated": "minor", "site": "lesser", "owner": "lesser"}
"""Columns that are not there on narrow screens, or under the first."""


def _columns(sort: str, *, works: bool, many: bool) -> list[dict[str, str]]:
    """Heads of the table: where a click sorts, and how it is sorted now."""
    columns = {
        "subject": _("Subject"),
        "site": _("School and room") if many else _("Room"),
        "priority": _("Priority"),
        "due": _("Due"),
        "owner": _("Looked after by"),
        "state": _("How it stands"),
        "updated": _("Last change"),
    }
    if not works:
        del columns["priority"], columns["owner"], columns["due"]
    return [{"label": label, "weight": GIVING_WAY.get(name, ""), **_sorting(name, sort)} for name, label in columns.items()]


def _sorting(name: str, sort: str) -> dict[str, str]:
    if sort.removeprefix("-") != name:
        first = f"-{name}" if name in {"priority", "updated"} else name
        return {"next": first, "now": ""}
    falling = sort.startswith("-")
    return {"next": name if falling else f"-{name}", "now": "descending" if falling else "ascending"}


@require_POST
def order(request: HttpRequest) -> HttpResponse:
    """One act for the marked `ticket`s, or with `all` for everything that the filter in `query` leaves."""
    user, query = person(request), QueryDict(request.POST.get("query", ""))
    back = f"{reverse('tickets:tickets')}?{query.urlencode()}"
    form = BulkForm(request.POST, user=user)
    if not user.access.anywhere(Action.WORK_TICKETS) or not form.is_valid():
        messages.info(request, _("Choose what is to be done with the tickets."))
        return redirect(back)
    rows = _meant(request, query)
    if not rows.exists():
        messages.info(request, _("Mark some tickets first, or choose all that the list holds."))
        return redirect(back)
    act, _colon, value = form.cleaned_data["do"].partition(":")
    once = _key(request, form.cleaned_data["token"])
    try:
        job = bulk.order(rows=rows, act=act, value=value, by=user, idempotency_key=once)
    except bulk.BusyError:
        messages.info(request, why_not("busy"))
        return redirect(back)
    return redirect("tickets:bulk-job", job.pk)


def _key(request: HttpRequest, token: str) -> str | None:
    said = {name: sorted(request.POST.getlist(name)) for name in ("do", "query", "all", "ticket")}
    return form_key(token, said) if token else None


def _meant(request: HttpRequest, query: QueryDict) -> QuerySet[Ticket]:
    user = person(request)
    if "all" in request.POST:
        form = TicketFilter(query, user=user, works=user.access.anywhere(Action.VIEW_INTERNAL_NOTES))
        return _listed(user, form.wanted)
    marked = [int(pk) for pk in request.POST.getlist("ticket") if pk.isdecimal()][:PAGE_SIZE]
    return Ticket.objects.visible_to(user).filter(pk__in=marked)


@require_safe
def job(request: HttpRequest, job: int) -> HttpResponse:
    return render(request, "tickets/bulk.html", _job(request, job))


@require_safe
def progress(request: HttpRequest, job: int) -> HttpResponse:
    return render(request, "tickets/pieces/bulk_progress.html", _job(request, job))


def _job(request: HttpRequest, pk: int) -> dict[str, Any]:
    row = get_object_or_404(BulkJob.objects.visible_to(request.user), pk=pk)
    counted = row.rows.values_list("state").order_by("state").annotate(count=Count("pk"))
    counts = {BulkRow.State(state): count for state, count in counted}
    bad = counts.get(BulkRow.State.REFUSED, 0) + counts.get(BulkRow.State.FAILED, 0)
    left = counts.get(BulkRow.State.WAITING, 0)
    rows = row.rows.exclude(state=BulkRow.State.WAITING).filter(ticket__in=Ticket.objects.visible_to(request.user))
    worst_first = rows.select_related("ticket").order_by("-state", "pk")[:MOST_SHOWN]
    return {
        "job": row,
        "title": bulk_title(row),
        "done": row.total - left - bad,
        "failed": bad,
        "left": left,
        "running": row.state == BulkJob.State.RUNNING,
        "counts": [(state.label, ROW_PILLS[state], count) for state, count in counts.items()],
        "rows": [(one, ROW_PILLS[one.state], why_not(one.reason)) for one in worst_first],
        "more": row.total - left > MOST_SHOWN,
    }


@require_POST
def stop(request: HttpRequest, job: int) -> HttpResponse:
    row = get_object_or_404(BulkJob.objects.visible_to(request.user), pk=job)
    if bulk.stop(job=row):
        messages.success(request, _("Stopped. What was done stays done."))
    return redirect("tickets:bulk-job", row.pk)
