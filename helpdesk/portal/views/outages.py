"""Outages that are known already, and who is hit by them too: one ticket for all of them.

Of what lies at another school a reader learns that it reaches theirs, and nothing else.
"""

from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet.monitoring.models import Alert
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from helpdesk.portal import words
from helpdesk.portal.services import cases
from helpdesk.portal.views import person
from helpdesk.tickets import schools
from helpdesk.tickets.models import Ticket, TicketQuerySet
from helpdesk.tickets.services import RelationError

KNOWN = 5


def known(user: User, site: Site) -> list[dict[str, Any]]:
    """What is out of order there and has a ticket, with whether this person may still say "me too". Six queries at most."""
    here = _known(Ticket.objects.visible_to(user)).filter(site=site)
    found = list(here.select_related("room", "alert__device").order_by("-created_at")[:KNOWN])
    incidents = list(_elsewhere(site).order_by("-created_at")[: KNOWN - len(found)])
    own = {case.parent_id: case for case in _cases(user, site).filter(parent__in=incidents)} if incidents else {}
    rows = [_row(ticket) for ticket in found] + [_incident(ticket, own.get(ticket.pk)) for ticket in incidents]
    said = _said(user, [row["ticket"] for row in rows if row["ticket"]])
    may = user.access.may(Action.REPORT_PROBLEM, site.authority_id, site.pk)
    for row in rows:
        row["said"] = row["ticket"] is not None and row["ticket"].pk in said
        row["may"] = may and not row["said"]
    return rows


def _known(tickets_here: TicketQuerySet) -> TicketQuerySet:
    """What monitoring saw, and larger incidents with cases at the same school."""
    near = Ticket.objects.open().filter(parent=OuterRef("pk"), site=OuterRef("site"))
    return tickets_here.open().filter(Q(alert__isnull=False) | Exists(near))


def _elsewhere(site: Site) -> TicketQuerySet:
    """Incidents at other schools of the authority that cut off devices here, or have cases here; no restricted ones."""
    suppressed = Alert.objects.open().filter(site=site, suppressed_by__isnull=False).order_by()
    cut_off = Q(alert__in=list(suppressed.values_list("suppressed_by", flat=True).distinct()))
    reaching = Ticket.objects.open().filter(cut_off | Q(site=site, parent__isnull=False))
    roots = {above or pk for pk, above in reaching.values_list("pk", "parent")}
    rows = Ticket.objects.open().filter(pk__in=roots, authority=site.authority_id).exclude(site=site)
    return rows.exclude(queue__restricted=True)


def _cases(user: User, site: Site) -> TicketQuerySet:
    """Cases that were opened here by "me too"."""
    rows = Ticket.objects.allowing(user, Action.REPORT_PROBLEM).open().filter(site=site)
    return rows.filter(articles__notice=cases.NOTICE)


def _said(user: User, tickets: list[Ticket]) -> set[int]:
    """Those in which this person has said so."""
    rows = Ticket.objects.filter(pk__in=[ticket.pk for ticket in tickets])
    return set(rows.filter(articles__notice=cases.NOTICE, articles__author=user).values_list("pk", flat=True))


def _row(ticket: Ticket) -> dict[str, Any]:
    state = "watch" if words.answers_just_now(ticket) else "down"
    return {"ticket": ticket, "sentence": words.known_outage(ticket), "state": state, **_shown(ticket)}


def _incident(ticket: Ticket, case: Ticket | None) -> dict[str, Any]:
    """`ticket`: the school's own case of it, where there is one."""
    said = _("A larger disturbance reaches this school too. We are on it.")
    return {"ticket": case, "sentence": said, "state": "down", **_shown(ticket)}


def _shown(ticket: Ticket) -> dict[str, Any]:
    return {"since": ticket.created_at, "me_too": reverse("portal:me-too", args=[ticket.number])}


@require_POST
def me_too(request: HttpRequest, number: str) -> HttpResponse:
    """Notes in the ticket that this person is hit as well; where it is another school's, in a case of their own school."""
    ticket = _hit(request, person(request), number)
    messages.success(request, _("Noted: this hits you too. You find here what becomes of it."))
    return redirect("tickets:ticket", number=ticket.number)


def _hit(request: HttpRequest, user: User, number: str) -> Ticket:
    sites = Site.objects.allowing(user, Action.REPORT_PROBLEM).order_by("name")
    site = schools.chosen(request.POST, sites, list(sites[:2]))
    incident = _elsewhere(site).filter(number=number).first() if site else None
    if site is None or incident is None:
        mine = _known(Ticket.objects.allowing(user, Action.REPORT_PROBLEM))
        return cases.hit_too(ticket=get_object_or_404(mine, number=number), by=user)
    try:
        return cases.hit_from_elsewhere(incident=incident, site=site, by=user)
    except RelationError as error:
        raise Http404 from error  # it is over this moment
