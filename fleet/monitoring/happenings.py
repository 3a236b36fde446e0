"""What monitoring saw happen to a device: silences, alerts, what it said by itself, maintenance."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.devices.models import Device
from fleet.monitoring import trapbook, words
from fleet.monitoring.models import Alert, MaintenanceWindow, Outage, Trap
from fleet.monitoring.rules import maintenance as rules
from fleet.monitoring.services import maintenance
from fleet.monitoring.services.neighbours import parents
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.happenings import Happening

MOST = 100
"""Of each kind: a device that flaps for a year shall not fill a page."""
STATES = {"critical": "down", "warning": "watch", "info": "info"}


def of_device(user: User, pk: int, begin: datetime, end: datetime) -> Iterator[Happening]:
    """At most seven queries, nine where something was maintained."""
    device = Device.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).filter(pk=pk).first()
    if device is not None:
        yield from _outages(pk, begin, end)
        yield from _alerts(pk, begin, end)
        yield from _traps(pk, begin, end)
        yield from _maintenance(device, begin, end)


def _outages(device_id: int, begin: datetime, end: datetime) -> Iterator[Happening]:
    rows = Outage.objects.touching(begin, end).filter(device=device_id).select_related("alert__device", "alert__site")
    for row in rows.order_by("-started_at")[:MOST]:
        url = reverse("monitoring:alert", args=[row.alert_id]) if row.alert_id else ""
        yield Happening(
            row.started_at,
            gettext_lazy("Outage"),
            silence(row),
            state="down",
            icon="no-symbol",
            until=row.ended_at,
            lasts=row.ended_at is None,
            url=url,
        )


def silence(outage: Outage) -> str:
    """ "Silent: does not answer. Cause: what it hangs on (GW-1)"."""
    said = _("Silent: %(reason)s. Cause: %(cause)s") % {
        "reason": words.reason(outage.reason),
        "cause": outage.get_cause_display(),
    }
    elsewhere = outage.cause in {Outage.Cause.SUPPRESSED, Outage.Cause.POWER}
    return f"{said} ({words.subject(outage.alert)})" if outage.alert and elsewhere else said


def _alerts(device_id: int, begin: datetime, end: datetime) -> Iterator[Happening]:
    touching = Q(closed_at__isnull=True) | Q(closed_at__gte=begin) | Q(episodes__closed_at__gte=begin)
    rows = Alert.objects.filter(touching, device=device_id).distinct()
    for alert in rows.select_related("device", "site").prefetch_related("episodes").order_by("-opened_at")[:MOST]:
        times = [(alert.opened_at, alert.closed_at), *((one.opened_at, one.closed_at) for one in alert.episodes.all())]
        for opened_at, closed_at in times:
            if opened_at <= end and (closed_at is None or closed_at >= begin):
                yield _alert(alert, opened_at, closed_at)


def _alert(alert: Alert, opened_at: datetime, closed_at: datetime | None) -> Happening:
    return Happening(
        opened_at,
        gettext_lazy("Alert"),
        f"{words.subject(alert)} {words.fault(alert)}",
        state=STATES[alert.severity],
        icon="exclamation-triangle",
        until=closed_at,
        lasts=closed_at is None,
        url=reverse("monitoring:alert", args=[alert.pk]),
    )


def _traps(device_id: int, begin: datetime, end: datetime) -> Iterator[Happening]:
    rows = Trap.objects.filter(device=device_id, received_at__range=(begin, end)).order_by("-received_at")
    for row in rows[:MOST]:
        yield Happening(row.received_at, gettext_lazy("Notification"), said(row), icon="megaphone", drawn=False)


def said(trap: Trap) -> str:
    """ "It said: a port's link went down (linkDown, port 7)"."""
    entry = trapbook.entry(trap.oid)
    if entry is None:
        return _("It said: %s") % trap.oid
    title = entry.title.in_language(translation.get_language() or "de")
    port = _(", port %d") % trap.if_index if trap.if_index is not None else ""
    return _("It said: %(title)s (%(name)s%(port)s)") % {"title": title, "name": entry.name, "port": port}


def _maintenance(device: Device, begin: datetime, end: datetime) -> Iterator[Happening]:
    """Windows that cover the device itself, or something that it hangs behind."""
    windows = MaintenanceWindow.objects.filter(authority=device.authority_id, starts_at__lte=end)
    touching = windows.filter(Q(over_at__isnull=True) | Q(over_at__gte=begin)).prefetch_related("devices")
    rows = [row for row in touching if row.site_id in {None, device.site_id}]
    above = parents([device.site_id]) if rows else {}
    for row in rows:
        if device.pk in rules.with_children(maintenance.targets([row], [device.site_id]), above):
            for one in rules.occurrences(row.plan, begin, end)[-MOST:]:
                yield Happening(
                    one.begins_at,
                    gettext_lazy("Maintenance"),
                    row.reason,
                    state="maintenance",
                    icon="wrench-screwdriver",
                    until=one.ends_at,
                    url=reverse("maintenance:detail", args=[row.pk]),
                )
