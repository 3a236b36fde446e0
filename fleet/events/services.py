"""Emitting facts and handing each to every consumer exactly once."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from fleet.events import consumers
from fleet.events.models import Consumption, Event, Listener, Refusal
from fleet.events.rules import retry_delay_s

log = logging.getLogger(__name__)
HORIZON = timedelta(days=7)
"""How far back a consumer hears that has never listened before."""
SETTLED = timedelta(days=1)
"""After that no transaction is still open whose event might come in with a lower number than those already seen."""
MOVE_EVERY = timedelta(hours=1)
BATCH = 200
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
    if not connection.in_atomic_block:
        raise RuntimeError(f"{fact.name} must be emitted inside the transaction in which it happened")
    event = Event.objects.create(
        name=fact.name,
        authority_id=fact.authority_id,
        site_id=fact.site_id,
        actor_id=fact.actor_id,
        subject_type=fact.subject._meta.label_lower,
        subject_id=fact.subject.pk,
        payload=fact.payload,
    )
    transaction.on_commit(_deliver_soon, robust=True)
    return event


def _deliver_soon() -> None:
    current_app.send_task("fleet.events.deliver")


def deliver(now: datetime | None = None) -> int:
    """Hand every waiting event to its consumers, also those told meanwhile; returns how many were consumed."""
    moment = now or timezone.now()
    listening = _listening(moment)
    consumed = 0
    for _round in range(MOST_ROUNDS):
        handed_over = _deliver_batch(listening, moment)
        consumed += handed_over
        if not handed_over:
            break
    for consumer, row in listening:
        _move_on(consumer, row, moment)
    return consumed


def _listening(now: datetime) -> Listening:
    known = {row.consumer: row for row in Listener.objects.all()}
    return [(one, known.get(one.name) or _new_listener(one, now)) for one in consumers.registered()]


def _new_listener(consumer: consumers.Consumer, now: datetime) -> Listener:
    start = {"after_id": _last_before(now - HORIZON), "moved_at": now}
    return Listener.objects.get_or_create(consumer=consumer.name, defaults=start)[0]


def _last_before(moment: datetime) -> int:
    return Event.objects.filter(occurred_at__lt=moment).order_by("-pk").values_list("pk", flat=True).first() or 0


def _deliver_batch(listening: Listening, now: datetime) -> int:
    return sum(_hand_over(consumer, event) for consumer, row in listening for event in _waiting(consumer, row, now))


def _waiting(consumer: consumers.Consumer, listener: Listener, now: datetime) -> list[Event]:
    resting = Refusal.objects.filter(consumer=consumer.name, event=OuterRef("pk"), next_try_at__gt=now)
    return list(_unheard(consumer, listener.after_id).filter(~Exists(resting)).order_by("id")[:BATCH])


def _unheard(consumer: consumers.Consumer, after_id: int) -> models.QuerySet[Event]:
    had = Consumption.objects.filter(consumer=consumer.name, event=OuterRef("pk"))
    return Event.objects.filter(~Exists(had), name__in=consumer.events, pk__gt=after_id)


def _move_on(consumer: consumers.Consumer, row: Listener, now: datetime) -> None:
    """What was had long ago is not looked at again; what waits, or was refused, is never passed over."""
    if row.moved_at > now - MOVE_EVERY:
        return
    first = _unheard(consumer, row.after_id).order_by("pk").values_list("pk", flat=True).first()
    settled = _last_before(now - SETTLED)
    row.after_id = max(row.after_id, min(settled, first - 1) if first else settled)
    row.moved_at = now
    row.save(update_fields=["after_id", "moved_at"])


def _hand_over(consumer: consumers.Consumer, event: Event) -> bool:
    try:
        with transaction.atomic():
            Consumption.objects.create(consumer=consumer.name, event=event)
            consumer.handle(event)
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
