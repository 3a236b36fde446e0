"""Who else has the ticket open, and whether they write."""

from django.db.models import QuerySet
from django.utils import timezone

from fleet.people.models import User
from helpdesk.tickets.models import Presence, Ticket
from helpdesk.tickets.models.relations import PRESENT_FOR


def say(*, ticket: Ticket, user: User, typing: bool) -> None:
    fresh = {"typing": typing, "seen_at": timezone.now()}
    Presence.objects.update_or_create(ticket=ticket, user=user, defaults=fresh)


def others(*, ticket: Ticket, user: User) -> QuerySet[Presence]:
    """Whose page said so within the last seconds."""
    rows = Presence.objects.filter(ticket=ticket, seen_at__gt=timezone.now() - PRESENT_FOR)
    return rows.exclude(user=user).select_related("user").order_by("user__name", "pk")


def leave(*, ticket: Ticket, user: User) -> None:
    Presence.objects.filter(ticket=ticket, user=user).delete()


def forget() -> None:
    Presence.objects.filter(seen_at__lt=timezone.now() - PRESENT_FOR).delete()
