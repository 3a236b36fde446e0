"""To which ticket a mail belongs."""

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from helpdesk.mail import selectors, threads
from helpdesk.mail.models import IncomingMail
from helpdesk.mail.rules.incoming import Incoming
from helpdesk.mail.rules.threading import Found
from helpdesk.mail.services.keys import storable_id
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.rules import may_reopen


@dataclass(frozen=True)
class Thread:
    """`ticket`: the one that `found` speaks of."""

    found: Found
    ticket: Ticket | None


def find(mail: Incoming, authority: Authority, who: User | None) -> Thread:
    """The ticket is locked until the transaction ends: what is decided of its state still holds when it is acted upon."""
    referred, article = _referred(mail, authority) or (None, None)
    named = None if referred or not mail.number else _numbered(mail.number, authority)
    ticket = referred or named
    found = Found(
        referred=_state(referred) if referred else None,
        belongs_to_referred=referred is not None and belongs(referred, who, mail.sender.identity),
        answers_inside=article is not None and article.internal and who is not None and _reads_notes(article.ticket, who),
        named=_state(named) if named else None,
        belongs_to_named=named is not None and who is not None and takes_part(named, who),
        automatic=bool(mail.automatic),
        school_closed=ticket is not None and not _school_is_open(ticket),
    )
    return Thread(found, referred or (named if found.belongs_to_named else None))


def _referred(mail: Incoming, authority: Authority) -> tuple[Ticket, Article | None] | None:
    """Of the nearest ancestor that is known: sent by us, which is signed, or come in before; and what that one says."""
    keys = {one: storable_id(one) for one in mail.ancestors}
    articles = Article.objects.filter(message_id__in=keys.values(), ticket__authority=authority)
    rows = IncomingMail.objects.filter(key__in=keys.values(), authority=authority, ticket__isnull=False)
    rows, articles = rows.only("key", "ticket", "article"), articles.only("message_id", "ticket")
    came_in = {row.key: (row.ticket_id, row.article_id) for row in rows}
    came_in |= {str(one.message_id): (one.ticket_id, one.pk) for one in articles}
    for one in mail.ancestors:
        number, (ticket_id, article_id) = threads.number_of(one), came_in.get(keys[one], (0, 0))
        named = {"number": number} if number else {"pk": ticket_id}
        ticket = Ticket.objects.filter(authority=authority, **named).first()
        if ticket is not None:
            return _held(ticket), _said(threads.article_of(one) if number else article_id, authority)
    return None


def _said(article_id: int | None, authority: Authority) -> Article | None:
    """It may stand in another ticket than it did: what was split off, or merged."""
    return Article.objects.select_related("ticket").filter(pk=article_id or 0, ticket__authority=authority).first()


def _reads_notes(ticket: Ticket, who: User) -> bool:
    return who.access.may(Action.VIEW_INTERNAL_NOTES, ticket.authority_id, ticket.site_id)


def _numbered(number: str, authority: Authority) -> Ticket | None:
    ticket = Ticket.objects.filter(authority=authority, number=number).first()
    return _held(ticket) if ticket else None


def _held(ticket: Ticket) -> Ticket:
    """The one that goes on, locked, also where it was merged this moment."""
    held = Ticket.objects.select_for_update().get(pk=tickets.current(ticket).pk)
    return _held(held) if held.merged_into_id else held


def _school_is_open(ticket: Ticket) -> bool:
    """It stays so until the transaction ends."""
    return Site.objects.open().select_for_update(no_key=True).filter(pk=ticket.site_id).first() is not None


def _state(ticket: Ticket) -> str:
    """What was resolved too long ago is as good as closed, though nobody has come to close it yet."""
    resolved = ticket.state == Ticket.State.RESOLVED
    if resolved and not may_reopen(ticket.state_since, timezone.now(), settings.REOPEN_DAYS):
        return Ticket.State.CLOSED
    return ticket.state


def belongs(ticket: Ticket, who: User | None, address: str) -> bool:
    """Whether an answer to the ticket's mail by this person is theirs to give."""
    if who is None:
        return selectors.wrote_in(ticket, address)
    if takes_part(ticket, who):
        return True
    scopes = (ticket.authority_id, ticket.site_id)
    acts = any(who.access.may(action, *scopes) for action in (Action.WORK_TICKETS, Action.REPORT_PROBLEM))
    return acts and _sees(ticket, who)


def takes_part(ticket: Ticket, who: User) -> bool:
    """Asked for it, looks after it, watches it, or wrote in it under their own name, and has to do with it still."""
    if who.pk == ticket.requester_id:  # also of what has become restricted: it is about what they said
        return who.access.may(Action.VIEW_SITE, ticket.authority_id, ticket.site_id)
    return _has_part(ticket, who) and _sees(ticket, who)


def _sees(ticket: Ticket, who: User) -> bool:
    return Ticket.objects.visible_to(who).filter(pk=ticket.pk).exists()


def _has_part(ticket: Ticket, who: User) -> bool:
    if who.pk == ticket.owner_id:
        return True
    watchers = getattr(ticket, "watchers", None)
    if watchers is not None and watchers.filter(pk=who.pk).exists():
        return True
    return ticket.articles.filter(author=who, verified=True).exists()
