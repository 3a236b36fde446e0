"""What somebody writes on the page of a ticket; where it cannot be said there any more, the page keeps it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet.people.models import User
from fleet.web.once import form_key
from helpdesk.tickets import services, timeline, uploads
from helpdesk.tickets.forms import RatingForm, ReplyForm
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED, collides, is_concerned
from helpdesk.tickets.services import attachments
from helpdesk.tickets.views import rating
from helpdesk.tickets.views.common import person, visible
from helpdesk.tickets.views.ticket import page, reply_form

LONGEST = 20_000


@require_POST
def reply(request: HttpRequest, number: str) -> HttpResponse:
    """Said where the ticket goes on if it was merged meanwhile."""
    ticket, user = _as_it_goes_on(request, number), person(request)
    if not is_concerned(user.access, ticket):
        raise Http404
    form = reply_form(user, ticket, request.POST, files=request.FILES)
    uploads.refuse_too_large(form, request)
    if form.is_valid() and services.said_before(by=user, key=_key(form.cleaned_data)):
        return _sent(request, ticket)
    if ticket.state == Ticket.State.CLOSED:
        return _closed_meanwhile(request, ticket)
    if not form.is_valid():
        return page(request, ticket, reply_form=form, status=422)
    return _say(request, ticket, form, elsewhere=ticket.number != number)


def _as_it_goes_on(request: HttpRequest, number: str) -> Ticket:
    ticket = visible(request, number)
    return visible(request, services.current(ticket).number) if ticket.merged_into_id else ticket


def _say(request: HttpRequest, ticket: Ticket, form: ReplyForm, *, elsewhere: bool) -> HttpResponse:
    """`elsewhere`: the form was that of another ticket, whose version says nothing of this one's."""
    user, said = person(request), form.cleaned_data
    news = timeline.news(ticket, user, said["seen_at"])
    if (elsewhere and news) or collides(seen_version=said["seen_version"], version=ticket.version, news=len(news)):
        return _changed_meanwhile(request, ticket, said)
    try:
        attachments.reply(ticket=ticket, said=_reply(user, ticket, said), files=uploads.kept(said["attachments"]))
    except (services.StaleError, services.TransitionError):
        ticket = _as_it_goes_on(request, ticket.number)
        if ticket.state == Ticket.State.CLOSED:
            return _closed_meanwhile(request, ticket)
        return _changed_meanwhile(request, ticket, said)
    return _sent(request, ticket)


def _sent(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    messages.success(request, _("Your message is in the ticket."))
    return redirect("tickets:ticket", ticket.number)


def _key(said: dict[str, Any]) -> str | None:
    content = [said["body"], said.get("to"), *uploads.of_what(said["attachments"])]
    return form_key(said["token"], content) if said["token"] else None


def _reply(user: User, ticket: Ticket, said: dict[str, Any]) -> services.Reply:
    return services.Reply(
        author=user,
        body=said["body"],
        internal=said.get("internal", False),
        to=Ticket.State(said["to"]) if said.get("to") else None,
        still_broken=said.get("still_broken", False),
        seen_version=ticket.version,
        minutes=said.get("minutes") or 0,
        idempotency_key=_key(said),
    )


def _changed_meanwhile(request: HttpRequest, ticket: Ticket, said: dict[str, Any]) -> HttpResponse:
    """Both texts side by side: what others did, and what was typed, ready to be sent on the new state."""
    user = person(request)
    fresh = reply_form(user, ticket)
    fresh.initial.update({name: said.get(name) for name in ("body", "to", "internal", "still_broken", "minutes", "token")})
    news = timeline.news(ticket, user, said["seen_at"])
    told = [{"who": entry.who, "at": entry.at, "text": timeline.summary(entry)} for entry in news]
    context = {"reply_form": fresh, "news": told, "stale": True, "files_again": bool(said.get("attachments"))}
    return page(request, ticket, status=409, **context)


def _closed_meanwhile(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Ready to be sent as a new ticket; an internal note is shown only, for the school reads what is sent."""
    typed = request.POST.get("body", "").strip()[:LONGEST]
    kept = "kept_note" if request.POST.get("internal") else "kept"
    context = {kept: typed, "closed_meanwhile": True, "had_files": bool(request.FILES)}
    return page(request, ticket, status=409, **context)


@require_POST
def rate_here(request: HttpRequest, number: str) -> HttpResponse:
    """What somebody thinks of a ticket that is not done any more is a reply to it."""
    ticket, user = visible(request, number), person(request)
    form, done = RatingForm(request.POST), ticket.state in FINISHED
    if ticket.requester_id != user.pk or not (done or is_concerned(user.access, ticket)):
        raise Http404
    if not done:
        return page(
            request, ticket, status=409, reply_form=reply_form(user, ticket, body=form["comment"].value()), stale=True
        )
    if not form.is_valid():
        messages.error(request, _("Choose one of the three."))
        return page(request, ticket, status=422, rate_form=form)
    rating.save(ticket, form)
    messages.success(request, _("Thank you. It helps us to do better."))
    return redirect("tickets:ticket", number)


@require_POST
def follow_up(request: HttpRequest, number: str) -> HttpResponse:
    """The matter of a closed ticket is back; where it is not over, that is no new ticket but a reply."""
    ticket, user = _as_it_goes_on(request, number), person(request)
    if not is_concerned(user.access, ticket):
        return redirect("tickets:ticket", number)
    body = request.POST.get("body", "").strip()[:LONGEST]
    if ticket.state != Ticket.State.CLOSED and not body:
        return redirect("tickets:ticket", ticket.number)
    if ticket.state != Ticket.State.CLOSED:
        return page(request, ticket, status=409, reply_form=reply_form(user, ticket, body=body), stale=True)
    token = request.POST.get("token", "")
    key = form_key(token, body) if token else None
    fresh = services.follow_up(ticket=ticket, said=services.Again(user, body, idempotency_key=key))
    messages.success(request, _("This is the new ticket."))
    return redirect("tickets:ticket", fresh.number)
