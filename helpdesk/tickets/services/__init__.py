"""Everything that writes tickets."""

from helpdesk.tickets.services.opening import Opening, open_ticket, opened_before
from helpdesk.tickets.services.working import (
    Contribution,
    Edit,
    Reply,
    StaleError,
    TransitionError,
    add_article,
    edit,
    notify,
    raise_priority,
    reply,
    take,
    transition,
)

__all__ = [
    "Contribution",
    "Edit",
    "Opening",
    "Reply",
    "StaleError",
    "TransitionError",
    "add_article",
    "edit",
    "notify",
    "open_ticket",
    "opened_before",
    "raise_priority",
    "reply",
    "take",
    "transition",
]
