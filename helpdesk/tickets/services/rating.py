"""What requesters say of how it went: by a link that only they get, or in the ticket."""

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from fleet.events.services import Fact, emit
from helpdesk.tickets.models import Rating, Ticket

SALT = "helpdesk.tickets.rating"
VALID_S = 60 * 86_400


def link(ticket: Ticket) -> str:
    """For the requester's mail: opens the question without logging in, names nothing but the ticket's number."""
    return settings.BASE_URL.rstrip("/") + reverse("tickets:rate", args=[token(ticket)])


def token(ticket: Ticket) -> str:
    return signing.dumps([ticket.pk, ticket.requester_id], salt=SALT)


def ticket_of(text: str) -> Ticket | None:
    """None for a token that is not ours, too old, or of a ticket whose requester is another one by now."""
    try:
        pk, requester_id = signing.loads(text, salt=SALT, max_age=VALID_S)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    finished = [Ticket.State.RESOLVED, Ticket.State.CLOSED]
    return Ticket.objects.filter(pk=pk, requester_id=requester_id, state__in=finished).first()


def rate(*, ticket: Ticket, grade: Rating.Grade, comment: str = "") -> Rating:
    """Whoever changes their mind says it again; an empty comment leaves the one before."""
    fresh = {"grade": grade} | ({"comment": comment[:2000]} if comment else {})
    with transaction.atomic():
        rating, _created = Rating.objects.update_or_create(ticket=ticket, defaults=fresh)
        by = ticket.requester_id
        emit(Fact("ticket.rated", ticket, ticket.authority_id, ticket.site_id, by, {"grade": int(grade)}))
    return rating
