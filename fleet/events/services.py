"""Emitting facts and handing each to every consumer exactly once."""

import logging
import threading
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fleet.events import consumers
from fleet.events.models import Consumption, Event, Listener, Refusal
from fleet.events.rules import retry_delay_s

log = logging.getLogger(__name__)
HORIZON = timedelta(days=7)
"""How far back a consumer hears that has never listened before."""
SETTLED = timedelta(hours=1)
"""After that no transaction is still open whose event might come in with a lower number than those already seen."""
MOVE_EVERY = timedelta(minutes=10)
"""Whoever looks for what waits looks through everything that is younger than both together."""
BATCH = 200
LEASE = timedelta(seconds=15)
"""A consumer that a worker was serving when it died is served by another one after that."""
WAKE_EXPIRES_S = 5
"""Beat looks as often: a call that comes later wakes nobody who isn't awake."""
AT_ONCE = 2
"""So many threads of a process hand over at the same time: whoever else waits for one, a judge of alerts above all, has its
turn during a storm of events too."""
_handing_over = threading.BoundedSemaphore(AT_ONCE)
_missed: set[str] = set()
"""Names that this process was woken for while its threads were at it."""
MOST_ROUNDS = 50
"""Where a consumer tells what it listens to itself, the next tick goes on."""
Listening = list[tuple[consumers.Consumer, Listener]]


@dataclass(frozen=True)
class Fact:
    """What is told: `name` is past tense and dotted (`alert.opened`); `payload` holds ids and plain values, no secrets."""

    name: str
    subject: models.Model
    authority_id: int | None = None
    site_id: int | None = None
    actor_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)


def emit(fact: Fact) -> Event:
    """Write the fact in the caller's transaction; delivery starts when that commits."""
    return emit_all([fact])[0]


def emit_all(facts: Sequence[Fact]) -> list[Event]:
    """Several at once, in their order; delivery is called for once."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{facts[0].name} must be emitted inside the transaction in which it happened")
    events = Event.objects.bulk_create([_event(fact) for fact in facts])
    _call_for_delivery({fact.name for fact in facts})
    return events


def _event(fact: Fact) -> Event:
    return Event(
        name=fact.name,
        authority_id=fact.authority_id,
        site_id=fact.site_id,
        actor_id=fact.actor_id,
        subject_type=fact.subject._meta.label_lower,
        subject_id=fact.subject.pk,
        payload=fact.payload,
    )


class _Wake:
    """One call for delivery per transaction, which says what was told in it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def send(self) -> None:
        current_app.send_task("fleet.events.deliver", args=[sorted(self.names)], expires=WAKE_EXPIRES_S)


def _call_for_delivery(names: Collection[str]) -> None:
    wake = _called_for()
    if wake is None:
        wake = _Wake()
        transaction.on_commit(wake.send, robust=True)
    wake.names.update(names)


def _called_for() -> _Wake | None:
    """The call that this transaction has made already, whichever of its savepoints may still be taken back."""
    here = set(connection.savepoint_ids)
    made = (getattr(call[1], "__self__", None) for call in connection.run_on_commit if here.issuperset(call[0]))
    return next((one for one in made if isinstance(one, _Wake)), None)


def deliver(now: datetime | None = None, *, names: Collection[str] | None = None) -> int:
    """Hand every waiting event to its consumers, also those told meanwhile; returns how many were consumed.

    With `names` only who listens to one of these is looked at: whoever has just told something asks for no more, and beat
    asks for everything.

    Each consumer is served by one worker at a time, in the order of what happened. A storm of events therefore wakes many
    workers and keeps few of them busy; the others are free for what else there is to do.
    """
    if not _handing_over.acquire(blocking=False):
        _missed.update(names or ())
        return 0  # those that are at it look again, and so does beat
    try:
        consumed, ends_at = _deliver(now or timezone.now(), names), time.monotonic() + LEASE.total_seconds()
        while time.monotonic() < ends_at and (missed := _take_missed()):
            consumed += _deliver(timezone.now(), missed)
        return consumed
    finally:
        _handing_over.release()


def _take_missed() -> set[str]:
    found = _missed.copy()
    _missed.difference_update(found)
    return found


def _deliver(moment: datetime, names: Collection[str] | None) -> int:
    listening = _listening(moment)
    if names is not None:
        return _serve_those(listening, names, moment)
    consumed = 0
    for _round in range(MOST_ROUNDS):
        handed_over = _serve_those(listening, _told(listening), moment)
        consumed += handed_over
        if not handed_over:
            break
    for consumer, row in listening:
        _move_on(consumer, row, moment)
    return consumed


def _told(listening: Listening) -> set[str]:
    """Names of what anybody may not have heard yet: most of the time that is little, and concerns few."""
    first = min((row.after_id for _, row in listening), default=0)
    return set(Event.objects.filter(pk__gt=first).order_by().values_list("name", flat=True).distinct())


def _serve_those(listening: Listening, names: Collection[str], now: datetime) -> int:
    hear = ((one, row) for one, row in listening if one.events is None or one.events.intersection(names))
    return sum(_serve(one, row, now) for one, row in hear)


def _serve(consumer: consumers.Consumer, row: Listener, now: datetime) -> int:
    """Hands over a batch, unless nothing waits or another worker is at it; returns how many events were consumed."""
    if not _waiting(consumer, row, now).exists():
        return 0
    token, mine = uuid.uuid4(), Listener.objects.filter(pk=row.pk)
    free = Q(claim=None) | Q(claimed_until__lt=timezone.now())
    if not mine.filter(free).update(claim=token, claimed_until=timezone.now() + LEASE):
        return 0
    try:
        return _hand_over_some(consumer, list(_waiting(consumer, row, now)[:BATCH]))
    finally:
        mine.filter(claim=token).update(claim=None, claimed_until=None)


def _hand_over_some(consumer: consumers.Consumer, events: list[Event]) -> int:
    """No longer than half the lease, so that nobody takes over from a worker that lives."""
    refused = set(Refusal.objects.filter(consumer=consumer.name, event__in=events).values_list("event_id", flat=True))
    concerned = _concerned(consumer, events)
    consumed = _pass_over(consumer, [event for event in events if event.pk not in concerned | refused])
    ends_at = time.monotonic() + LEASE.total_seconds() / 2
    for event in events:
        if event.pk in concerned | refused:
            consumed += _hand_over(consumer, event, refused=event.pk in refused)
        if time.monotonic() > ends_at:
            break
    return consumed


def _concerned(consumer: consumers.Consumer, events: Sequence[Event]) -> set[int]:
    """What the consumer has something to do for; where that cannot be said, all of it, so that each has its own chance."""
    everything = {event.pk for event in events}
    if consumer.concerned is None:
        return everything
    try:
        return everything.intersection(consumer.concerned(events))
    except Exception:
        log.exception("not known what concerns whom", extra={"consumer": consumer.name})
        return everything


def _pass_over(consumer: consumers.Consumer, events: Sequence[Event]) -> int:
    had = [Consumption(consumer=consumer.name, event=event) for event in events]
    Consumption.objects.bulk_create(had, ignore_conflicts=True)
    return len(had)


def backlog() -> dict[str, int]:
    """How many events each consumer has not had yet."""
    heard = dict(Listener.objects.values_list("consumer", "after_id"))
    return {one.name: _unheard(one, heard.get(one.name, 0)).count() for one in consumers.registered()}


def _listening(now: datetime) -> Listening:
    known = {row.consumer: row for row in Listener.objects.all()}
    return [(one, known.get(one.name) or _new_listener(one, now)) for one in consumers.registered()]


def _new_listener(consumer: consumers.Consumer, now: datetime) -> Listener:
    start = {"after_id": _last_before(now - HORIZON), "moved_at": now}
    return Listener.objects.get_or_create(consumer=consumer.name, defaults=start)[0]


def _last_before(moment: datetime) -> int:
    return Event.objects.filter(occurred_at__lt=moment).order_by("-pk").values_list("pk", flat=True).first() or 0


def _waiting(consumer: consumers.Consumer, listener: Listener, now: datetime) -> models.QuerySet[Event]:
    resting = Refusal.objects.filter(consumer=consumer.name, event=OuterRef("pk"), next_try_at__gt=now)
    return _unheard(consumer, listener.after_id).filter(~Exists(resting)).order_by("id")


def _unheard(consumer: consumers.Consumer, after_id: int) -> models.QuerySet[Event]:
    had = Consumption.objects.filter(consumer=consumer.name, event=OuterRef("pk"))
    unheard = Event.objects.filter(~Exists(had), pk__gt=after_id)
    return unheard if consumer.events is None else unheard.filter(name__in=consumer.events)


def _move_on(consumer: consumers.Consumer, row: Listener, now: datetime) -> None:
    """What was had long ago is not looked at again; what waits, or was refused, is never passed over."""
    if row.moved_at > now - MOVE_EVERY:
        return
    first = _unheard(consumer, row.after_id).order_by("pk").values_list("pk", flat=True).first()
    settled = _last_before(now - SETTLED)
    row.after_id = max(row.after_id, min(settled, first - 1) if first else settled)
    row.moved_at = now
    row.save(update_fields=["after_id", "moved_at"])


def _hand_over(consumer: consumers.Consumer, event: Event, *, refused: bool) -> bool:
    try:
        with transaction.atomic():
            Consumption.objects.create(consumer=consumer.name, event=event)
            consumer.handle(event)
            if refused:
                Refusal.objects.filter(consumer=consumer.name, event=event).delete()
    except IntegrityError:
        if Consumption.objects.filter(consumer=consumer.name, event=event).exists():
            return False  # another worker was faster
        log.exception("event refused", extra={"consumer": consumer.name, "event_id": event.pk})
        _remember_refusal(consumer, event, "IntegrityError")
        return False
    except Exception as error:  # one poison event must not hold back the rest; the refusal row tells of it
        log.exception("event refused", extra={"consumer": consumer.name, "event_id": event.pk})
        _remember_refusal(consumer, event, f"{type(error).__name__}: {error}")
        return False
    return True


def _remember_refusal(consumer: consumers.Consumer, event: Event, error: str) -> None:
    with transaction.atomic():
        refusal, _ = Refusal.objects.get_or_create(
            consumer=consumer.name, event=event, defaults={"error": error, "next_try_at": timezone.now()}
        )
        refusal.attempts += 1
        refusal.error = error
        refusal.next_try_at = timezone.now() + timedelta(seconds=retry_delay_s(refusal.attempts))
        refusal.save()
