"""The question at the end: one click, a comment if somebody wants to."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from fleet.people.models import User
from helpdesk.tickets.forms import RatingForm
from helpdesk.tickets.models import Rating, Ticket
from helpdesk.tickets.rules import FINISHED
from helpdesk.tickets.services import rating
from helpdesk.tickets.views.common import works

STATES = {1: "ok", 2: "watch", 3: "down"}


def rating_context(user: User, ticket: Ticket) -> dict[str, Any]:
    """`rate_form` for the requester of what is done; `rating` for them and for those who work on it."""
    asked = ticket.requester_id == user.pk and ticket.state in FINISHED
    said = Rating.objects.filter(ticket=ticket).first() if asked or works(user, ticket) else None
    context: dict[str, Any] = {"rating": said, "rating_state": STATES[said.grade] if said else ""}
    return context | ({"rate_form": RatingForm(initial={"comment": said.comment if said else ""})} if asked else {})


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, token: str) -> HttpResponse:
    """By the link out of a mail, without logging in; a mail program that opens links answers nothing for anybody."""
    ticket = rating.ticket_of(token)
    if ticket is None:
        return render(request, "tickets/rate.html", {"dead": True, "kept": request.POST.get("comment", "")}, status=404)
    form = RatingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        save(ticket, form)
        return render(request, "tickets/rate.html", {"thanks": True, "number": ticket.number})
    status = 422 if request.method == "POST" else 200
    return render(request, "tickets/rate.html", {"form": form, "number": ticket.number}, status=status)


def save(ticket: Ticket, form: RatingForm) -> None:
    grade = Rating.Grade(form.cleaned_data["grade"])
    rating.rate(ticket=ticket, grade=grade, comment=form.cleaned_data["comment"])
