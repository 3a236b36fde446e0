"""Emitting facts and handing each to every consumer exactly once."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from fleet.events import consumers
from fleet.events.models import Consumption, Event, Refusal
from fleet.events.rules import retry_delay_s

log = logging.getLogger(__name__)
HORIZON = timedelta(days=7)
BATCH = 200
MOST_ROUNDS = 50
"""Where a consumer tells what it listens to itself, the next tick goes on."""


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
    consumed = 0
    for _round in range(MOST_ROUNDS):
        handed_over = _deliver_batch(moment)
        consumed += handed_over
        if not handed_over:
            break
    return consumed


def _deliver_batch(now: datetime) -> int:
    return sum(_hand_over(consumer, event) for consumer in consumers.registered() for event in _waiting(consumer, now))


def _waiting(consumer: consumers.Consumer, now: datetime) -> Iterator[Event]:
    had = Consumption.objects.filter(consumer=consumer.name, event=OuterRef("pk"))
    resting = Refusal.objects.filter(consumer=consumer.name, event=OuterRef("pk"), next_try_at__gt=now)
    waiting = Event.objects.filter(name__in=consumer.events, occurred_at__gt=now - HORIZON)
    yield from list(waiting.filter(~Exists(had), ~Exists(resting)).order_by("id")[:BATCH])


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
