"""What webhooks are told of tickets: no internal note, and of what is restricted only those of who may see it."""

from django.db.models import Q

from fleet.events.models import Event
from fleet.people.models import User
from helpdesk.tickets.models import Ticket


def may_be_told(event: Event, owner_id: int | None) -> bool:
    """As it is now, not as it was when it happened. A ticket that is gone is told of no more."""
    if event.payload.get("internal"):
        return False
    named = Ticket.objects.filter(_named(event))
    if not named.filter(pk=event.subject_id).exists():
        return False
    restricted = named.filter(queue__restricted=True)
    if not restricted.exists():
        return True
    owner = User.objects.filter(pk=owner_id or 0, is_active=True).first()
    return owner is not None and not restricted.exclude(pk__in=Ticket.objects.visible_to(owner).values("pk")).exists()


def _named(event: Event) -> Q:
    """The ticket itself, and those that the event names."""
    about = Q(pk=event.subject_id)
    if event.payload.get("parent_id"):
        about |= Q(pk=event.payload["parent_id"])
    return about | Q(number=event.payload["into"]) if event.payload.get("into") else about
