"""Home by role, and one school room by room."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.automation.models import Change
from fleet.automation.views import title
from fleet.monitoring import selectors
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules.rooms import RoomState
from fleet.monitoring.words import fault
from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.sites.models import Site
from helpdesk.portal import rules, words
from helpdesk.portal.views import person
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.words import pill, sentence

MINE, KNOWN, FEW = 8, 5, 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    user = person(request)
    roles = user.access.roles()
    if not roles:
        return render(request, "portal/nothing.html")
    if roles == {Role.COORDINATOR}:
        return _schools(request, user)
    if Role.TECHNICIAN in roles and Role.ADMINISTRATOR not in roles:
        return redirect("monitoring:faults")
    return render(request, "portal/morning.html", _morning(user))


def _schools(request: HttpRequest, user: User) -> HttpResponse:
    sites = list(Site.objects.visible_to(user))
    if len(sites) == 1:
        return render(request, "portal/home.html", _school(user, sites[0]))
    return render(request, "portal/schools.html", {"schools": [_school(user, site) for site in sites]})


def _school(user: User, site: Site) -> dict[str, Any]:
    rooms = [room for room in selectors.room_states(site) if room.devices]
    mood = rules.mood(rooms)
    here = Ticket.objects.visible_to(user).filter(site=site)
    own = here.filter(requester=user).select_related("owner").order_by("-created_at")[:MINE]
    known = here.open().filter(alert__isnull=False).select_related("room", "alert__device").order_by("-created_at")
    return {
        "site": site,
        "mood": mood,
        "sentence": words.how_it_is(mood),
        "cells": [_room(room) for room in rooms],
        "mine": [{"ticket": ticket, "sentence": sentence(ticket), **pill(ticket)} for ticket in own],
        "outages": [{"ticket": ticket, "sentence": words.known_outage(ticket)} for ticket in known[:KNOWN]],
    }


def _room(room: RoomState) -> dict[str, Any]:
    devices = [{"device": one, "state": one.state.value, "word": words.STATES[one.state.value]} for one in room.devices]
    return {"room": room, "state": room.state.value, "word": words.STATES[room.state.value], "devices": devices}


@require_safe
def school(request: HttpRequest, pk: int) -> HttpResponse:
    """My school: every room with its devices and how they are."""
    site = get_object_or_404(Site.objects.visible_to(request.user), pk=pk)
    return render(request, "portal/school.html", _school(person(request), site))


@dataclass(frozen=True)
class Figure:
    label: str
    count: int
    url: str


def _morning(user: User) -> dict[str, Any]:
    """What an administrator wants to know in the morning: numbers that lead to their lists, and the first of each."""
    changes = Change.objects.visible_to(user).select_related("site", "requested_by")
    waiting = Change.objects.allowing(user, Action.APPROVE_CHANGE).filter(state=Change.State.AWAITING_APPROVAL)
    waiting = waiting.select_related("site", "requested_by").order_by("starts_at", "pk")
    soon = timezone.now() + timedelta(hours=24)
    underway = changes.filter(state__in=[Change.State.RUNNING, Change.State.VERIFYING])
    coming = changes.filter(state=Change.State.APPROVED, starts_at__lte=soon)
    down = Health.objects.visible_to(user).filter(status=Health.Status.DOWN)
    faults = Alert.objects.visible_to(user).open().root_causes().select_related("device", "site")
    open_tickets = Ticket.objects.visible_to(user).open()
    changes_url, tickets_url = reverse("automation:changes"), reverse("tickets:tickets")
    figures = [
        Figure(_("Faults now"), faults.count(), reverse("monitoring:faults")),
        Figure(_("Devices not answering"), down.count(), f"{reverse('devices:list')}?state=down"),
        Figure(_("Open tickets"), open_tickets.count(), tickets_url),
        Figure(_("Changes running"), underway.count(), f"{changes_url}?state=running"),
        Figure(_("Changes until tomorrow"), coming.count(), f"{changes_url}?state=approved"),
    ]
    approves = user.access.anywhere(Action.APPROVE_CHANGE)
    if approves:
        figures.insert(0, Figure(_("Approvals waiting"), waiting.count(), reverse("automation:approvals")))
    urgent = open_tickets.select_related("site", "owner").order_by("-priority", "created_at")[:FEW]
    return {
        "figures": figures,
        "approves": approves,
        "waiting": _changes(waiting),
        "faults": [{"alert": alert, "what": fault(alert)} for alert in faults.order_by("-opened_at")[:FEW]],
        "coming": _changes(coming.order_by("starts_at", "pk")),
        "urgent": [{"ticket": ticket, **pill(ticket)} for ticket in urgent],
    }


def _changes(rows: QuerySet[Change]) -> list[dict[str, Any]]:
    return [{"change": change, "title": title(change)} for change in rows[:FEW]]
