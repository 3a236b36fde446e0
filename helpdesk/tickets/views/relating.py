"""What a ticket has to do with others: merge, link, split, incidents and their cases; tags, watchers, who looks at it."""

from typing import Any

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets import selectors, services
from helpdesk.tickets.forms import RelateForm, SplitForm, TagForm
from helpdesk.tickets.models import BulkJob, Ticket
from helpdesk.tickets.rules import FINISHED
from helpdesk.tickets.services import bulk, presence, tags
from helpdesk.tickets.views.common import person, workable
from helpdesk.tickets.words import pill, why_not

FEW = 10


def context(user: User, ticket: Ticket) -> dict[str, Any]:
    """For those who work on it."""
    cases = Ticket.objects.visible_to(user).filter(parent=ticket)
    watchers = list(ticket.watchers.order_by("name"))
    parent = Ticket.objects.visible_to(user).filter(pk=ticket.parent_id).first() if ticket.parent_id else None
    shown = list(cases.select_related("site").order_by("pk")[: FEW + 1])
    return {
        "tags": list(ticket.tags.all()),
        "tag_form": TagForm(),
        "watchers": watchers,
        "watching": user in watchers,
        "linked": [{"link": link, "ticket": other, **pill(other)} for link, other in selectors.linked(ticket, user)],
        "parent": parent,
        "cases": [{"ticket": case, **pill(case)} for case in shown[:FEW]],
        "more_cases": len(shown) > FEW,
        "cases_open": cases.open().filter(alert__isnull=True).count() if shown else 0,
        "relate_form": RelateForm() if ticket.state != Ticket.State.CLOSED else None,
        "minutes": ticket.articles.aggregate(sum=Sum("minutes"))["sum"] or 0,
    }


@require_POST
def relate(request: HttpRequest, number: str) -> HttpResponse:
    ticket, form = workable(request, number), RelateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Type the number of a ticket, as in F2026-000123."))
        return redirect("tickets:ticket", number)
    other = services.find_by_reference(form.cleaned_data["number"])
    if other is None or not Ticket.objects.allowing(request.user, Action.WORK_TICKETS).filter(pk=other.pk).exists():
        messages.error(request, _("There is no ticket with that number."))
        return redirect("tickets:ticket", number)
    try:
        goes_on = RELATING[form.cleaned_data["act"]](ticket, other, person(request))
    except services.RelationError as error:
        messages.error(request, why_not(error.key))
        return redirect("tickets:ticket", number)
    messages.success(request, _("Done."))
    return redirect("tickets:ticket", goes_on.number)


def _merge(ticket: Ticket, other: Ticket, by: User) -> Ticket:
    return services.merge(source=ticket, into=other, by=by)


def _link(ticket: Ticket, other: Ticket, by: User) -> Ticket:
    services.link(ticket=ticket, other=other, by=by)
    return ticket


def _belongs(ticket: Ticket, other: Ticket, by: User) -> Ticket:
    services.set_parent(ticket=ticket, parent=other, by=by)
    return ticket


RELATING = {"merge": _merge, "link": _link, "parent": _belongs}


@require_POST
def detach(request: HttpRequest, number: str) -> HttpResponse:
    """A case of its own again."""
    services.set_parent(ticket=workable(request, number), parent=None, by=person(request))
    return redirect("tickets:ticket", number)


@require_POST
def unlink(request: HttpRequest, number: str) -> HttpResponse:
    ticket = workable(request, number)
    for link, _other in selectors.linked(ticket, person(request)):
        if str(link.pk) == request.POST.get("link"):
            services.unlink(link=link)
    return redirect("tickets:ticket", number)


@require_http_methods(["GET", "HEAD", "POST"])
def split(request: HttpRequest, number: str) -> HttpResponse:
    ticket, user = workable(request, number), person(request)
    form = SplitForm(request.POST or None, ticket=ticket)
    if request.method == "POST" and form.is_valid():
        ids, subject = [int(pk) for pk in form.cleaned_data["articles"]], form.cleaned_data["subject"]
        try:
            fresh = services.split(ticket=ticket, part=services.Part(ids, subject), by=user)
        except services.RelationError as error:
            form.add_error(None, why_not(error.key))
        else:
            messages.success(request, _("This is the new ticket."))
            return redirect("tickets:ticket", fresh.number)
    status = 422 if request.method == "POST" else 200
    return render(request, "tickets/split.html", {"ticket": ticket, "form": form}, status=status)


@require_POST
def resolve_cases(request: HttpRequest, number: str) -> HttpResponse:
    """What people reported of it, each with its own outcome; what monitoring saw is measured first."""
    ticket, user = workable(request, number), person(request)
    rows = Ticket.objects.allowing(user, Action.WORK_TICKETS).open().filter(parent=ticket, alert__isnull=True)
    if ticket.state not in FINISHED or not rows.exists():
        messages.info(request, _("There is nothing to resolve."))
        return redirect("tickets:ticket", number)
    try:
        job = bulk.order(rows=rows, act=BulkJob.Act.STATE, value=Ticket.State.RESOLVED, by=user)
    except bulk.BusyError:
        messages.info(request, why_not("busy"))
        return redirect("tickets:ticket", number)
    return redirect("tickets:bulk-job", job.pk)


@require_POST
def tag(request: HttpRequest, number: str) -> HttpResponse:
    ticket, form = workable(request, number), TagForm(request.POST)
    if request.POST.get("remove", "").isdecimal():
        tags.remove(ticket=ticket, tag_id=int(request.POST["remove"]))
    elif form.is_valid():
        tags.add(ticket=ticket, name=form.cleaned_data["name"], by=person(request))
    else:
        messages.error(request, _("A tag has 1 to 50 characters."))
    return redirect("tickets:ticket", number)


@require_POST
def watch(request: HttpRequest, number: str) -> HttpResponse:
    ticket = workable(request, number)
    act = services.watch if request.POST.get("watch") == "1" else services.unwatch
    act(ticket=ticket, by=person(request))
    return redirect("tickets:ticket", number)


@require_POST
def present(request: HttpRequest, number: str) -> HttpResponse:
    """The page says that it is open, and hears who else has it open. What is being typed is not kept."""
    ticket, user = workable(request, number), person(request)
    presence.say(ticket=ticket, user=user, typing=bool(request.POST.get("body", "").strip()))
    context = {"ticket": ticket, "present": presence.others(ticket=ticket, user=user)}
    return render(request, "tickets/pieces/present.html", context)
