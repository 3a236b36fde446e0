"""Outages that are known already, and who is hit by them too: one ticket for all of them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from helpdesk.portal import words
from helpdesk.portal.views import person
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket, TicketQuerySet

KNOWN = 5


def known(user: User, site: Site) -> list[dict[str, Any]]:
    """What is out of order there and has a ticket, with whether this person may still say "me too". Two queries."""
    rows = _known(Ticket.objects.visible_to(user)).filter(site=site)
    found = list(rows.select_related("room", "alert__device").order_by("-created_at")[:KNOWN])
    said = (
        set(rows.filter(articles__notice="me-too", articles__author=user).values_list("pk", flat=True)) if found else set()
    )
    may = user.access.may(Action.REPORT_PROBLEM, site.authority_id, site.pk)
    return [_row(ticket) | {"said": ticket.pk in said, "may": may and ticket.pk not in said} for ticket in found]


def _known(tickets_here: TicketQuerySet) -> TicketQuerySet:
    return tickets_here.open().filter(alert__isnull=False)


def _row(ticket: Ticket) -> dict[str, Any]:
    state = "watch" if words.answers_just_now(ticket) else "down"
    return {"ticket": ticket, "sentence": words.known_outage(ticket), "state": state}


@require_POST
def me_too(request: HttpRequest, number: str) -> HttpResponse:
    """Notes in the ticket that this person is hit as well; said twice, it stands there once."""
    user = person(request)
    ticket = get_object_or_404(_known(Ticket.objects.allowing(user, Action.REPORT_PROBLEM)), number=number)
    tickets.add_article(
        ticket=ticket,
        contribution=tickets.Contribution(author=user, notice="me-too"),
        idempotency_key=f"me-too:{ticket.pk}",
    )
    messages.success(request, _("Noted: this hits you too. You find here what becomes of it."))
    return redirect("tickets:ticket", number=ticket.number)
