"""Maintenance windows: what is being worked on, what is planned, what was; planning and ending."""

from collections import defaultdict
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.devices.models import Device
from fleet.monitoring.forms import DeviceSearch
from fleet.monitoring.maintenance_form import PLAN, MaintenanceForm
from fleet.monitoring.models import MaintenanceWindow
from fleet.monitoring.rules import maintenance as rules
from fleet.monitoring.services import maintenance as services
from fleet.monitoring.views import PageRequest
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import by_id

PAGE_SIZE = 50
MOST_TO_COME = 500
QUARTER_S = 15 * 60
LOOKED_THROUGH = ("name", "room__number", "serial", "address", "site__name")
MOST_FOUND = 50


@require_safe
def index(request: PageRequest) -> HttpResponse:
    """Going on, to come, over."""
    if not request.user.access.anywhere(Action.VIEW_DEVICE_DETAILS):
        raise Http404
    now = timezone.now()
    mine = MaintenanceWindow.objects.visible_to(request.user).select_related("site", "authority", "made_by")
    rows = [_row(window, now) for window in mine.to_come(now)[:MOST_TO_COME]]
    past = Paginator(mine.over(now).order_by("-over_at", "-pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "current": [row for row in rows if row["current"]],
        "coming": sorted((row for row in rows if not row["current"] and row["next"]), key=lambda row: row["next"].begins_at),
        "page": past,
        "past": [_row(window, now) for window in past],
        "may_plan": request.user.access.anywhere(PLAN),
    }
    return render(request, "monitoring/maintenance.html", context)


def _row(window: MaintenanceWindow, now: datetime) -> dict[str, Any]:
    return {
        "window": window,
        "what": what(window),
        "where": window.site.name if window.site else _("Everywhere in %s") % window.authority.name,
        "current": rules.current(window.plan, now),
        "next": rules.upcoming(window.plan, now),
    }


def what(window: MaintenanceWindow) -> str:
    """For what it is, in words."""
    if window.covers == MaintenanceWindow.Covers.KIND:
        return str(window.get_kind_display())
    return str(window.get_covers_display())


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PageRequest) -> HttpResponse:
    """First what it would cover; confirmed, it is planned."""
    if not request.user.access.anywhere(PLAN):
        raise Http404
    form = MaintenanceForm(request.POST if request.method == "POST" else None, user=request.user, initial=_initial(request))
    context: dict[str, Any] = {"form": form, **_found(request)}
    if form.is_valid():
        if "confirmed" in request.POST:
            window = services.plan(authority_id=form.authority_id, planned=form.planned, by=request.user)
            messages.success(request, _("The maintenance is planned."))
            return redirect("maintenance:detail", pk=window.pk)
        context |= _preview(services.foreseen(authority_id=form.authority_id, planned=form.planned))
    return render(request, "monitoring/maintenance_new.html", context, status=422 if form.errors else 200)


def _found(request: PageRequest) -> dict[str, Any]:
    """Devices anywhere that are looked for by name, room, serial number or address: chosen, they are what it is for."""
    form = DeviceSearch(request.GET if "q" in request.GET else None)
    wanted = form.cleaned_data["q"] if form.is_valid() else ""
    if not wanted:
        return {"search": form}
    said = [Q(**{f"{name}__icontains": wanted}) for name in LOOKED_THROUGH]
    rows = Device.objects.allowing(request.user, PLAN).in_service().filter(reduce(or_, said))
    found = rows.select_related("site", "room").order_by("site__name", "name")[: MOST_FOUND + 1]
    return {"search": form, "wanted": wanted, "found": found[:MOST_FOUND], "more_found": len(found) > MOST_FOUND}


def _initial(request: PageRequest) -> dict[str, Any]:
    """Tonight's quarter of an hour that comes next, and where the person came from."""
    now = timezone.localtime()
    begins = datetime.fromtimestamp(-(-now.timestamp() // QUARTER_S) * QUARTER_S, tz=now.tzinfo)
    initial: dict[str, Any] = {
        "site": by_id(Site.objects.allowing(request.user, PLAN), request.GET.get("site", "")),
        "covers": MaintenanceWindow.Covers.SITE,
        "starts_at": begins,
        "ends_at": begins + timedelta(hours=2),
        "repeats": MaintenanceWindow.Repeating.NEVER,
    }
    wanted = [int(pk) for pk in request.GET.getlist("device") if pk.isdecimal()]
    rows = Device.objects.allowing(request.user, PLAN).select_related("site").filter(pk__in=wanted)
    devices = list(rows) if wanted else []
    if devices and len({device.site_id for device in devices}) == 1:
        chosen = [device.pk for device in devices]
        initial |= {"site": devices[0].site, "covers": MaintenanceWindow.Covers.DEVICES, "devices": chosen}
    elif devices:
        messages.info(request, _("These devices stand at several sites. Please plan one maintenance for each site."))
    return initial


def _preview(devices: list[Device]) -> dict[str, Any]:
    return {"previewed": True, "count": len(devices), "places": by_room(devices)}


def by_room(devices: list[Device]) -> list[tuple[str, list[Device]]]:
    """[(site and room, devices there)]."""
    found: defaultdict[str, list[Device]] = defaultdict(list)
    for device in devices:
        room = f"{device.room.building.name}, {device.room}" if device.room else _("Without a room")
        found[f"{device.site.name} · {room}"].append(device)
    return list(found.items())


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    rows = MaintenanceWindow.objects.visible_to(request.user).select_related("site", "authority", "made_by")
    window = get_object_or_404(rows, pk=pk)
    now = timezone.now()
    may_plan = request.user.access.may(PLAN, window.authority_id, window.site_id)
    devices = services.of_window(window=window, visible=Device.objects.visible_to(request.user))
    over = window.over_at is not None and window.over_at <= now
    context = _row(window, now) | {
        "places": by_room(devices),
        "count": len(devices),
        "over": over,
        "may_end": may_plan and rules.current(window.plan, now) is not None,
        "may_stop": may_plan and not over and window.repeats != MaintenanceWindow.Repeating.NEVER,
        "may_take_back": may_plan and window.starts_at > now,
    }
    return render(request, "monitoring/maintenance_window.html", context)


def _planned(request: PageRequest, pk: int) -> MaintenanceWindow:
    return get_object_or_404(MaintenanceWindow.objects.allowing(request.user, PLAN), pk=pk)


@require_POST
def end(request: PageRequest, pk: int) -> HttpResponse:
    done = services.end_early(window=_planned(request, pk), at=timezone.now(), by=request.user)
    return _said(request, pk, done=done, text=_("The maintenance is over. What is silent now counts again."))


@require_POST
def stop(request: PageRequest, pk: int) -> HttpResponse:
    done = services.stop(window=_planned(request, pk), at=timezone.now(), by=request.user)
    return _said(request, pk, done=done, text=_("It does not repeat any more."))


@require_POST
def take_back(request: PageRequest, pk: int) -> HttpResponse:
    if not services.take_back(window=_planned(request, pk), at=timezone.now(), by=request.user):
        return _said(request, pk, done=False, text="")
    messages.success(request, _("Taken back: the maintenance is no longer planned."))
    return redirect("maintenance:list")


def _said(request: PageRequest, pk: int, *, done: bool, text: str) -> HttpResponse:
    if done:
        messages.success(request, text)
    else:
        messages.info(request, _("It has changed meanwhile. Please look again."))
    return redirect("maintenance:detail", pk=pk)
