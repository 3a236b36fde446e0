"""The list of tickets, the page of one, and what people do there."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.monitoring import selectors as monitoring
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.once import form_key
from helpdesk.tickets import selectors, services, timeline
from helpdesk.tickets.forms import EditForm, ReplyForm, TicketFilter, TransitionForm, moves
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED, collides, may_reply
from helpdesk.tickets.words import pill, sentence

PAGE_SIZE = 50


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = person(request)
    works = user.access.anywhere(Action.VIEW_INTERNAL_NOTES)
    form = TicketFilter(request.GET, user=user, works=works)
    wanted = form.wanted()
    rows = selectors.listed(Ticket.objects.visible_to(user), wanted, user)
    rows = selectors.ordered(rows, wanted.get("sort") or "").select_related("site", "room", "requester", "owner")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [{"ticket": ticket, "sentence": sentence(ticket), **pill(ticket)} for ticket in page],
        "columns": _columns(wanted.get("sort") or "", works=works, many="site" in form.fields),
        "works": works,
        "many": "site" in form.fields,
    }
    return render(request, "tickets/tickets.html", context)


def _columns(sort: str, *, works: bool, many: bool) -> list[dict[str, str]]:
    """Heads of the table: where a click sorts, and how it is sorted now."""
    columns = {
        "subject": _("Subject"),
        "site": _("School and room") if many else _("Room"),
        "priority": _("Priority"),
        "owner": _("Looked after by"),
        "state": _("How it stands"),
        "updated": _("Last change"),
    }
    if not works:
        del columns["priority"], columns["owner"]
    return [{"label": label, **_sorting(name, sort)} for name, label in columns.items()]


def _sorting(name: str, sort: str) -> dict[str, str]:
    if sort.removeprefix("-") != name:
        first = f"-{name}" if name in {"priority", "updated"} else name
        return {"next": first, "now": ""}
    falling = sort.startswith("-")
    return {"next": name if falling else f"-{name}", "now": "descending" if falling else "ascending"}


@require_safe
def detail(request: HttpRequest, number: str) -> HttpResponse:
    return _page(request, _visible(request, number))


@require_safe
def story(request: HttpRequest, number: str) -> HttpResponse:
    """What happened, asked for again while a change goes on; the same template as on the page."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user).select_related("owner"), number=number)
    return render(request, "tickets/pieces/story.html", _story(person(request), ticket) | {"fragment": True})


def _story(user: User, ticket: Ticket) -> dict[str, Any]:
    return {
        "ticket": ticket,
        **pill(ticket),
        "sentence": sentence(ticket),
        "timeline": timeline.of(ticket, user),
        "live": ticket.state == Ticket.State.WAITING_CHANGE,
    }


def _visible(request: HttpRequest, number: str) -> Ticket:
    return get_object_or_404(selectors.with_all(Ticket.objects.visible_to(request.user)), number=number)


def _page(request: HttpRequest, ticket: Ticket, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(request, "tickets/ticket.html", _context(person(request), ticket) | more, status=status)


def _context(user: User, ticket: Ticket) -> dict[str, Any]:
    works, seen_at = _works(user, ticket), timezone.now()
    return {
        **_story(user, ticket),
        "devices": [(device, monitoring.state_of(device)) for device in ticket.devices.all()],
        "works": works,
        "technical": user.access.may(Action.VIEW_DEVICE_DETAILS, ticket.authority_id, ticket.site_id),
        "may_take": works and ticket.owner_id != user.pk and ticket.state not in FINISHED,
        "moves": moves(ticket) if works else [],
        "reply_form": _reply_form(user, ticket, seen_at=seen_at) if may_reply(user.access, ticket) else None,
        "edit_form": EditForm(ticket=ticket) if works and ticket.state != Ticket.State.CLOSED else None,
    }


def _works(user: User, ticket: Ticket) -> bool:
    return user.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)


def _reply_form(user: User, ticket: Ticket, data: Any = None, *, seen_at: datetime | None = None) -> ReplyForm:
    moment = seen_at or timezone.now()
    fresh = {"seen_version": ticket.version, "seen_at": moment.isoformat(), "token": secrets.token_hex(16)}
    return ReplyForm(data, ticket=ticket, works=_works(user, ticket), initial=fresh)


@require_POST
def reply(request: HttpRequest, number: str) -> HttpResponse:
    ticket, user = _visible(request, number), person(request)
    if not may_reply(user.access, ticket):
        raise Http404
    form = _reply_form(user, ticket, request.POST)
    if not form.is_valid():
        return _page(request, ticket, reply_form=form, status=422)
    said = form.cleaned_data
    news = timeline.news(ticket, user, said["seen_at"])
    if collides(seen_version=said["seen_version"], version=ticket.version, news=len(news)):
        return _changed_meanwhile(request, ticket, said)
    try:
        services.reply(ticket=ticket, said=_reply(user, ticket, said))
    except (services.StaleError, services.TransitionError):
        return _changed_meanwhile(request, _visible(request, number), said)
    messages.success(request, _("Your message is in the ticket."))
    return redirect("tickets:ticket", number)


def _reply(user: User, ticket: Ticket, said: dict[str, Any]) -> services.Reply:
    return services.Reply(
        author=user,
        body=said["body"],
        internal=said.get("internal", False),
        to=Ticket.State(said["to"]) if said.get("to") else None,
        still_broken=said.get("still_broken", False),
        seen_version=ticket.version,
        idempotency_key=form_key(said["token"], [said["body"], said.get("to")]) if said["token"] else None,
    )


def _changed_meanwhile(request: HttpRequest, ticket: Ticket, said: dict[str, Any]) -> HttpResponse:
    """Both texts side by side: what others did, and what was typed, ready to be sent on the new state."""
    user = person(request)
    fresh = _reply_form(user, ticket)
    fresh.initial.update({name: said.get(name) for name in ("body", "to", "internal", "still_broken", "token")})
    news = timeline.news(ticket, user, said["seen_at"])
    told = [{"who": entry.who, "at": entry.at, "text": timeline.summary(entry)} for entry in news]
    return _page(request, ticket, reply_form=fresh, news=told, stale=True, status=409)


@require_POST
def take(request: HttpRequest, number: str) -> HttpResponse:
    """From whom it is taken is what the page showed: nobody loses a ticket to a click on an old page."""
    ticket, user = _workable(request, number), person(request)
    as_seen = request.POST.get("seen_owner", "") == str(ticket.owner_id or "")
    if ticket.owner_id == user.pk or (as_seen and services.take(ticket=ticket, by=user, from_owner=ticket.owner)):
        messages.success(request, _("The ticket is yours now."))
    else:
        messages.warning(request, _("Somebody else was faster and has taken it."))
    return redirect("tickets:ticket", number)


@require_POST
def change_state(request: HttpRequest, number: str) -> HttpResponse:
    ticket, form = _workable(request, number), TransitionForm(request.POST)
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
    _workable(request, number)
    ticket, user = _visible(request, number), person(request)
    form = EditForm(request.POST, ticket=ticket)
    if not form.is_valid():
        return _page(request, ticket, edit_form=form, editing=True, status=422)
    wish = dict(form.cleaned_data)
    seen = wish.pop("seen_version")
    try:
        services.edit(ticket=ticket, wish=services.Edit(**wish), actor=user, seen_version=seen)
    except services.StaleError:
        return _edited_meanwhile(request, _visible(request, number), wish)
    messages.success(request, _("Saved."))
    return redirect("tickets:ticket", number)


def _edited_meanwhile(request: HttpRequest, ticket: Ticket, wish: dict[str, Any]) -> HttpResponse:
    """What was typed stays in the form; beside it stands what the ticket says now. Saving again means it."""
    form = EditForm(ticket=ticket)
    now = {"subject": ticket.subject, "priority": ticket.get_priority_display(), "owner": ticket.owner}
    form.initial.update(wish)
    mine = {**wish, "priority": Ticket.Priority(wish["priority"]).label}
    differs = [
        {"label": form.fields[name].label, "mine": mine[name] or "–", "now": now[name] or "–"}
        for name in now
        if str(mine[name]) != str(now[name])
    ]
    return _page(request, ticket, edit_form=form, editing=True, differs=differs, edit_stale=True, status=409)


def _workable(request: HttpRequest, number: str) -> Ticket:
    rows = Ticket.objects.allowing(request.user, Action.WORK_TICKETS).select_related("owner")
    return get_object_or_404(rows, number=number)


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
