"""The page of one ticket, and what people do there."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.monitoring import selectors as monitoring
from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets import plain, selectors, services, timeline
from helpdesk.tickets.forms import EditForm, ReplyForm, TransitionForm, moves
from helpdesk.tickets.models import Macro, Ticket
from helpdesk.tickets.rules import FINISHED, may_reply
from helpdesk.tickets.services import presence
from helpdesk.tickets.services.macros import text_for
from helpdesk.tickets.views import relating
from helpdesk.tickets.views.common import person, visible, workable, works
from helpdesk.tickets.views.rating import rating_context
from helpdesk.tickets.words import due, pill, sentence


@require_safe
def detail(request: HttpRequest, number: str) -> HttpResponse:
    ticket = visible(request, number)
    if ticket.merged_into_id and "stay" not in request.GET:
        goes_on = reverse("tickets:ticket", args=[services.current(ticket).number])
        asked = request.GET.urlencode()
        return redirect(f"{goes_on}?{asked}" if asked else goes_on)
    return page(request, ticket)


@require_safe
def story(request: HttpRequest, number: str) -> HttpResponse:
    """What happened, asked for again while a change goes on; the same template as on the page."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user).select_related("owner"), number=number)
    return render(request, "tickets/pieces/story.html", _story(person(request), ticket) | {"fragment": True})


def _story(user: User, ticket: Ticket) -> dict[str, Any]:
    return {
        "ticket": ticket,
        **pill(ticket),
        "sentences": plain.page(ticket) if user.plain_language and not works(user, ticket) else [sentence(ticket)],
        "timeline": timeline.of(ticket, user),
        "live": ticket.state == Ticket.State.WAITING_CHANGE,
    }


def page(request: HttpRequest, ticket: Ticket, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "tickets/ticket.html", _context(request, ticket) | more, status=status)


def _context(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    user = person(request)
    at_work, seen_at = works(user, ticket), timezone.now()
    macros = selectors.macros(ticket) if at_work else []
    return {
        **_story(user, ticket),
        "devices": [(device, monitoring.state_of(device)) for device in ticket.devices.all()],
        "works": at_work,
        "technical": user.access.may(Action.VIEW_DEVICE_DETAILS, ticket.authority_id, ticket.site_id),
        "may_take": at_work and ticket.owner_id != user.pk and ticket.state not in FINISHED,
        "moves": moves(ticket) if at_work else [],
        "reply_form": reply_form(user, ticket, seen_at=seen_at, body=_canned(request, ticket, macros))
        if may_reply(user.access, ticket)
        else None,
        "edit_form": EditForm(ticket=ticket) if at_work and ticket.state != Ticket.State.CLOSED else None,
        "macros": macros,
        "due": due(ticket, seen_at) if at_work else None,
        "present": presence.others(ticket=ticket, user=user) if at_work else [],
        **(relating.context(user, ticket) if at_work else {}),
        "again_token": secrets.token_hex(16),
        **rating_context(user, ticket),
    }


def _canned(request: HttpRequest, ticket: Ticket, macros: Sequence[Macro]) -> str:
    """The text of the canned reply that was chosen, for the person to go over."""
    chosen = request.GET.get("macro", "")
    macro = next((one for one in macros if str(one.pk) == chosen), None)
    return text_for(ticket=ticket, macro=macro, by=person(request)) if macro else ""


def reply_form(
    user: User, ticket: Ticket, data: Any = None, *, files: Any = None, seen_at: datetime | None = None, body: str = ""
) -> ReplyForm:
    moment = seen_at or timezone.now()
    fresh = {"body": body, "seen_version": ticket.version, "seen_at": moment.isoformat(), "token": secrets.token_hex(16)}
    return ReplyForm(data, files, ticket=ticket, works=works(user, ticket), initial=fresh)


@require_POST
def take(request: HttpRequest, number: str) -> HttpResponse:
    """From whom it is taken is what the page showed: nobody loses a ticket to a click on an old page."""
    ticket, user = workable(request, number), person(request)
    as_seen = request.POST.get("seen_owner", "") == str(ticket.owner_id or "")
    if ticket.owner_id == user.pk or (as_seen and services.take(ticket=ticket, by=user, from_owner=ticket.owner)):
        messages.success(request, _("The ticket is yours now."))
    else:
        messages.warning(request, _("Somebody else was faster and has taken it."))
    return redirect("tickets:ticket", number)


@require_POST
def change_state(request: HttpRequest, number: str) -> HttpResponse:
    ticket, form = workable(request, number), TransitionForm(request.POST)
    if not form.is_valid():
        raise Http404
    to, seen = Ticket.State(form.cleaned_data["to"]), form.cleaned_data["seen_version"]
    try:
        services.transition(ticket=ticket, to=to, actor=person(request), seen_version=seen)
    except services.StaleError:
        messages.warning(request, _("The ticket was changed meanwhile. Please look at it again before you decide."))
    except services.TransitionError:
        messages.error(request, _("That is not possible from the ticket's present state."))
    return redirect("tickets:ticket", number)


@require_POST
def edit(request: HttpRequest, number: str) -> HttpResponse:
    workable(request, number)
    ticket, user = visible(request, number), person(request)
    form = EditForm(request.POST, ticket=ticket)
    if not form.is_valid():
        return page(request, ticket, edit_form=form, editing=True, status=422)
    wish = dict(form.cleaned_data)
    seen = wish.pop("seen_version")
    sorting = services.Sorting(wish["queue"], wish["category"])
    edited = services.Edit(wish["subject"], wish["priority"], wish["owner"], sorting)
    try:
        services.edit(ticket=ticket, wish=edited, actor=user, seen_version=seen)
    except services.StaleError:
        return _edited_meanwhile(request, visible(request, number), wish)
    messages.success(request, _("Saved."))
    return redirect("tickets:ticket", number)


def _edited_meanwhile(request: HttpRequest, ticket: Ticket, wish: dict[str, Any]) -> HttpResponse:
    """What was typed stays in the form; beside it stands what the ticket says now. Saving again means it."""
    form = EditForm(ticket=ticket)
    now = {
        "subject": ticket.subject,
        "priority": ticket.get_priority_display(),
        "owner": ticket.owner,
        "queue": ticket.queue,
        "category": ticket.category,
    }
    form.initial.update(wish)
    mine = {**wish, "priority": Ticket.Priority(wish["priority"]).label}
    differs = [
        {"label": form.fields[name].label, "mine": mine[name] or "–", "now": now[name] or "–"}
        for name in now
        if str(mine[name]) != str(now[name])
    ]
    return page(request, ticket, edit_form=form, editing=True, differs=differs, edit_stale=True, status=409)
