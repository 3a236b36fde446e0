"""What tickets need done while nobody looks."""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from helpdesk.tickets.models import Ticket
from helpdesk.tickets.services import attachments, bulk, outages, presence, sla
from helpdesk.tickets.services.working import StaleError, transition

log = logging.getLogger(__name__)
CLOSE_AT_ONCE = 200


def tend() -> None:
    """Each step has its turn, whatever went wrong in the one before."""
    for step in STEPS:
        try:
            step()
        except Exception:
            log.exception("tending failed", extra={"step": step.__qualname__})


def close_resolved() -> int:
    """What was resolved so long ago that it can no longer be opened again is closed for good."""
    long_ago = timezone.now() - timedelta(days=settings.REOPEN_DAYS)
    rows = Ticket.objects.filter(state=Ticket.State.RESOLVED, state_since__lt=long_ago).order_by("state_since")
    return sum(_close(ticket) for ticket in rows[:CLOSE_AT_ONCE])


def _close(ticket: Ticket) -> bool:
    try:
        transition(ticket=ticket, to=Ticket.State.CLOSED)
    except StaleError:
        return False
    return True


STEPS: tuple[Callable[[], object], ...] = (
    sla.reckon_due,
    sla.escalate,
    outages.judge_rechecks,
    bulk.go_on_with_all,
    close_resolved,
    presence.forget,
    attachments.sweep,
)
