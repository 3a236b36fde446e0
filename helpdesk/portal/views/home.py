"""Home by role, and one school room by room."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.automation.models import Change
from fleet.automation.services.drift import drift_count
from fleet.automation.views.backups import late_count
from fleet.automation.views.changes import title
from fleet.devices.models import Device
from fleet.monitoring import estate, selectors
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules.rooms import RoomState
from fleet.monitoring.views.faults import CAPACITY
from fleet.monitoring.words import fault, subject
from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.sites.models import Site
from helpdesk.catalogue import services as catalogue
from helpdesk.portal import plain, rules, words
from helpdesk.portal.rules.scanning import picture
from helpdesk.portal.views import outages, person
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.plain import status
from helpdesk.tickets.rules.sla import AT_RISK
from helpdesk.tickets.selectors import due_by
from helpdesk.tickets.words import pill, sentence

MINE, FEW, MANY = 8, 5, 12


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
    known = outages.known(user, site)
    return {
        "site": site,
        "mood": mood,
        "sentence": (plain if user.plain_language else words).how_it_is(mood, watched=len(known)),
        "cells": [_room(room) for room in rooms],
        "mine": _as_sentences(user, own),
        "outages": known,
    }


def _as_sentences(user: User, tickets: Iterable[Ticket]) -> list[dict[str, Any]]:
    say = status if user.plain_language else sentence
    return [{"ticket": ticket, "sentence": say(ticket), **pill(ticket)} for ticket in tickets]


def _room(room: RoomState) -> dict[str, Any]:
    devices = [
        {"device": one, "state": one.state.value, "word": words.STATES[one.state.value], "picture": picture(one.kind)}
        for one in room.devices
    ]
    return {"room": room, "state": room.state.value, "word": words.STATES[room.state.value], "devices": devices}


@require_safe
def school(request: HttpRequest, pk: int) -> HttpResponse:
    """My school: what is open there, and every room with its devices and how they are."""
    user = person(request)
    site = get_object_or_404(Site.objects.visible_to(user), pk=pk)
    rows = Ticket.objects.visible_to(user).filter(site=site).open().select_related("owner").order_by("-created_at")
    tickets = list(rows[: MANY + 1])
    context = _school(user, site)
    context |= {"open": _as_sentences(user, tickets[:MANY]), "more_open": len(tickets) > MANY}
    return render(request, "portal/school.html", context)


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
    underway = Q(state__in=[Change.State.RUNNING, Change.State.VERIFYING])
    tonight = Q(state=Change.State.APPROVED, starts_at__lte=soon)
    counted = changes.order_by().aggregate(underway=Count("pk", filter=underway), tonight=Count("pk", filter=tonight))
    coming = changes.filter(tonight)
    down = Health.objects.visible_to(user).filter(status=Health.Status.DOWN)
    faults = Alert.objects.visible_to(user).open().root_causes().awake(timezone.now()).select_related("device", "site")
    wrong = faults.order_by().aggregate(all=Count("pk"), near=Count("pk", filter=Q(kind__in=CAPACITY)))
    open_tickets = Ticket.objects.visible_to(user).open()
    changes_url, tickets_url = reverse("automation:changes"), reverse("tickets:tickets")
    figures = [
        Figure(_("Faults now"), wrong["all"], reverse("monitoring:faults")),
        Figure(_("Devices not answering"), down.count(), f"{reverse('devices:list')}?state=down"),
        Figure(_("Open tickets"), open_tickets.count(), tickets_url),
        Figure(_("Deadlines at risk"), due_by(open_tickets, timezone.now() + AT_RISK).count(), f"{tickets_url}?due=risk"),
        Figure(_("Changes running"), counted["underway"], f"{changes_url}?state=running"),
        Figure(_("Changes until tomorrow"), counted["tonight"], f"{changes_url}?state=approved"),
        Figure(_("Devices differing from what is wanted"), drift_count(user), reverse("automation:drift")),
        Figure(_("Near a limit: power, radio, connections"), wrong["near"], f"{reverse('monitoring:faults')}?tight"),
    ]
    approves = user.access.anywhere(Action.APPROVE_CHANGE)
    if approves:
        figures.insert(0, Figure(_("Approvals waiting"), waiting.count(), reverse("automation:approvals")))
    urgent = open_tickets.select_related("site", "owner").order_by("-priority", "created_at")[:FEW]
    return {
        "figures": figures,
        "lacks": _lacks(user),
        "approves": approves,
        "waiting": _changes(waiting),
        "agreements": catalogue.awaiting(user)[:FEW],
        "faults": [
            {"alert": alert, "name": subject(alert), "what": fault(alert)}
            for alert in faults.order_by("-rank", "-opened_at")[:FEW]
        ],
        "coming": _changes(coming.order_by("starts_at", "pk")),
        "urgent": [{"ticket": ticket, **pill(ticket)} for ticket in urgent],
    }


def _lacks(user: User) -> list[Figure]:
    """What the records of devices lack, and how many have no fresh backup. Two queries."""
    found = estate.data_quality(Device.objects.allowing(user, Action.VIEW_DEVICE_DETAILS))
    devices = reverse("devices:list")
    labels = {
        "no-serial": _("Without a serial number"),
        "no-room": _("Without a room"),
        "no-credential": _("Without a credential"),
    }
    shown = [Figure(label, found[name], f"{devices}?lack={name}") for name, label in labels.items()]
    return [*shown, Figure(_("Without a fresh backup"), late_count(user), f"{reverse('automation:backups')}?late=on")]


def _changes(rows: QuerySet[Change]) -> list[dict[str, Any]]:
    return [{"change": change, "title": title(change)} for change in rows[:FEW]]
