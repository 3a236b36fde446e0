"""Faults now, grouped by root cause, and one alert by itself."""

import hashlib
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.devices.models import Device
from fleet.monitoring import reasons, selectors, services, sparks, words
from fleet.monitoring.forms import CommentForm, SnoozeForm
from fleet.monitoring.models import Alert
from fleet.monitoring.rules.snoozing import Choice
from fleet.monitoring.services import unsaid
from fleet.monitoring.views import PageRequest
from fleet.people.rules import Action

SHOWN = 100
IN_FULL = 12
"""So many with their evidence and what can be done; the others, one line each, lead to their own page."""
FACTS_IN_LIST = 6
STATES = {"critical": "down", "warning": "watch", "info": "info"}
MARKED = ("pk", "acknowledged_at", "severity", "flapping", "quiet_since", "lessons_hit", "confirmed_at")
"""What the list shows of an alert and may change while it is open."""
UNCHANGED = 204
"""HTMX leaves the page as it is."""
CAPACITY = ("clients", "radio_clients", "channel_utilisation_percent", "poe_power_w")
"""Metrics that cross their limit where something becomes too small."""


@require_safe
def index(request: PageRequest) -> HttpResponse:
    """What is wrong now, worst first. Asked by HTMX, only the list, and nothing at all if it is as the asker has it."""
    if not request.user.access.anywhere(Action.VIEW_DEVICE_DETAILS):
        raise Http404
    mine = Alert.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS)
    now, asleep = timezone.now(), "snoozed" in request.GET
    every: Any = selectors.faults(mine, now)  # the annotated name is not known to the type checker
    tight = "tight" in request.GET
    shown = every.filter(asleep=asleep, kind__in=CAPACITY) if tight else every.filter(asleep=asleep)
    found = list(shown[: SHOWN + 1])
    faults = [_fault(request, alert) for alert in found[:SHOWN]]
    mark = _mark(faults)
    if request.htmx and request.GET.get("mark") == mark:
        return HttpResponse(status=UNCHANGED)
    days = sparks.of([fault["alert"] for fault in faults[:IN_FULL]], now)
    for fault in faults[:IN_FULL]:
        fault["day"] = days.get(fault["alert"].pk)
    context: dict[str, Any] = {"asleep": asleep, "tight": tight, "put_off": every.filter(asleep=True).count()}
    context |= {"faults": faults[:IN_FULL], "others": faults[IN_FULL:], "count": len(faults), "more": len(found) > SHOWN}
    context |= {"mark": mark, "folded": sum(fault["alert"].folded_count for fault in faults)}
    return render(request, "monitoring/pieces/faults.html" if request.htmx else "monitoring/faults.html", context)


def _fault(request: PageRequest, alert: Any) -> dict[str, Any]:
    access = request.user.access
    scopes = (alert.authority_id, alert.site_id)
    return {
        "alert": alert,
        "state": _state(alert),
        "what": words.fault(alert),
        "name": words.subject(alert),
        "facts": _opened(alert)[:FACTS_IN_LIST],
        "folded": alert.folded,
        "may_acknowledge": access.may(Action.ACKNOWLEDGE_ALERTS, *scopes),
        "may_poll": access.may(Action.POLL_NOW, *scopes),
    }


def _state(alert: Alert) -> str:
    """What comes and goes and is well just now is not shown as broken."""
    if alert.closed_at is not None:
        return "ok"
    return "watch" if alert.quiet_since is not None and alert.severity != Alert.Severity.INFO else STATES[alert.severity]


def _mark(faults: list[dict[str, Any]]) -> str:
    """Changes whenever the list would look different."""
    seen = [(*(getattr(f["alert"], name) for name in MARKED), [one.pk for one in f["folded"]]) for f in faults]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _opened(alert: Alert) -> list[tuple[str, Any]]:
    """The evidence that opened it, in words."""
    said = alert.evidence_opened
    facts: list[tuple[str, Any]] = [*words.most_important(alert.device.kind, said.get("last_values", {}))]
    if "silent_since" in said:
        facts.append((_("Fell silent"), _instant(said["silent_since"])))
    facts.append((_("Last answer"), _instant(said.get("last_answered_at"))))
    if said.get("failed_polls"):
        facts.append((_("Unanswered polls before it counted"), said["failed_polls"]))
    if said.get("neighbours"):
        counts = ", ".join(f"{name}: {count}" for name, count in said["neighbours"].items())
        facts.append((_("Clients of its neighbours"), counts))
    if "value" in said:
        facts += [fact for fact in words.evidence({alert.kind: said["value"]}) if fact not in facts]
    return facts + [fact for fact in words.evidence(said.get("last_values", {})) if fact not in facts]


def _closed(alert: Alert) -> list[tuple[str, Any]]:
    said = alert.evidence_closed
    facts: list[tuple[str, Any]] = [(_("Measured"), _instant(said.get("measured_at")))]
    if said.get("reason") == unsaid.NOT_SAID:
        facts = [
            (_("Why"), _("the device no longer tells of it")),
            (_("Last read as a whole"), _instant(said.get("walked_at"))),
        ]
    if "answering" in said:
        facts.append((_("Devices that answer again"), said["answering"]))
    if said.get("still_silent"):
        facts.append((_("Still silent"), ", ".join(said["still_silent"])))
    return facts + words.evidence(said.get("values", {}))


def _instant(said: str | None) -> datetime | None:
    return parse_datetime(said) if said else None


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    return _detail(request, _mine(request, pk, Action.VIEW_DEVICE_DETAILS))


def _mine(request: PageRequest, pk: int, action: Action) -> Alert:
    related = ("device__room", "device__type", "site", "suppressed_by__device", "suppressed_by__site", "acknowledged_by")
    return get_object_or_404(Alert.objects.allowing(request.user, action).select_related(*related), pk=pk)


def _detail(request: PageRequest, alert: Alert, status: int = 200, **forms: Form) -> HttpResponse:
    folded = alert.suppresses.select_related("device__room").order_by("device__name")
    access, visible = request.user.access, Device.objects.visible_to(request.user)
    context = {
        "alert": alert,
        "what": words.fault(alert),
        "name": words.subject(alert),
        "state": _state(alert),
        "asleep": alert.snoozed_until is not None and alert.snoozed_until > timezone.now(),
        "why": reasons.why_suppressed(alert, visible),
        "cause": reasons.cause(alert, visible),
        "notes": alert.notes.select_related("author"),
        "episodes": alert.episodes.all(),
        "snooze": forms.get("snooze") or SnoozeForm(),
        "snoozing": "snooze" in forms,
        "comment": forms.get("comment") or CommentForm(),
        "opened": _opened(alert),
        "closed": _closed(alert) if alert.closed_at else [],
        "behind": alert.evidence_opened.get("behind", []),
        "folded": folded,
        "may_acknowledge": access.may(Action.ACKNOWLEDGE_ALERTS, alert.authority_id, alert.site_id),
        "may_poll": access.may(Action.POLL_NOW, alert.authority_id, alert.site_id),
    }
    return render(request, "monitoring/alert.html", context, status=status)


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


@require_POST
def snooze(request: PageRequest, pk: int) -> HttpResponse:
    alert = _mine(request, pk, Action.ACKNOWLEDGE_ALERTS)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return _detail(request, alert, 422, snooze=form)
    said = form.cleaned_data
    until = services.snooze_end(alert=alert, choice=Choice(said["choice"]), day=said["day"])
    if until is None:
        form.add_error("day", _("A day within the next three months."))
        return _detail(request, alert, 422, snooze=form)
    if services.snooze(alert=alert, by=request.user, until=until):
        messages.success(request, _("Put off. It comes back into the list by itself."))
    else:
        messages.info(request, _("It is over already."))
    return redirect("monitoring:alert", pk=alert.pk)


@require_POST
def wake(request: PageRequest, pk: int) -> HttpResponse:
    alert = _mine(request, pk, Action.ACKNOWLEDGE_ALERTS)
    services.wake(alert=alert, by=request.user)
    return redirect("monitoring:alert", pk=alert.pk)


@require_POST
def comment(request: PageRequest, pk: int) -> HttpResponse:
    alert = _mine(request, pk, Action.ACKNOWLEDGE_ALERTS)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _detail(request, alert, 422, comment=form)
    services.comment(alert=alert, by=request.user, body=form.cleaned_data["body"])
    return redirect("monitoring:alert", pk=alert.pk)
