"""What a label's QR code opens: the device, how it is, four pictograms. No login, no name, no cookie."""

from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from ninja.throttling import BaseThrottle

from fleet.devices.models import Device
from fleet.monitoring import selectors
from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.portal import words
from helpdesk.portal.rules import scanning as rules
from helpdesk.portal.services import labels, scanning

Answer = TypeVar("Answer", bound=HttpResponseBase)


@login_not_required
@csrf_exempt  # no cookie is asked for, so nobody's session can be abused: the form carries a signed token of its own
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def scan(request: HttpRequest, token: str) -> HttpResponseBase:
    device = labels.device_of(token)
    if device is None:
        return _unknown(request)
    if request.method == "POST":
        return _sent(request, device, token)
    return _to_own_pages(request, device) or _page(request, device)


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/scan_unknown.html", status=404)


def _to_own_pages(request: HttpRequest, device: Device) -> HttpResponse | None:
    """Who is logged in and may do more here lands where they can."""
    if not isinstance(request.user, User):
        return None
    scope, access = (device.authority_id, device.site_id), request.user.access
    if access.may(Action.WORK_TICKETS, *scope):
        return redirect("devices:detail", device.pk)
    if access.may(Action.REPORT_PROBLEM, *scope):
        return redirect(f"{reverse('portal:report')}?device={device.pk}#what")
    return None


def _page(request: HttpRequest, device: Device, problem: str = "", status: int = 200) -> HttpResponse:
    chosen = request.POST.get("fault", "")
    context = _shown(device) | {
        "form_token": scanning.form_token(device),
        "faults": [
            {"name": name, "icon": icon, "label": words.FAULTS[name], "chosen": name == chosen}
            for name, icon in rules.FAULTS.items()
        ],
        "problem": problem,
    }
    return _quiet(render(request, "portal/scan.html", context, status=status))


def _shown(device: Device) -> dict[str, Any]:
    (row,) = selectors.marked(selectors.with_state(Device.objects.filter(pk=device.pk)))
    state = selectors.state_of(row).state.value
    return {
        "device": device,
        "picture": rules.picture(device.kind),
        "thing": words.thing(device.kind),
        "state": state,
        "word": words.STATES[state],
    }


def _sent(request: HttpRequest, device: Device, token: str) -> HttpResponseBase:
    fault = request.POST.get("fault", "")
    if fault not in rules.FAULTS:
        return _page(request, device, _("Please tap one of the pictures, then “Send”."), 422)
    if not scanning.sent_from_form(device, request.POST.get("form", "")):
        return _page(request, device, _("This page was open for long. Please tap “Send” once more."), 422)
    try:
        reported = scanning.report(device=device, fault=fault, address=BaseThrottle().get_ident(request) or "")
    except scanning.TooManyError:
        answer = _page(request, device, _("Very many reports come from here right now. We know of it and look at it."), 429)
        answer.headers["Retry-After"] = str(rules.WINDOW_S)
        return answer
    address = reverse("portal:scanned", args=[token])
    return _quiet(redirect(f"{address}?known" if reported.known else address))


@login_not_required
@never_cache
@require_safe
def scanned(request: HttpRequest, token: str) -> HttpResponse:
    """Thank you: whether it was news, nothing of any ticket."""
    device = labels.device_of(token)
    if device is None:
        return _unknown(request)
    context = {"device": device, "token": token, "known": "known" in request.GET}
    return _quiet(render(request, "portal/scanned.html", context))


def _quiet(answer: Answer) -> Answer:
    """A link that is a key: not in search engines, not told to other pages."""
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
