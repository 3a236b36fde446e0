"""Tickets about a device, for its line of time."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy

from fleet.people.models import User
from fleet.web.happenings import Happening
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.words import pill

MOST = 100


def of_device(user: User, pk: int, begin: datetime, end: datetime) -> Iterator[Happening]:
    """When each was opened. One query."""
    rows = Ticket.objects.visible_to(user).filter(devices=pk, created_at__range=(begin, end))
    for ticket in rows.order_by("-created_at")[:MOST]:
        yield Happening(
            ticket.created_at,
            gettext_lazy("Ticket"),
            f"{ticket.number}: {ticket.subject} ({ticket.get_state_display()})",
            state=pill(ticket)["state"],
            icon="ticket",
            url=reverse("tickets:ticket", args=[ticket.number]),
        )
