"""What of tickets keeps a school open and a room where it is."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fleet.sites import hanging
from fleet.sites.models import Room
from helpdesk.tickets.models import Ticket


def register() -> None:
    hanging.register(hanging.SITE, "tickets", hanging.Thing(_("Open tickets"), _open, _listed, 20))
    hanging.register(hanging.ROOM, "tickets", hanging.Thing(_("Tickets, finished ones too"), _of_room, _listed_of_room, 20))


def _open(pk: int) -> int:
    rows: QuerySet[Ticket] = Ticket.objects.open()
    return rows.filter(site=pk).count()


def _of_room(pk: int) -> int:
    return Ticket.objects.filter(room=pk).count()


def _listed(pk: int) -> str:
    return f"{reverse('tickets:tickets')}?site={pk}"


def _listed_of_room(pk: int) -> str:
    return f"{_listed(Room.objects.get(pk=pk).site_id)}&state=all"
