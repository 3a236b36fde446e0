"""To which ticket a mail belongs."""

from dataclasses import dataclass

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority
from helpdesk.mail import selectors, threads
from helpdesk.mail.models import IncomingMail
from helpdesk.mail.rules.incoming import Incoming
from helpdesk.mail.rules.threading import Found
from helpdesk.mail.services.keys import storable_id
from helpdesk.tickets.models import Article, Ticket

MOST_MERGES = 20


@dataclass(frozen=True)
class Thread:
    """`ticket`: the one that `found` speaks of."""

    found: Found
    ticket: Ticket | None


def find(mail: Incoming, authority: Authority, who: User | None) -> Thread:
    referred = _referred(mail, authority)
    named = None if referred or not mail.number else _current(_numbered(mail.number, authority))
    found = Found(
        referred=referred.state if referred else None,
        belongs_to_referred=referred is not None and belongs(referred, who, mail.sender.address),
        named=named.state if named else None,
        belongs_to_named=named is not None and who is not None and takes_part(named, who),
        automatic=bool(mail.automatic),
    )
    return Thread(found, referred or (named if found.belongs_to_named else None))


def _referred(mail: Incoming, authority: Authority) -> Ticket | None:
    """Of the nearest ancestor that is known: sent by us, which is signed, or come in before."""
    keys = {one: storable_id(one) for one in mail.ancestors}
    articles = Article.objects.filter(message_id__in=keys.values(), ticket__authority=authority)
    rows = IncomingMail.objects.filter(key__in=keys.values(), authority=authority, ticket__isnull=False)
    came_in = dict(rows.values_list("key", "ticket_id")) | dict(articles.values_list("message_id", "ticket_id"))
    for one in mail.ancestors:
        number, ticket_id = threads.number_of(one), came_in.get(keys[one])
        named = {"number": number} if number else {"pk": ticket_id or 0}
        ticket = Ticket.objects.filter(authority=authority, **named).first()
        if ticket is not None:
            return _current(ticket)
    return None


def _numbered(number: str, authority: Authority) -> Ticket | None:
    return Ticket.objects.filter(authority=authority, number=number).first()


def _current(ticket: Ticket | None) -> Ticket | None:
    """Where it was merged into, should it have been."""
    for _step in range(MOST_MERGES):
        into = getattr(ticket, "merged_into_id", None)
        if into is None:
            break
        ticket = Ticket.objects.get(pk=into)
    return ticket


def belongs(ticket: Ticket, who: User | None, address: str) -> bool:
    """Whether an answer to the ticket's mail by this person is theirs to give."""
    if who is None:
        return selectors.wrote_in(ticket, address)
    if takes_part(ticket, who):
        return True
    scopes = (ticket.authority_id, ticket.site_id)
    sees = Ticket.objects.visible_to(who).filter(pk=ticket.pk).exists()
    return sees and any(who.access.may(action, *scopes) for action in (Action.WORK_TICKETS, Action.REPORT_PROBLEM))


def takes_part(ticket: Ticket, who: User) -> bool:
    """Asked for it, looks after it, watches it, or wrote in it under their own name."""
    if who.pk in {ticket.requester_id, ticket.owner_id}:
        return True
    watchers = getattr(ticket, "watchers", None)
    if watchers is not None and watchers.filter(pk=who.pk).exists():
        return True
    return ticket.articles.filter(author=who, verified=True).exists()
