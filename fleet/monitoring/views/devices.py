"""The list of devices and the page of one."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.devices.models import Device
from fleet.monitoring import selectors, services, words
from fleet.monitoring.forms import DeviceFilter
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.views import PageRequest
from fleet.monitoring.views.readings import parts
from fleet.people.rules import Action
from fleet.sites.models import Site

PAGE_SIZE = 50
SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}


@require_safe
def index(request: PageRequest) -> HttpResponse:
    form = DeviceFilter(request.GET, sites=Site.objects.visible_to(request.user))
    wanted = form.wanted()
    devices = selectors.with_state(Device.objects.visible_to(request.user).exclude(lifecycle=Device.Lifecycle.RETIRED))
    devices = devices.select_related("type", "site", "room__building", "health")
    if wanted.get("q"):
        devices = selectors.search(devices, wanted["q"].strip())
    if wanted.get("site"):
        devices = devices.filter(site=wanted["site"])
    if wanted.get("kind"):
        devices = devices.filter(kind=wanted["kind"])
    if wanted.get("state"):
        devices = devices.filter(selectors.STATE_FILTERS[wanted["state"]])
    page = Paginator(devices.order_by(selectors.WORST_FIRST, "site__name", "name"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "form": form,
        "page": page,
        "rows": [_row(request, device) for device in page],
        "technical": request.user.access.anywhere(Action.VIEW_DEVICE_DETAILS),
        "filtered": any(wanted.values()),
    }
    return render(request, "monitoring/pieces/device_rows.html" if request.htmx else "monitoring/devices.html", context)


def _row(request: PageRequest, device: Device) -> dict[str, Any]:
    state = selectors.state_of(device)
    technical = _technical(request, device)
    return {
        "device": device,
        "state": state.state,
        "word": state_word(state.state),
        "since": state.since,
        "address": device.address if technical else None,
        "serial": device.serial if technical else "",
    }


def state_word(state: str) -> str:
    return {
        "ok": _("Running"),
        "watch": _("Limit exceeded"),
        "down": _("Not answering"),
        "maintenance": _("Maintenance"),
    }.get(state, _("Not known yet"))


def _technical(request: PageRequest, device: Device) -> bool:
    return request.user.access.may(Action.VIEW_DEVICE_DETAILS, device.authority_id, device.site_id)


def _visible(request: PageRequest, pk: int) -> Device:
    rows = selectors.with_state(Device.objects.visible_to(request.user))
    return get_object_or_404(rows.select_related("type", "site", "room__building", "health"), pk=pk)


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """For technicians who it is, how it is and what hangs on it; for a school's coordinator whether it runs."""
    device = _visible(request, pk)
    context = _now(device) | {"device": device, "may_poll": _may_poll(request, device)}
    if not _technical(request, device):
        return render(request, "monitoring/device_lay.html", context)
    behind = services.behind([device.pk])[device.pk]
    context |= {
        "identity": _identity(device),
        "uplinks": [(parent, port, _state(parent)) for parent, port in selectors.uplinks(device)],
        "behind": [(one, state_word(one.state)) for one in selectors.states(one.pk for one in behind)],
        "parts": parts(context["reading"]),
        "spans": SPANS,
    }
    return render(request, "monitoring/device.html", context)


@require_safe
def now(request: PageRequest, pk: int) -> HttpResponse:
    """How it is: the part of the page that is fetched anew every few seconds."""
    device = _visible(request, pk)
    context = _now(device) | {"device": device, "technical": _technical(request, device)}
    return render(request, "monitoring/pieces/device_now.html", context)


@require_safe
def history(request: PageRequest, pk: int) -> HttpResponse:
    """Charts with a table beside each. A fragment for HTMX, a page without."""
    device = get_object_or_404(Device.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS), pk=pk)
    chosen = request.GET.get("span", "24h")
    end = timezone.now()
    begin = end - SPANS.get(chosen, SPANS["24h"])
    context = {
        "device": device,
        "charts": selectors.charts(device.pk, begin, end),
        "bands": selectors.outages(device.pk, begin, end),
        "ticks": selectors.ticks(begin, end),
        "chosen": chosen if chosen in SPANS else "24h",
        "spans": [("24h", _("24 hours")), ("7d", _("7 days")), ("30d", _("30 days"))],
    }
    return render(request, "monitoring/pieces/history.html" if request.htmx else "monitoring/history.html", context)


@require_POST
def poll(request: PageRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(Device.objects.allowing(request.user, Action.POLL_NOW), pk=pk)
    services.poll_soon(device_ids=[device.pk])
    messages.success(request, _("%s is being asked now. The answer appears here within a few seconds.") % device.name)
    if request.POST.get("back") == "faults":
        return redirect("monitoring:faults")
    return redirect("devices:detail", pk=device.pk)


def _may_poll(request: PageRequest, device: Device) -> bool:
    return request.user.access.may(Action.POLL_NOW, device.authority_id, device.site_id)


def _state(device: Device) -> dict[str, Any]:
    state = selectors.state_of(device)
    return {"state": state.state, "word": state_word(state.state)}


def _now(device: Device) -> dict[str, Any]:
    health = selectors.health_of(device)
    state = selectors.state_of(device)
    alerts = list(Alert.objects.open().filter(device=device).select_related("suppressed_by__device"))
    reading = health.reading if health else {}
    return {
        "health": health,
        "state": state.state,
        "word": state_word(state.state),
        "reading": reading,
        "reason": words.reason(health.reason) if health and health.reason else "",
        "alerts": [(alert, words.fault(alert)) for alert in alerts],
        "values": [*_since(health), *words.measured(_latest(device))],
    }


def _since(health: Health | None) -> list[tuple[str, Any]]:
    if health is None:
        return []
    return [(_("State changed"), health.status_since), (_("Last answer"), health.answered_at)]


def _latest(device: Device) -> dict[str, float]:
    sample = device.samples.order_by("-polled_at").first()
    return sample.values if sample else {}


def _identity(device: Device) -> list[tuple[str, Any]]:
    health = selectors.health_of(device)
    reading = health.reading if health else {}
    macs = [one["mac"] for one in reading.get("interfaces") or [] if one.get("mac")]
    return [
        (_("Kind"), device.get_kind_display()),
        (_("Make and model"), device.type),
        (_("Serial number"), device.serial or reading.get("serial")),
        (_("Inventory number"), device.asset_tag or None),
        (_("Firmware"), reading.get("firmware")),
        (_("Management address"), device.address),
        (_("MAC address"), macs[0] if macs else None),
        ("sysName", reading.get("sysName")),
        ("sysDescr", reading.get("sysDescr")),
        (_("Asked as"), reading.get("profile")),
    ]
