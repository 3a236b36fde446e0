"""What pages of lower rooms show of tickets."""

from typing import Any

from django.db.models import QuerySet

from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people.models import User
from fleet.sites.models import Site
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.words import pill

FEW = 5


def of_device(user: User, pk: int) -> dict[str, Any] | None:
    if not Device.objects.visible_to(user).filter(pk=pk).exists():
        return None
    return _rows(Ticket.objects.visible_to(user).filter(devices=pk))


def of_site(user: User, pk: int) -> dict[str, Any] | None:
    if not Site.objects.visible_to(user).filter(pk=pk).exists():
        return None
    return _rows(Ticket.objects.visible_to(user).open().filter(site=pk)) | {"site_id": pk}


def of_alert(user: User, pk: int) -> dict[str, Any] | None:
    if not Alert.objects.visible_to(user).filter(pk=pk).exists():
        return None
    found = _rows(Ticket.objects.visible_to(user).filter(alert=pk))
    return found if found["rows"] else None


def _rows(tickets: QuerySet[Ticket]) -> dict[str, Any]:
    latest = tickets.select_related("owner").order_by("-created_at", "-pk")[:FEW]
    return {"rows": [{"ticket": ticket, **pill(ticket)} for ticket in latest]}
