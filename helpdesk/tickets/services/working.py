"""Working on a ticket: answers, states, owners. What saw an older version of the row is stale."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets import selectors
from helpdesk.tickets.models import Article, Category, Queue, Ticket, Transition
from helpdesk.tickets.rules import FINISHED, after_reply, may_become, may_reopen
from helpdesk.tickets.rules.mentions import mentioned
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
    minutes: int = 0
    """How long the author worked for it."""
    answers: bool | None = None
    """Whether it counts as an answer to the requester; None: if somebody who works on tickets says it in public."""
    tells: tuple[int, ...] = ()
    """People who should hear of it though they neither asked nor watch."""


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
    minutes: int = 0


@dataclass(frozen=True)
class Sorting:
    queue: Queue | None
    category: Category | None


@dataclass(frozen=True)
class Edit:
    """`sorting`: None leaves queue and category as they are."""

    subject: str
    priority: int
    owner: User | None
    sorting: Sorting | None = None

    @property
    def columns(self) -> dict[str, Any]:
        mine = {"subject": self.subject, "priority": self.priority, "owner": self.owner}
        return mine | (vars(self.sorting) if self.sorting else {})


def current(ticket: Ticket) -> Ticket:
    """The ticket that goes on where this one was merged into another, however often; itself where it was not."""
    while into := Ticket.objects.filter(merged=ticket.pk).first():
        ticket = into
    return ticket


def open_where_they_go_on(merged: Iterable[int]) -> set[int]:
    """Those of these tickets that are open, each judged as `current` of it. One query, and one for each time that one of
    them was merged further."""
    at, found = {pk: {pk} for pk in merged}, set[int]()
    while at:
        further: defaultdict[int, set[int]] = defaultdict(set)
        for pk, into, state in Ticket.objects.filter(pk__in=at).values_list("pk", "merged_into", "state"):
            if into is not None:
                further[into] |= at[pk]
            elif state not in FINISHED:
                found |= at[pk]
        at = further
    return found


def add_article(*, ticket: Ticket, contribution: Contribution, idempotency_key: str | None = None) -> Article:
    """The same idempotency key by the same author gives the same article. A merged ticket's goes where that went."""
    ticket = current(ticket)
    key = scoped_key(contribution.author, idempotency_key)
    if known := _known(key):
        return known
    try:
        with transaction.atomic():
            return _write(ticket, contribution, key)
    except IntegrityError:
        if known := _known(key):
            return known
        raise


def said_before(*, by: User, key: str | None) -> bool:
    """Whether what this person sends with this idempotency key has been said already: then it is not judged anew."""
    return _known(scoped_key(by, key)) is not None


def _known(key: str | None) -> Article | None:
    """In whichever ticket: what was said may have been split off since."""
    return Article.objects.filter(idempotency_key=key).first() if key else None


def _write(ticket: Ticket, contribution: Contribution, key: str | None = None) -> Article:
    fields = dict(vars(contribution))
    tells = {*fields.pop("tells"), *_call_by_name(ticket, contribution)}
    if fields["answers"] is None:
        fields["answers"] = _answers(ticket, contribution)
    changes: dict[str, Any] = {"updated_at": timezone.now(), "version": F("version") + 1}
    if fields["answers"]:
        changes["reckon_at"] = timezone.now()
    if not Ticket.objects.filter(pk=ticket.pk, merged_into__isnull=True).update(**changes):
        return _write(current(ticket), contribution, key)  # merged this moment
    article = Article.objects.create(ticket=ticket, idempotency_key=key, **fields)
    told = {"article_id": article.pk, "internal": article.internal, "notice": article.notice, "tells": sorted(tells)}
    _tell(ticket, "article-added", contribution.author, **told)
    return article


def _answers(ticket: Ticket, said: Contribution) -> bool:
    author = said.author
    if author is None or said.internal or not said.body or author.pk == ticket.requester_id:
        return False
    return author.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)


def _call_by_name(ticket: Ticket, said: Contribution) -> frozenset[int]:
    """Colleagues whom the text names watch the ticket from now on; only those who work there can call or be called."""
    author = said.author
    if author is None or "@" not in said.body:
        return frozenset()
    if not author.access.may(Action.VIEW_INTERNAL_NOTES, ticket.authority_id, ticket.site_id):
        return frozenset()
    names = dict(selectors.workers(ticket.site).exclude(pk=author.pk).values_list("pk", "name"))
    called = mentioned(said.body, names)
    ticket.watchers.add(*called)
    return called


def notify(*, ticket: Ticket, notice: str, **details: Any) -> Article:
    """Something that Fleetdesk itself says, in the ticket."""
    said = Contribution(channel=Article.Channel.SYSTEM, notice=notice, details=details)
    return add_article(ticket=ticket, contribution=said)


def reply(*, ticket: Ticket, said: Reply) -> Article:
    """A person's answer, and the state it leads to: both or nothing. Raises StaleError and TransitionError."""
    ticket = current(ticket)
    if known := _known(scoped_key(said.author, said.idempotency_key)):
        return known
    by_requester = said.author.pk == ticket.requester_id
    to = said.to or after_reply(ticket.state, by_requester=by_requester, still_broken=said.still_broken)
    words = Contribution(said.author, said.body, said.channel, said.internal, minutes=said.minutes)
    with transaction.atomic():
        if to is not None:
            transition(ticket=ticket, to=to, actor=said.author, seen_version=said.seen_version)
        return add_article(ticket=ticket, contribution=words, idempotency_key=said.idempotency_key)


def transition(*, ticket: Ticket, to: Ticket.State, actor: User | None = None, seen_version: int | None = None) -> Ticket:
    """Raises TransitionError, or StaleError when the row is no longer the one that was seen. To where it is: no-op."""
    if ticket.state == to:
        return ticket
    now = timezone.now()
    too_late = actor is not None and ticket.state == Ticket.State.RESOLVED and to == Ticket.State.OPEN
    if too_late:
        too_late = not may_reopen(ticket.state_since, now, settings.REOPEN_DAYS)
    if too_late or not may_become(ticket.state, to):
        raise TransitionError(f"{ticket.state} -> {to}")
    with transaction.atomic():
        seen = Ticket.objects.filter(pk=ticket.pk, state=ticket.state)
        if seen_version is not None:
            seen = seen.filter(version=seen_version)
        changes = {"state": to, "state_since": now, "updated_at": now, "reckon_at": now}
        if seen.update(**changes, version=F("version") + 1) != 1:
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
    """Change the fields of the version that was seen. Raises StaleError when it is another one now."""
    now = timezone.now()
    with transaction.atomic():
        seen = Ticket.objects.filter(pk=ticket.pk, version=seen_version)
        if seen.update(**wish.columns, version=F("version") + 1, updated_at=now, reckon_at=now) != 1:
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
        _write(ticket, Contribution(author=actor, notice="handed-over", details=details, tells=(wish.owner.pk,)))
    before, after = [ticket.subject, ticket.priority], [wish.subject, wish.priority]
    was, becomes = _sorted_as(ticket), _sorted_as(wish.sorting or ticket)
    if (before, was) != (after, becomes):
        details = {"before": before, "after": after, "sorted_before": was, "sorted_after": becomes}
        _write(ticket, Contribution(author=actor, internal=True, notice="edited", details=details))


def _sorted_as(row: Ticket | Sorting) -> list[str]:
    return [str(row.queue or ""), str(row.category or "")]


def raise_priority(*, ticket: Ticket, to: int) -> None:
    less = Ticket.objects.filter(pk=ticket.pk, priority__lt=to)
    less.update(priority=to, version=F("version") + 1, reckon_at=timezone.now())


def touched(*, ticket: Ticket, what: str, by: User, **payload: Any) -> None:
    """Something that hangs on the ticket has changed: whoever has read it before is stale. In the caller's transaction."""
    Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1, updated_at=timezone.now())
    _tell(ticket, what, by, **payload)


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
