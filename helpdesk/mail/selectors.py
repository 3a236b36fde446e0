"""What is known of mail that came in."""

from datetime import datetime, timedelta

from fleet.people.models import User
from fleet.sites.models import Authority
from helpdesk.mail.models import IncomingMail, OutgoingMail
from helpdesk.mail.rules.automatic import NOBODY
from helpdesk.tickets.models import Ticket

Outcome = IncomingMail.Outcome
MOST_ACKNOWLEDGEMENTS = 5
"""Per address and hour: two programs that answer each other come to rest."""
MOST_ANSWERS = 10
"""Of one address in one ticket within an hour, that are told to others by mail."""
HANDED_OVER = "handed-over"
MOST_HANDED = 20
"""Tickets handed to one person within an hour, each with a mail; a thousand at once are read in the list."""
MOST_TICKETS = 30
"""Of one address without an account in an hour; a person would have called by then."""
MOST_OF_STRANGERS = 200
"""Of all of them in an hour, for one authority."""


def openers(ticket: Ticket) -> list[str]:
    """The addresses of those who opened it by mail without an account, or what was merged into it since; without those
    where nobody reads what is sent there."""
    rows = IncomingMail.objects.filter(article__ticket=ticket, article__internal=False, outcome=Outcome.NEW)
    addresses = rows.filter(article__verified=False).order_by("pk").values_list("sender", flat=True)
    return [one for one in dict.fromkeys(addresses) if one and not NOBODY.match(one)]


def wrote_in(ticket: Ticket, address: str) -> bool:
    """Whether this address, with which nobody is known here, wrote what everybody at the ticket can read.

    What somebody wrote as a person with an account gives nothing to whoever has that address once the account is shut or
    has no role here any more: it was never the address that they were known by.
    """
    rows = IncomingMail.objects.filter(sender=address, outcome__in=[Outcome.NEW, Outcome.APPENDED])
    theirs = rows.filter(article__ticket=ticket, article__internal=False)
    if User.objects.filter(email__iexact=address).exists():
        theirs = theirs.filter(article__verified=False)
    return theirs.exists()


def answers_without_end(ticket: Ticket, address: str, now: datetime) -> bool:
    """Whether somebody, most probably a program that does not say so, answers each mail about the ticket."""
    rows = IncomingMail.objects.filter(sender=address, received_at__gt=now - timedelta(hours=1), outcome=Outcome.APPENDED)
    return rows.filter(article__ticket=ticket).count() >= MOST_ANSWERS


def handed_enough(user: User, now: datetime) -> bool:
    """Looks at the mails of an hour alone: `acknowledges` leads the index by time."""
    lately = OutgoingMail.objects.filter(acknowledges=False, created_at__gt=now - timedelta(hours=1))
    return lately.filter(recipient=user, article__notice=HANDED_OVER).count() >= MOST_HANDED


def may_acknowledge(address: str, now: datetime) -> bool:
    sent = OutgoingMail.objects.filter(acknowledges=True, created_at__gt=now - timedelta(hours=1))
    mine = sent.filter(address=address).count() + sent.filter(recipient__email=address).count()
    return mine < MOST_ACKNOWLEDGEMENTS


def floods(address: str, now: datetime) -> bool:
    """What was set aside counts too: whoever goes on stays outside until they have rested."""
    counted = [Outcome.NEW, Outcome.QUARANTINED]
    rows = IncomingMail.objects.filter(sender=address, outcome__in=counted, received_at__gt=now - timedelta(hours=1))
    return rows.count() >= MOST_TICKETS


def strangers_flood(authority: Authority, now: datetime) -> bool:
    """Each with another address: so do programs, and each acknowledgement would go to somebody who wrote nothing."""
    lately = IncomingMail.objects.filter(authority=authority, outcome=Outcome.NEW, received_at__gt=now - timedelta(hours=1))
    return lately.filter(article__verified=False).count() >= MOST_OF_STRANGERS
