"""Pages of tickets."""

from helpdesk.tickets.views.common import person
from helpdesk.tickets.views.listing import index, job, order, progress, stop
from helpdesk.tickets.views.on_site import on_site
from helpdesk.tickets.views.rating import rate
from helpdesk.tickets.views.relating import (
    detach,
    present,
    relate,
    resolve_cases,
    split,
    tag,
    unlink,
    watch,
)
from helpdesk.tickets.views.saying import follow_up, rate_here, reply
from helpdesk.tickets.views.ticket import change_state, detail, edit, story, take

__all__ = [
    "change_state",
    "detach",
    "detail",
    "edit",
    "follow_up",
    "index",
    "job",
    "on_site",
    "order",
    "person",
    "present",
    "progress",
    "rate",
    "rate_here",
    "relate",
    "reply",
    "resolve_cases",
    "split",
    "stop",
    "story",
    "tag",
    "take",
    "unlink",
    "watch",
]
