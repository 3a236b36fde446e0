"""What is known of mail that came in."""

from datetime import datetime, timedelta

from helpdesk.mail.models import IncomingMail, OutgoingMail
from helpdesk.mail.rules.automatic import NOBODY
from helpdesk.tickets.models import Ticket

Outcome = IncomingMail.Outcome
MOST_ACKNOWLEDGEMENTS = 5
"""Per address and hour: two programs that answer each other come to rest."""
MOST_TICKETS = 30
"""Of one address without an account in an hour; a person would have called by then."""


def opener(ticket: Ticket) -> str:
    """The address of whoever opened it by mail without an account; empty when nobody reads what is sent there."""
    rows = IncomingMail.objects.filter(ticket=ticket, outcome=Outcome.NEW).order_by("pk")
    address = rows.values_list("sender", flat=True).first() or ""
    return "" if NOBODY.match(address) else address


def wrote_in(ticket: Ticket, address: str) -> bool:
    """Whether this address wrote what everybody at the ticket can read."""
    rows = IncomingMail.objects.filter(ticket=ticket, sender=address, outcome__in=[Outcome.NEW, Outcome.APPENDED])
    return rows.filter(article__internal=False).exists()


def may_acknowledge(address: str, now: datetime) -> bool:
    sent = OutgoingMail.objects.filter(acknowledges=True, created_at__gt=now - timedelta(hours=1))
    mine = sent.filter(address=address).count() + sent.filter(recipient__email=address).count()
    return mine < MOST_ACKNOWLEDGEMENTS


def floods(address: str, now: datetime) -> bool:
    rows = IncomingMail.objects.filter(sender=address, outcome=Outcome.NEW, received_at__gt=now - timedelta(hours=1))
    return rows.count() >= MOST_TICKETS
