"""Working on a ticket: answers, states, owners. What saw an older version of the row is stale."""

from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from fleet.events.services import Fact, emit
from fleet.people.models import User
from helpdesk.tickets.models import Article, Ticket, Transition
from helpdesk.tickets.rules import FINISHED, after_reply, may_become
from helpdesk.tickets.services.opening import scoped_key


class TransitionError(ValueError):
    """The workflow does not go from the ticket's state to the wanted one."""


class StaleError(ValueError):
    """The ticket was changed since it was looked at; nothing was written."""


@dataclass(frozen=True)
class Contribution:
    author: User | None = None
    body: str = ""
    channel: Article.Channel = Article.Channel.WEB
    internal: bool = False
    notice: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What a person writes, and where that moves the ticket."""

    author: User
    body: str
    internal: bool = False
    to: Ticket.State | None = None
    still_broken: bool = False
    seen_version: int | None = None
    channel: Article.Channel = Article.Channel.WEB
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Edit:
    subject: str
    priority: int
    owner: User | None


def add_article(*, ticket: Ticket, contribution: Contribution, idempotency_key: str | None = None) -> Article:
    """The same idempotency key by the same author gives the same article."""
    key = scoped_key(contribution.author, idempotency_key)
    if known := _known(ticket, key):
        return known
    try:
        with transaction.atomic():
            return _write(ticket, contribution, key)
    except IntegrityError:
        if known := _known(ticket, key):
            return known
        raise


def _known(ticket: Ticket, key: str | None) -> Article | None:
    return ticket.articles.filter(idempotency_key=key).first() if key else None


def _write(ticket: Ticket, contribution: Contribution, key: str | None = None) -> Article:
    article = Article.objects.create(ticket=ticket, idempotency_key=key, **vars(contribution))
    Ticket.objects.filter(pk=ticket.pk).update(updated_at=timezone.now(), version=F("version") + 1)
    told = {"article_id": article.pk, "internal": article.internal, "notice": article.notice}
    _tell(ticket, "article-added", contribution.author, **told)
    return article


def notify(*, ticket: Ticket, notice: str, **details: Any) -> Article:
    """Something that Fleetdesk itself says, in the ticket."""
    said = Contribution(channel=Article.Channel.SYSTEM, notice=notice, details=details)
    return add_article(ticket=ticket, contribution=said)


def reply(*, ticket: Ticket, said: Reply) -> Article:
    """A person's answer, and the state it leads to: both or nothing. Raises StaleError and TransitionError."""
    if known := _known(ticket, scoped_key(said.author, said.idempotency_key)):
        return known
    by_requester = said.author.pk == ticket.requester_id
    to = said.to or after_reply(ticket.state, by_requester=by_requester, still_broken=said.still_broken)
    words = Contribution(author=said.author, body=said.body, channel=said.channel, internal=said.internal)
    with transaction.atomic():
        if to is not None:
            transition(ticket=ticket, to=to, actor=said.author, seen_version=said.seen_version)
        return add_article(ticket=ticket, contribution=words, idempotency_key=said.idempotency_key)


def transition(*, ticket: Ticket, to: Ticket.State, actor: User | None = None, seen_version: int | None = None) -> Ticket:
    """Raises TransitionError, or StaleError when the row is no longer the one that was seen. To where it is: no-op."""
    if ticket.state == to:
        return ticket
    if not may_become(ticket.state, to):
        raise TransitionError(f"{ticket.state} -> {to}")
    with transaction.atomic():
        seen = Ticket.objects.filter(pk=ticket.pk, state=ticket.state)
        if seen_version is not None:
            seen = seen.filter(version=seen_version)
        now = timezone.now()
        if seen.update(state=to, state_since=now, updated_at=now, version=F("version") + 1) != 1:
            raise StaleError(ticket.number)
        Transition.objects.create(ticket=ticket, old=ticket.state, new=to, actor=actor, at=now)
        _tell(ticket, "transitioned", actor, old=ticket.state, new=to.value)
    ticket.refresh_from_db()
    return ticket


def take(*, ticket: Ticket, by: User, from_owner: User | None = None) -> bool:
    """Become the owner of a ticket that `from_owner` (usually nobody) had. Of fifty at once one wins."""
    with transaction.atomic():
        unfinished = Ticket.objects.filter(pk=ticket.pk, owner=from_owner).exclude(state__in=FINISHED)
        if unfinished.update(owner=by, version=F("version") + 1, updated_at=timezone.now()) != 1:
            return False
        ticket.refresh_from_db()
        add_article(ticket=ticket, contribution=Contribution(author=by, notice="taken"))
        if ticket.state == Ticket.State.NEW:
            transition(ticket=ticket, to=Ticket.State.OPEN, actor=by)
    return True


def edit(*, ticket: Ticket, wish: Edit, actor: User, seen_version: int) -> Ticket:
    """Change subject, priority and owner of the version that was seen. Raises StaleError when it is another one now."""
    with transaction.atomic():
        seen = Ticket.objects.filter(pk=ticket.pk, version=seen_version)
        if seen.update(**vars(wish), version=F("version") + 1, updated_at=timezone.now()) != 1:
            raise StaleError(ticket.number)
        _note_edit(ticket, wish, actor)
    ticket.refresh_from_db()
    return ticket


def _note_edit(ticket: Ticket, wish: Edit, actor: User) -> None:
    """What was changed stands in the ticket, for those who work on it; who looks after it now, for everybody."""
    if wish.owner is None and ticket.owner_id is not None:
        _write(ticket, Contribution(author=actor, notice="handed-back"))
    if wish.owner is not None and wish.owner.pk != ticket.owner_id:
        details = {"owner_id": wish.owner.pk, "owner": str(wish.owner)}
        _write(ticket, Contribution(author=actor, notice="handed-over", details=details))
    before, after = (ticket.subject, ticket.priority), (wish.subject, wish.priority)
    if before != after:
        details = {"before": list(before), "after": list(after)}
        _write(ticket, Contribution(author=actor, internal=True, notice="edited", details=details))


def raise_priority(*, ticket: Ticket, to: int) -> None:
    Ticket.objects.filter(pk=ticket.pk, priority__lt=to).update(priority=to, version=F("version") + 1)


def _tell(ticket: Ticket, what: str, actor: User | None, **payload: Any) -> None:
    emit(
        Fact(
            name=f"ticket.{what}",
            subject=ticket,
            authority_id=ticket.authority_id,
            site_id=ticket.site_id,
            actor_id=actor.pk if actor else None,
            payload=payload,
        )
    )
