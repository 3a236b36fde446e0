"""Reporting a problem: one question after the other, sent once."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.monitoring import selectors
from fleet.monitoring.rules.rooms import ORDER, DeviceState, RoomState
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.once import form_key
from helpdesk.portal import plain, rules, words
from helpdesk.portal.forms import ReportForm
from helpdesk.portal.services import drafts
from helpdesk.portal.views import outages, person
from helpdesk.tickets import schools, uploads
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import priority_of_report
from helpdesk.tickets.services import attachments


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    user = person(request)
    sites = Site.objects.allowing(user, Action.REPORT_PROBLEM).order_by("name")
    first = list(sites[:2])
    site = schools.chosen(request.POST or request.GET, sites, first)
    if site is None:
        if not first:
            raise Http404
        which = schools.which(sites, request.GET.get("school", ""))
        return render(request, "portal/report_where.html", {"which": which})
    rooms, simple = selectors.room_states(site), _simple(site, user)
    named = {name: request.GET[name] for name in ("room", "device") if name in request.GET}
    draft = drafts.begun(user, site) if request.method != "POST" and not named else None
    initial = _with_room(draft.answers if draft else named, rooms)
    form = ReportForm(request.POST or None, request.FILES or None, rooms=rooms, simple=simple, initial=initial)
    if user.plain_language:
        form.ask(plain.labels())
    if request.method == "POST":
        uploads.refuse_too_large(form, request)
    if request.method == "POST" and form.is_valid() and (ticket := _report(form, site, user)):
        return redirect("portal:reported", ticket.number)
    context = {"form": form, "site": site, "several": len(first) > 1, "simple": simple, **_options(form, rooms)}
    context |= {"outages": outages.known(user, site), "draft": draft}
    return render(request, "portal/report.html", context, status=422 if form.errors else 200)


def _simple(site: Site, user: User) -> bool:
    return site.kind == Site.Kind.KINDERGARTEN or user.plain_language


def _with_room(initial: dict[str, Any], rooms: list[RoomState]) -> dict[str, Any]:
    """A device that was named knows its room."""
    room = next((one for one in rooms for device in one.devices if str(device.device_id) == initial.get("device")), None)
    return {"room": room.slug} | initial if room else initial


def _options(form: ReportForm, rooms: list[RoomState]) -> dict[str, Any]:
    """The choices with what is known about each: rooms in the order of the house, devices worst first."""
    devices = [(room, one) for room in rooms for one in room.devices]
    devices.sort(key=lambda pair: -ORDER[pair[1].state])
    return {
        "places": [{"room": room, "chosen": _is(form, "room", room.slug), **_state(room)} for room in rooms],
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


@require_POST
def draft(request: HttpRequest) -> HttpResponse:
    """Keeps what is typed so far, or with `drop` throws it away. Nothing is checked: it is not sent yet."""
    user = person(request)
    sites = Site.objects.allowing(user, Action.REPORT_PROBLEM)
    site = schools.chosen(request.POST, sites, list(sites[:2]))
    if site is None:
        raise Http404
    if "drop" in request.POST:
        drafts.end(user, request.POST.get("token", ""))
        return redirect(f"{reverse('portal:report')}?site={site.pk}")
    kept = drafts.keep(user=user, site=site, said=request.POST)
    return render(request, "portal/pieces/draft.html", {"draft": kept})


def _report(form: ReportForm, site: Site, user: User) -> Ticket | None:
    """None where files that are sent later are too many for it, which the form says then."""
    files = uploads.kept(form.cleaned_data["attachments"])
    try:
        ticket = attachments.open_ticket(opening=_opening(form, site, user), files=files)
    except attachments.LimitError:
        form.add_error("attachments", _("Your report has arrived already. So many files do not fit into it any more."))
        return None
    drafts.end(user, form.cleaned_data["token"])
    return ticket


def _opening(form: ReportForm, site: Site, user: User) -> tickets.Opening:
    """Sent again it is the same, with or without its files: a page that comes back has lost them."""
    data = {name: said for name, said in form.cleaned_data.items() if name != "attachments"}
    room, device = form.place(site)
    pressing = data["blocks_lesson"] == "yes"
    with translation.override(settings.LANGUAGE_CODE):
        subject = f"{words.TROUBLES[data['trouble']]} · {device.name if device else room or site}"
    return tickets.Opening(
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


@require_safe
def reported(request: HttpRequest, number: str) -> HttpResponse:
    """Thank you: the number, and what happens next."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user).filter(requester=person(request)), number=number)
    steps = plain.reported(ticket) if person(request).plain_language else []
    context = {"ticket": ticket, "steps": steps}
    return render(request, "portal/reported.html", context)
