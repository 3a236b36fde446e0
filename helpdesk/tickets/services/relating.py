"""Tickets that become one, become two, hang together, or are cases of one incident."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets.models import Article, Recheck, Ticket, TicketLink
from helpdesk.tickets.rules import FINISHED
from helpdesk.tickets.services.opening import Opening, open_ticket, scoped_key
from helpdesk.tickets.services.working import Contribution, StaleError, add_article, current, transition

NUMBER = re.compile(r"(?<![\w-])F\d{4}-\d{6,10}(?![\w-])", re.IGNORECASE)


class RelationError(ValueError):
    """These tickets cannot be brought together so; `key` says why, in helpdesk.tickets.words."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def find_by_reference(text: str) -> Ticket | None:
    """The ticket whose number stands in the text, or that it went into. Whoever asks must check what the person may see."""
    for number in NUMBER.findall(text):
        if ticket := Ticket.objects.filter(number=number.upper()).first():
            return current(ticket)
    return None


def merge(*, source: Ticket, into: Ticket, by: User, seen_version: int | None = None) -> Ticket:
    """Everything that was said in `source` stands in `into` from now on; of two at once one wins.

    Raises RelationError, and StaleError where `source` is no longer at `seen_version`.
    """
    with transaction.atomic():
        source, into = _locked(source, into, seen_version=seen_version)
        _check_merge(source, into)
        _go_on_in(source, into)
        _follow_fault(source, into)
        _stay_a_case(source, into, by)
        _told(source, into, by)
        for to in (Ticket.State.RESOLVED, Ticket.State.CLOSED):
            transition(ticket=source, to=to, actor=by)
        merged = Ticket.objects.filter(pk=source.pk, merged_into__isnull=True)
        if merged.update(merged_into=into, version=F("version") + 1) != 1:
            raise RelationError("already-merged")
        _tell(source, "merged", by, into=into.number)
    into.refresh_from_db()
    return into


def _locked(*tickets: Ticket, seen_version: int | None = None) -> list[Ticket]:
    """As they are now, locked in one order by everybody, so that two merges never wait for each other.

    Raises StaleError where the first one is another version than the one that was seen.
    """
    rows = Ticket.objects.select_for_update(of=("self",)).select_related("queue", "alert").order_by("pk")
    known = {row.pk: row for row in rows.filter(pk__in=[ticket.pk for ticket in tickets])}
    found = [known[ticket.pk] for ticket in tickets]
    if seen_version not in {None, found[0].version}:
        raise StaleError(found[0].number)
    return found


def _check_merge(source: Ticket, into: Ticket) -> None:
    if source.pk == into.pk:
        raise RelationError("itself")
    if source.merged_into_id or into.merged_into_id:
        raise RelationError("already-merged")
    if Ticket.State.CLOSED in {into.state, source.state}:
        raise RelationError("closed")
    if source.site_id != into.site_id:
        raise RelationError("another-school")
    if _restricted(source) != _restricted(into):
        raise RelationError("restricted")
    if source.children.exists():
        raise RelationError("has-children")
    if _still_broken(source) and _still_broken(into):
        raise RelationError("two-faults")


def _still_broken(ticket: Ticket) -> bool:
    return ticket.alert is not None and ticket.alert.closed_at is None


def _restricted(ticket: Ticket) -> bool:
    return ticket.queue is not None and ticket.queue.restricted


def _go_on_in(source: Ticket, into: Ticket) -> None:
    source.articles.update(ticket=into)
    asks = into.requester_id or source.requester_id
    people = {*source.watchers.values_list("pk", flat=True), source.requester_id} - {asks}
    into.watchers.add(*(pk for pk in people if pk is not None))
    into.devices.add(*source.devices.all())
    into.tags.add(*source.tags.all())
    Ticket.objects.filter(pk=into.pk).update(requester=asks, reckon_at=timezone.now())


def _follow_fault(source: Ticket, into: Ticket) -> None:
    """Whoever recovers must find the ticket that goes on: of two faults it is that of the one that is not over."""
    fault, over = source.alert, into.alert
    if fault is None or (over is not None and fault.closed_at is not None):
        return
    for ticket, alert in ((source, None), (into, fault), (source, over)):  # never two of one alert
        Ticket.objects.filter(pk=ticket.pk).update(alert=alert)
        ticket.alert = alert
    if fault.closed_at is None and into.state == Ticket.State.RESOLVED:
        transition(ticket=into, to=Ticket.State.OPEN)


def _stay_a_case(source: Ticket, into: Ticket, by: User) -> None:
    """What was a case of an incident still is one where it goes on, unless that has an incident or cases of its own."""
    parent_id = source.parent_id
    Ticket.objects.filter(pk=source.pk).update(parent=None)
    if into.alert is None and not Recheck.objects.filter(ticket=into).exists():
        Recheck.objects.filter(ticket=source).update(ticket=into)
    if parent_id not in {None, into.pk} and into.parent_id is None and not into.children.exists():
        Ticket.objects.filter(pk=into.pk).update(parent=parent_id, version=F("version") + 1)
        _tell(into, "parent-set", by, parent_id=parent_id)


def _told(source: Ticket, into: Ticket, by: User) -> None:
    details = {"number": source.number, "subject": source.subject}
    add_article(ticket=into, contribution=Contribution(author=by, notice="merged-here", details=details))
    details = {"number": into.number, "subject": into.subject}
    add_article(ticket=source, contribution=Contribution(author=by, notice="merged-into", details=details))


@dataclass(frozen=True)
class Part:
    """Of a ticket, that becomes one of its own. The same idempotency key by the same person gives the same ticket."""

    article_ids: Collection[int]
    subject: str
    seen_version: int | None = None
    idempotency_key: str | None = None


def split(*, ticket: Ticket, part: Part, by: User) -> Ticket:
    """What these articles speak of becomes a ticket of its own at the same school, linked to the old one.

    It counts from when the first of them was said.

    Raises RelationError, and StaleError where the ticket is no longer at the version that was seen.
    """
    with transaction.atomic():
        (ticket,) = _locked(ticket)
        if known := split_before(ticket=ticket, by=by, key=part.idempotency_key):
            return known
        if part.seen_version not in {None, ticket.version}:
            raise StaleError(ticket.number)
        moved = list(ticket.articles.filter(pk__in=part.article_ids).exclude(body=""))
        if len(moved) != len(set(part.article_ids)) or not moved:
            raise RelationError("nothing-to-split")
        fresh = open_ticket(
            opening=_like(ticket, part.subject, notice="split-from", idempotency_key=_split_key(by, part.idempotency_key))
        )
        Article.objects.filter(pk__in=[article.pk for article in moved]).update(ticket=fresh)
        Ticket.objects.filter(pk=fresh.pk).update(created_at=min(article.created_at for article in moved))
        TicketLink.objects.create(kind=TicketLink.Kind.SPLIT, source=fresh, target=ticket, by=by)
        Ticket.objects.filter(pk__in=[ticket.pk, fresh.pk]).update(reckon_at=timezone.now(), version=F("version") + 1)
        details = {"number": fresh.number, "subject": fresh.subject}
        add_article(ticket=ticket, contribution=Contribution(author=by, notice="split-off", details=details))
    fresh.refresh_from_db()
    return fresh


def split_before(*, ticket: Ticket, by: User, key: str | None) -> Ticket | None:
    """What became of this ticket when the same person sent the same idempotency key."""
    scoped = scoped_key(ticket.requester, _split_key(by, key))
    return Ticket.objects.filter(idempotency_key=scoped).first() if scoped else None


def _split_key(by: User, key: str | None) -> str | None:
    return f"split:{by.pk}:{key}" if key else None


@dataclass(frozen=True)
class Again:
    """What somebody says of a matter that is back. `by` None: no account. The same idempotency key gives the same ticket."""

    by: User | None
    body: str
    subject: str = ""
    """"": that of the ticket that ended."""
    channel: Article.Channel = Article.Channel.WEB
    idempotency_key: str | None = None


def follow_up(*, ticket: Ticket, said: Again) -> Ticket:
    """Closed for good, and the matter is back: a new ticket that says where it comes from."""
    ended = current(ticket)
    more: dict[str, Any] = {"notice": "follows", "body": said.body, "requester": said.by, "channel": said.channel}
    more["idempotency_key"] = f"follow-up:{said.idempotency_key}" if said.idempotency_key else None
    with transaction.atomic():
        fresh = open_ticket(opening=_like(ended, said.subject or ended.subject, **more))
        link(ticket=fresh, other=ended, by=said.by, kind=TicketLink.Kind.FOLLOWS)
    return fresh


def _like(ticket: Ticket, subject: str, **more: Any) -> Opening:
    fields: dict[str, Any] = {
        "site": ticket.site,
        "subject": subject,
        "kind": ticket.kind,
        "priority": ticket.priority,
        "room": ticket.room,
        "devices": list(ticket.devices.all()),
        "requester": ticket.requester,
        "queue": ticket.queue,
        "category": ticket.category,
        "details": {"number": ticket.number, "subject": ticket.subject},
    }
    return Opening(**fields | more)


def link(*, ticket: Ticket, other: Ticket, by: User | None, kind: TicketLink.Kind = TicketLink.Kind.RELATED) -> TicketLink:
    """Once, whichever of the two said it. Raises RelationError."""
    if ticket.pk == other.pk:
        raise RelationError("itself")
    if ticket.authority_id != other.authority_id:
        raise RelationError("another-authority")
    if kind == TicketLink.Kind.RELATED and ticket.pk > other.pk:
        ticket, other = other, ticket
    try:
        with transaction.atomic():
            return TicketLink.objects.create(kind=kind, source=ticket, target=other, by=by)
    except IntegrityError:
        return TicketLink.objects.get(kind=kind, source=ticket, target=other)


def unlink(*, link: TicketLink) -> None:
    link.delete()


def set_parent(*, ticket: Ticket, parent: Ticket | None, by: User | None, seen_version: int | None = None) -> bool:
    """Makes the ticket a case of the incident `parent`, or of none. False where it is so already.

    Raises RelationError, and StaleError where the ticket is no longer at `seen_version`.
    """
    with transaction.atomic():
        both = [ticket, parent] if parent is not None else [ticket]
        locked = _locked(*both, seen_version=seen_version)
        ticket = locked[0]
        parent = locked[1] if parent is not None else None
        if ticket.parent_id == (parent.pk if parent else None):
            return False
        if parent is not None:
            _check_parent(ticket, parent)
        Ticket.objects.filter(pk=ticket.pk).update(parent=parent, version=F("version") + 1)
        notice = "child-attached" if parent else "child-detached"
        details = {"number": parent.number if parent else ""}
        add_article(
            ticket=ticket, contribution=Contribution(author=by, channel=_channel(by), notice=notice, details=details)
        )
        _tell(ticket, "parent-set", by, parent_id=parent.pk if parent else None)
    return True


def _channel(by: User | None) -> Article.Channel:
    return Article.Channel.WEB if by else Article.Channel.SYSTEM


def _check_parent(ticket: Ticket, parent: Ticket) -> None:
    """One level: an incident has cases, and a case has none."""
    if ticket.pk == parent.pk:
        raise RelationError("itself")
    if ticket.authority_id != parent.authority_id:
        raise RelationError("another-authority")
    if parent.parent_id is not None or parent.merged_into_id is not None:
        raise RelationError("parent-is-a-child")
    if ticket.children.exists():
        raise RelationError("has-children")
    if parent.state in FINISHED:
        raise RelationError("finished")
    if _restricted(parent) and not _restricted(ticket):
        raise RelationError("restricted")


def watch(*, ticket: Ticket, by: User) -> None:
    ticket.watchers.add(by)


def unwatch(*, ticket: Ticket, by: User) -> None:
    ticket.watchers.remove(by)


def listeners(article: Article, told: Collection[int] = ()) -> list[User]:
    """Who hears of an article though it is not theirs: owner, watchers, and those in `told`; only who may read it."""
    ids = (_attentive(article) | set(told)) - {article.author_id}
    return [user for user in User.objects.filter(pk__in=ids, is_active=True) if _may_read(user, article)]


def _attentive(article: Article) -> set[int]:
    """Whoever watches reads what people write; whoever looks after it, what they write in public."""
    if article.notice:
        return set()
    ticket = article.ticket
    people = set(ticket.watchers.values_list("pk", flat=True))
    if ticket.owner_id is not None and not article.internal:
        people.add(ticket.owner_id)
    return people - {ticket.requester_id}


def _may_read(user: User, article: Article) -> bool:
    ticket = article.ticket
    if article.internal and not user.access.may(Action.VIEW_INTERNAL_NOTES, ticket.authority_id, ticket.site_id):
        return False
    return Ticket.objects.visible_to(user).filter(pk=ticket.pk).exists()


def _tell(ticket: Ticket, what: str, actor: User | None, **payload: Any) -> None:
    by = actor.pk if actor else None
    emit(Fact(f"ticket.{what}", ticket, ticket.authority_id, ticket.site_id, by, payload))
