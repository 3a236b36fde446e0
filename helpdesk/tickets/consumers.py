"""What monitoring tells: a fault opens the one right ticket, recovery resolves it with the evidence."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils import translation

from fleet.events.models import Event
from fleet.monitoring import words
from fleet.monitoring.models import Alert
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.rules import AfterRecovery, Involvement, after_recovery, priority_of_alert

NAME = "tickets.alerts"
EVENTS = {"alert.opened", "alert.suppressed", "alert.closed"}


def consume(event: Event) -> None:
    rows = Alert.objects.select_related("device__type", "device__room", "site", "suppressed_by__device")
    alert = rows.filter(pk=event.subject_id).first()
    if alert is not None:
        HANDLERS[event.name](alert)


def _opened(alert: Alert) -> None:
    """A suppressed alert has its cause elsewhere and gets no ticket; one that closed meanwhile needs none either."""
    if alert.suppressed_by_id is not None or alert.closed_at is not None:
        return
    if Ticket.objects.filter(alert=alert).exists():
        return
    device = alert.device
    services.open_ticket(
        opening=services.Opening(
            site=alert.site,
            subject=_subject(alert),
            channel=Article.Channel.SYSTEM,
            priority=priority_of_alert(alert.severity),
            room=device.room,
            devices=[device],
            alert=alert,
            notice="alert-opened",
            details=_details(alert, alert.evidence_opened),
        )
    )


def _subject(alert: Alert) -> str:
    """In the city's language: the subject is kept as text, whoever reads it."""
    with translation.override(settings.LANGUAGE_CODE):
        return f"{alert.device.name} {words.fault(alert)}"


def _suppressed(alert: Alert) -> None:
    """Usually there is no ticket, and there will be none. If the cause was found later, the ticket says where it lies."""
    ticket = Ticket.objects.open().filter(alert=alert).first()
    if ticket is not None and alert.suppressed_by is not None:
        services.notify(ticket=ticket, notice="alert-suppressed", cause=alert.suppressed_by.device.name)


def _closed(alert: Alert) -> None:
    ticket = Ticket.objects.filter(alert=alert).first()
    if ticket is None:
        return
    written = ticket.articles.filter(author__isnull=False).exclude(body="").exists()
    owned = ticket.owner_id is not None
    outcome = after_recovery(Involvement(state=ticket.state, owned=owned, written_by_people=written))
    if outcome == AfterRecovery.NOTHING:
        return
    services.notify(ticket=ticket, notice="alert-closed", **_details(alert, alert.evidence_closed))
    if outcome == AfterRecovery.RESOLVE:
        ticket.refresh_from_db()
        services.transition(ticket=ticket, to=Ticket.State.RESOLVED)


def _details(alert: Alert, evidence: dict[str, Any]) -> dict[str, Any]:
    device = alert.device
    return {
        "alert_id": alert.pk,
        "alert_kind": alert.kind,
        "device": device.name,
        "device_kind": device.kind,
        "room": device.room.number if device.room else "",
        "evidence": evidence,
    }


HANDLERS: dict[str, Callable[[Alert], None]] = {
    "alert.opened": _opened,
    "alert.suppressed": _suppressed,
    "alert.closed": _closed,
}
