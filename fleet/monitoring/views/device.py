"""The page of one device: who it is, how it is, since when, what hangs where, and what may be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.devices.models import Device
from fleet.monitoring import selectors, sentences, services, surroundings, words
from fleet.monitoring.models import Alert
from fleet.monitoring.rules.rooms import State
from fleet.monitoring.services import maintenance
from fleet.monitoring.surroundings import Above, Surroundings
from fleet.monitoring.views import PageRequest, ports
from fleet.monitoring.views.devices import state_word, technical
from fleet.monitoring.views.readings import parts
from fleet.people.rules import Action


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """For technicians who it is, how it is and what hangs on it; for a school's coordinator whether it runs."""
    device = _visible(request, pk)
    context = _now(device, timezone.now()) | {"device": device}
    if not technical(request, device):
        return render(request, "monitoring/device_lay.html", context)
    around = surroundings.of(device, Device.objects.visible_to(request.user), context["reading"])
    show = ports.chosen(request.GET.get("ports", ""))
    acts = _acts(request, device)
    context |= {
        "identity": _identity(device, context["reading"]),
        "acts": [act for act in acts if not act.why_not],
        "refused": [act for act in acts if act.why_not],
        "way_up": _way_up(around),
        "silent_since": context["health"].answered_at if context["health"] and context["state"] == "down" else None,
        "behind": [(one, state_word(one.state)) for one in around.behind],
        "silent": sum(one.state is State.DOWN for one in around.behind),
        "controlled": [(one, state_word(one.state)) for one in around.controlled],
        "neighbours": around.neighbours,
        "parts": parts(context["reading"], device.kind),
        "ports": ports.table(context["reading"], context["latest"], around.at_port, show),
    }
    return render(request, "monitoring/device.html", context)


@require_safe
def uplink(request: PageRequest, pk: int) -> HttpResponse:
    """What it hangs on and how that is: a fragment for HTMX, a page without."""
    device = _visible(request, pk)
    if not technical(request, device):
        raise Http404
    around = surroundings.of(device, Device.objects.visible_to(request.user), {})
    template = "monitoring/pieces/uplink.html" if request.htmx else "monitoring/uplink.html"
    return render(request, template, {"device": device, "way_up": _way_up(around)})


def _way_up(around: Surroundings) -> list[list[tuple[Above | None, str]]]:
    return [[(one, state_word(one.device.state) if one else "") for one in level] for level in around.way_up]


@require_safe
def now(request: PageRequest, pk: int) -> HttpResponse:
    """How it is: the part of the page that is fetched anew every few seconds."""
    device = _visible(request, pk)
    context = _now(device, timezone.now()) | {"device": device, "technical": technical(request, device)}
    return render(request, "monitoring/pieces/device_now.html", context)


@require_POST
def poll(request: PageRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(Device.objects.allowing(request.user, Action.POLL_NOW), pk=pk)
    services.poll_soon(device_ids=[device.pk], whole=True)
    messages.success(request, _("%s is being asked now. The answer appears here within a few seconds.") % device.name)
    if request.POST.get("back") == "faults":
        return redirect("monitoring:faults")
    return redirect("devices:detail", pk=device.pk)


def _visible(request: PageRequest, pk: int) -> Device:
    rows = selectors.with_state(Device.objects.visible_to(request.user))
    related = rows.select_related("type", "site", "room__building", "health", "controller")
    device = get_object_or_404(related.defer(None), pk=pk)  # with its reading
    return selectors.marked([device])[0]


# --- what may be done ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """A button, or the reason why there is none."""

    label: str
    icon: str
    url: str
    why_not: str = ""
    post: bool = False


def _acts(request: PageRequest, device: Device) -> list[Act]:
    def why_not(action: Action) -> str:
        allowed = request.user.access.may(action, device.authority_id, device.site_id)
        return "" if allowed else _("your role at this school does not include it.")

    plan = f"{reverse('maintenance:new')}?device={device.pk}"
    manage = why_not(Action.MANAGE)
    return [
        Act(
            _("Ask now"),
            "arrow-path",
            reverse("devices:poll", args=[device.pk]),
            why_not(Action.POLL_NOW) or _not_asked(request, device),
            post=True,
        ),
        Act(_("Change"), "pencil-square", reverse("inventory:edit-device", args=[device.pk]), manage),
        Act(_("Access"), "key", reverse("inventory:access", args=[device.pk]), manage),
        Act(_("Limits"), "adjustments-horizontal", reverse("devices:limits", args=[device.pk]), ""),
        Act(_("Plan maintenance"), "wrench-screwdriver", plan, why_not(Action.PLAN_MAINTENANCE)),
    ]


def _not_asked(request: PageRequest, device: Device) -> str:
    if device.lifecycle != Device.Lifecycle.ACTIVE:
        return _("it is not in service.")
    if device.address is None and device.controller is not None:
        access, elsewhere = request.user.access, _("something at another place")
        seen = access.may(Action.VIEW_SITE, device.controller.authority_id, device.controller.site_id)
        return _("only its controller %s is asked about it.") % (device.controller.name if seen else elsewhere)
    if device.address is None or device.snmp_credential_id is None:
        return _("it has no address or no credential for SNMP.")
    return ""


BY_RADIO = frozenset({"radio_clients"})
"""Said by the table of radios."""


# --- how it is --------------------------------------------------------------------------------------------------------


def _now(device: Device, at: datetime) -> dict[str, Any]:
    health = selectors.health_of(device)
    state = selectors.state_of(device)
    alerts = list(Alert.objects.open().filter(device=device).select_related("device", "site", "suppressed_by__device"))
    latest = _latest(device)
    return {
        "health": health,
        "state": state.state,
        "word": state_word(state.state),
        "since": state.since,
        "reading": services.reading_now(health) if health else {},
        "evidence": sentences.evidence(device, health, at),
        "alerts": [(alert, words.fault(alert)) for alert in alerts],
        "windows": maintenance.windows_over(device=device, at=at) if state.state == "maintenance" else [],
        "latest": latest,
        "values": words.measured(latest, [name for name in latest if name not in BY_RADIO]),
    }


def _latest(device: Device) -> dict[str, float]:
    """What the last answered poll brought: that of the instant at which the device answered."""
    health = selectors.health_of(device)
    if health is None or health.answered_at is None:
        return {}
    sample = device.samples.select_related("layout").filter(polled_at=health.answered_at).first()
    return sample.said if sample else {}


def _identity(device: Device, reading: Mapping[str, Any]) -> list[tuple[str, Any]]:
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
