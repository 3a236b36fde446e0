"""Reporting a problem: one question after the other, sent once."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from fleet.devices.models import Device
from fleet.monitoring import selectors
from fleet.monitoring.rules.rooms import ORDER, DeviceState, RoomState
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Room, Site
from fleet.web.once import form_key
from helpdesk.portal import rules, words
from helpdesk.portal.forms import ReportForm
from helpdesk.portal.views import person
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import priority_of_report


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    user = person(request)
    sites = Site.objects.allowing(user, Action.REPORT_PROBLEM).order_by("name")
    site = _chosen(request, sites)
    if site is None:
        if not sites:
            raise Http404
        return render(request, "portal/report_where.html", {"sites": sites})
    rooms, simple = selectors.room_states(site), _simple(site, user)
    initial = {name: request.GET[name] for name in ("room", "device") if name in request.GET}
    form = ReportForm(request.POST or None, rooms=rooms, simple=simple, initial=_with_room(initial, rooms))
    if request.method == "POST" and form.is_valid():
        return redirect("portal:reported", _report(form, site, user).number)
    context = {"form": form, "site": site, "several": len(sites) > 1, "simple": simple, **_options(form, rooms)}
    return render(request, "portal/report.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest, sites: QuerySet[Site]) -> Site | None:
    """The one that was named, by itself or by a room or device in it; the only one there is; none."""
    named = request.POST or request.GET
    for name, rows in (("site", sites), ("room", Room.objects.filter(site__in=sites)), ("device", _devices(sites))):
        key = named.get(name, "")
        if key.isdecimal() and len(key) < 18 and (row := rows.filter(pk=int(key)).first()):  # noqa: PLR2004  (an id)
            return row if isinstance(row, Site) else row.site
    return sites[0] if len(sites) == 1 else None


def _devices(sites: QuerySet[Site]) -> QuerySet[Device]:
    return Device.objects.in_service().filter(site__in=sites)


def _simple(site: Site, user: User) -> bool:
    return site.kind == Site.Kind.KINDERGARTEN or user.plain_language


def _with_room(initial: dict[str, Any], rooms: list[RoomState]) -> dict[str, Any]:
    """A device that was named knows its room."""
    room = next((one for one in rooms for device in one.devices if str(device.device_id) == initial.get("device")), None)
    return {"room": str(room.room_id)} | initial if room else initial


def _options(form: ReportForm, rooms: list[RoomState]) -> dict[str, Any]:
    """The choices with what is known about each: rooms in the order of the house, devices worst first."""
    devices = [(room, one) for room in rooms for one in room.devices]
    devices.sort(key=lambda pair: -ORDER[pair[1].state])
    return {
        "places": [{"room": room, "chosen": _is(form, "room", room.room_id), **_state(room)} for room in rooms],
        "devices": [
            {"device": one, "room": room, "chosen": _is(form, "device", one.device_id), **_state(one)}
            for room, one in devices
        ],
        "troubles": [
            {"name": name, "label": label, "icon": rules.PICTOGRAMS[name], "chosen": _is(form, "trouble", name)}
            for name, label in form.troubles
        ],
    }


def _is(form: ReportForm, name: str, value: object) -> bool:
    return str(form[name].value() or "") == str(value)


def _state(one: RoomState | DeviceState) -> dict[str, Any]:
    return {"state": one.state.value, "word": words.STATES[one.state.value]}


def _report(form: ReportForm, site: Site, user: User) -> Ticket:
    data = form.cleaned_data
    room, device = form.place(site)
    pressing = data["blocks_lesson"] == "yes"
    with translation.override(settings.LANGUAGE_CODE):
        subject = f"{words.TROUBLES[data['trouble']]} · {device.name if device else room}"
    return tickets.open_ticket(
        opening=tickets.Opening(
            site=site,
            subject=subject,
            body=data["body"],
            priority=priority_of_report(blocks_lesson=pressing),
            blocks_lesson=pressing,
            room=room,
            devices=[device] if device else [],
            requester=user,
            notice="reported",
            details={"trouble": data["trouble"], "blocks_lesson": pressing},
            idempotency_key=form_key(data.pop("token"), data),
        )
    )


@require_safe
def reported(request: HttpRequest, number: str) -> HttpResponse:
    """Thank you: the number, and what happens next."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user).filter(requester=person(request)), number=number)
    return render(request, "portal/reported.html", {"ticket": ticket})
