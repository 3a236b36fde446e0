"""Faults that begin and end as monitoring would tell of them."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.events.services import deliver
from fleet.monitoring.models import Alert
from fleet.monitoring.services.alerts import tell
from fleet.monitoring.services.lifecycle import clear
from helpdesk.tickets.models import Ticket

EVIDENCE = {"measured_at": "2026-11-23T09:40:00+00:00", "reason": "timeout"}
AGES_AGO = timedelta(hours=1)
"""Long enough that an end is no flapping."""


def fault(device: Device, cause: Alert | None = None) -> Alert:
    with transaction.atomic():
        alert = Alert.objects.create(
            authority_id=device.authority_id, site_id=device.site_id, device=device, suppressed_by=cause,
            kind="unreachable", severity="critical", opened_at=timezone.now() - AGES_AGO, evidence_opened=EVIDENCE,
        )  # fmt: skip
        tell("alert.suppressed" if cause else "alert.opened", alert)
    return alert


def recovers(alert: Alert) -> None:
    """Measured: the device answers again."""
    alert.refresh_from_db()
    now = timezone.now()
    clear(alert=alert, at=now, evidence={"measured_at": now.isoformat()})
    deliver()
    alert.refresh_from_db()
    assert alert.closed_at is not None


def incident(cause: Alert) -> Ticket:
    return Ticket.objects.get(alert=cause)
