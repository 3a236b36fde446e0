"""What automation tells about a change that somebody ordered: said in the ticket, with the evidence."""

from typing import Any

from fleet.automation.models import Change, HostResult
from fleet.events.models import Event
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.rules import MEANINGS, Meaning, steps
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket

NAME = "catalogue.changes"
EVENTS = set(MEANINGS)
MEASURED = {
    "change.confirmed",
    "change.refuted",
    "change.unknown",
    "change.failed",
    "change.halted",
    "change.rolled-back",
    "change.reverted",
    "change.revert-failed",
}


def consume(event: Event) -> None:
    rows = ServiceRequest.objects.select_related("ticket__room", "change")
    request = rows.filter(change=event.subject_id).first()
    if request is not None and request.change is not None:
        _apply(request.ticket, MEANINGS[event.name], _details(event, request, request.change))


def _details(event: Event, request: ServiceRequest, change: Change) -> dict[str, Any]:
    later = change.starts_at > event.occurred_at
    return {
        **event.payload,
        "change_id": change.pk,
        "slug": request.slug,
        "values": request.values,
        "room": request.ticket.room.number if request.ticket.room else "",
        "at": event.occurred_at.isoformat(),
        "starts_at": change.starts_at.isoformat() if later else None,
        "evidence": outcome(change) if event.name in MEASURED else [],
    }


def _apply(ticket: Ticket, meaning: Meaning, details: dict[str, Any]) -> None:
    tickets.notify(ticket=ticket, notice=meaning.notice, **details)
    if meaning.priority:
        tickets.raise_priority(ticket=ticket, to=meaning.priority)
    ticket.refresh_from_db()
    for state in steps(ticket.state, meaning):
        tickets.transition(ticket=ticket, to=state)


def outcome(change: Change) -> list[dict[str, Any]]:
    """The evidence of what was measured last on each of a change's devices, as HostResult keeps it."""
    rows = HostResult.objects.filter(run__in=change.runs.exclude(kind="preview")).order_by("run_id", "pk")
    latest = {row.device_id: row for row in rows if row.evidence}
    return [one for row in latest.values() for one in row.evidence]
