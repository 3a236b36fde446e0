"""Opening a ticket, exactly once for what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from fleet.devices.models import Device
from fleet.events.services import Fact, emit
from fleet.monitoring.models import Alert
from fleet.people.models import User
from fleet.sites import services as sites
from fleet.sites.models import Room, Site
from helpdesk.tickets.models import Article, Category, Counter, Queue, Ticket
from helpdesk.tickets.rules import FINISHED, number


@dataclass(frozen=True)
class Opening:
    site: Site
    subject: str
    body: str = ""
    kind: Ticket.Kind = Ticket.Kind.INCIDENT
    channel: Article.Channel = Article.Channel.WEB
    priority: int = Ticket.Priority.NORMAL
    room: Room | None = None
    devices: Sequence[Device] = ()
    requester: User | None = None
    alert: Alert | None = None
    blocks_lesson: bool = False
    queue: Queue | None = None
    """None: where its category's tickets go."""
    category: Category | None = None
    notice: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None


def open_ticket(*, opening: Opening) -> Ticket:
    """A new ticket with its first article; the same idempotency key by the same person gives the same ticket.

    A room that has been removed meanwhile is left out. Raises ClosedSiteError where the school is closed, or closes this
    moment.
    """
    key = scoped_key(opening.requester, opening.idempotency_key)
    if known := _known(key):
        return known
    try:
        with transaction.atomic():
            return _create(opening, key)
    except IntegrityError:
        if known := _known(key):
            return known
        raise


def opened_before(*, requester: User, idempotency_key: str | None) -> Ticket | None:
    """The ticket that this person opened with that key."""
    return _known(scoped_key(requester, idempotency_key))


def scoped_key(person: User | None, key: str | None) -> str | None:
    """Keys are a person's own: nobody finds another's ticket by guessing one."""
    return f"{person.pk if person else 0}:{key}"[:100] if key else None


def key_after_all(requester: User | None, about: str) -> str:
    """An idempotency key for what is opened anew once its tickets are finished: it names the last of them, so that of many
    at once one opens, whichever of the earlier ones are deleted meanwhile."""
    before = Ticket.objects.filter(idempotency_key__startswith=keys_about(requester, about), state__in=FINISHED)
    last = before.aggregate(last=Max("pk"))["last"]
    return f"{about}:{last or 0}"


def keys_about(requester: User | None, about: str) -> str:
    """What the keys by `key_after_all` begin with, as tickets have them."""
    return f"{requester.pk if requester else 0}:{about}:"


def _known(key: str | None) -> Ticket | None:
    return Ticket.objects.filter(idempotency_key=key).first() if key else None


def _create(opening: Opening, key: str | None) -> Ticket:
    sites.hold_open(site_id=opening.site.pk)
    ticket = Ticket.objects.create(
        authority_id=opening.site.authority_id,
        site=opening.site,
        number=_next_number(),
        kind=opening.kind,
        subject=opening.subject[:200],
        priority=opening.priority,
        blocks_lesson=opening.blocks_lesson,
        room=sites.hold_room(room_id=opening.room.pk) if opening.room else None,
        requester=opening.requester,
        alert=opening.alert,
        queue=opening.queue or (opening.category.queue if opening.category else None),
        category=opening.category,
        idempotency_key=key,
    )
    ticket.devices.add(*opening.devices)
    Article.objects.create(
        ticket=ticket,
        author=opening.requester,
        channel=opening.channel,
        body=opening.body,
        notice=opening.notice,
        details=opening.details,
    )
    emit(
        Fact(
            name="ticket.created",
            subject=ticket,
            authority_id=ticket.authority_id,
            site_id=ticket.site_id,
            actor_id=opening.requester.pk if opening.requester else None,
            payload={"number": ticket.number, "kind": ticket.kind},
        )
    )
    return ticket


def _next_number() -> str:
    """Counted up in the database, so that two tickets at the same instant wait for each other's number."""
    year = timezone.localdate().year
    counted = Counter.objects.filter(year=year)
    if not counted.update(last=F("last") + 1):
        Counter.objects.get_or_create(year=year)
        counted.update(last=F("last") + 1)
    return number(year, Counter.objects.get(year=year).last)
