"""Canned replies, filled in for a ticket, and what is done along with them."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fleet.people.models import User
from helpdesk.tickets.models import Macro, Ticket
from helpdesk.tickets.rules.macros import filled
from helpdesk.tickets.services.working import Edit, Reply, Sorting, edit, reply, said_before


def text_for(*, ticket: Ticket, macro: Macro, by: User) -> str:
    """In the language of whoever asked."""
    language = ticket.requester.language if ticket.requester else by.language
    values = {
        "number": ticket.number,
        "subject": ticket.subject,
        "school": ticket.site.name,
        "room": str(ticket.room or ""),
        "requester": str(ticket.requester or ""),
        "me": str(by),
    }
    return filled(macro.text(language), values)


def apply(*, ticket: Ticket, macro: Macro, by: User, idempotency_key: str | None = None) -> bool:
    """Words and effects: all or nothing; with the same key once. Raises StaleError and TransitionError."""
    if said_before(by=by, key=idempotency_key):
        return False
    to = Ticket.State(macro.to) if macro.to and macro.to != ticket.state else None
    body = text_for(ticket=ticket, macro=macro, by=by)
    with transaction.atomic():
        if macro.priority or macro.queue:
            _sort(ticket, macro, by)
        if macro.tag:
            ticket.tags.add(macro.tag)
            Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1, updated_at=timezone.now())
        ticket.refresh_from_db()
        said = Reply(
            author=by,
            body=body,
            internal=macro.internal,
            to=to,
            seen_version=ticket.version,
            idempotency_key=idempotency_key,
        )
        if body or to:
            reply(ticket=ticket, said=said)
    return True


def _sort(ticket: Ticket, macro: Macro, by: User) -> None:
    wish = Edit(
        subject=ticket.subject,
        priority=macro.priority or ticket.priority,
        owner=ticket.owner,
        sorting=Sorting(macro.queue or ticket.queue, ticket.category),
    )
    edit(ticket=ticket, wish=wish, actor=by, seen_version=ticket.version)
