"""What somebody who leaves has to hand over of the helpdesk: open tickets that they look after."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fleet.people.above import FEW, Belongings
from fleet.people.models import User
from helpdesk.tickets.models import Ticket


def owned_by(person: User, reader: User) -> Belongings:
    tickets = Ticket.objects.visible_to(reader).open().filter(owner=person)
    some = [
        (f"{ticket.number} {ticket.subject}", reverse("tickets:ticket", args=[ticket.number]))
        for ticket in tickets.order_by("pk").only("number", "subject")[:FEW]
    ]
    return Belongings(_("Open tickets"), tickets.count(), some, "ticket")
