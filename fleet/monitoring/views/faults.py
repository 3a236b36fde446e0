"""Faults now, grouped by root cause, and one alert by itself."""

import hashlib
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.monitoring import selectors, services, words
from fleet.monitoring.models import Alert
from fleet.monitoring.views import PageRequest
from fleet.people.rules import Action

SHOWN = 100
FACTS_IN_LIST = 6
UNCHANGED = 204
"""HTMX leaves the page as it is."""


@require_safe
def index(request: PageRequest) -> HttpResponse:
    """What is wrong now, worst first. Asked by HTMX, only the list, and nothing at all if it is as the asker has it."""
    if not request.user.access.anywhere(Action.VIEW_DEVICE_DETAILS):
        raise Http404
    mine = Alert.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS)
    faults = [_fault(request, alert) for alert in selectors.faults(mine)[:SHOWN]]
    mark = _mark(faults)
    if request.htmx and request.GET.get("mark") == mark:
        return HttpResponse(status=UNCHANGED)
    context = {"faults": faults, "mark": mark, "folded": sum(fault["alert"].folded_count for fault in faults)}
    return render(request, "monitoring/pieces/faults.html" if request.htmx else "monitoring/faults.html", context)


def _fault(request: PageRequest, alert: Any) -> dict[str, Any]:
    access = request.user.access
    scopes = (alert.authority_id, alert.site_id)
    return {
        "alert": alert,
        "state": "down" if alert.severity == Alert.Severity.CRITICAL else "watch",
        "what": words.fault(alert),
        "facts": _opened(alert)[:FACTS_IN_LIST],
        "folded": alert.folded,
        "may_acknowledge": access.may(Action.ACKNOWLEDGE_ALERTS, *scopes),
        "may_poll": access.may(Action.POLL_NOW, *scopes),
    }


def _mark(faults: list[dict[str, Any]]) -> str:
    """Changes whenever the list would look different."""
    seen = [(f["alert"].pk, f["alert"].acknowledged_at, [one.pk for one in f["folded"]]) for f in faults]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _opened(alert: Alert) -> list[tuple[str, Any]]:
    """The evidence that opened it, in words."""
    said = alert.evidence_opened
    facts: list[tuple[str, Any]] = [(_("Fell silent"), _instant(said.get("silent_since")))] if "silent_since" in said else []
    facts.append((_("Last answer"), _instant(said.get("last_answered_at"))))
    if said.get("failed_polls"):
        facts.append((_("Unanswered polls before it counted"), said["failed_polls"]))
    if "value" in said:
        facts += words.evidence({alert.kind: said["value"]})
    return facts + [fact for fact in words.evidence(said.get("last_values", {})) if fact not in facts]


def _closed(alert: Alert) -> list[tuple[str, Any]]:
    said = alert.evidence_closed
    return [(_("Measured"), _instant(said.get("measured_at"))), *words.evidence(said.get("values", {}))]


def _instant(said: str | None) -> datetime | None:
    return parse_datetime(said) if said else None


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    mine = Alert.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS)
    rows = mine.select_related("device__room", "device__type", "site", "suppressed_by__device", "acknowledged_by")
    alert = get_object_or_404(rows, pk=pk)
    folded = alert.suppresses.select_related("device__room").order_by("device__name")
    access = request.user.access
    context = {
        "alert": alert,
        "what": words.fault(alert),
        "state": "ok" if alert.closed_at else "down" if alert.severity == Alert.Severity.CRITICAL else "watch",
        "opened": _opened(alert),
        "closed": _closed(alert) if alert.closed_at else [],
        "behind": alert.evidence_opened.get("behind", []),
        "folded": folded,
        "may_acknowledge": access.may(Action.ACKNOWLEDGE_ALERTS, alert.authority_id, alert.site_id),
        "may_poll": access.may(Action.POLL_NOW, alert.authority_id, alert.site_id),
    }
    return render(request, "monitoring/alert.html", context)


@require_POST
def acknowledge(request: PageRequest, pk: int) -> HttpResponse:
    alert = get_object_or_404(Alert.objects.allowing(request.user, Action.ACKNOWLEDGE_ALERTS), pk=pk)
    if services.acknowledge(alert=alert, by=request.user):
        messages.success(request, _("Noted that you are looking after it."))
    else:
        messages.info(request, _("Somebody had already taken note of it, or it is over."))
    if request.POST.get("back") == "faults":
        return redirect("monitoring:faults")
    return redirect("monitoring:alert", pk=alert.pk)
