"""The outbox: what happened, told once, inside the transaction in which it happened."""

import uuid

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """One fact. Scope and subject are plain numbers: a fact outlives the rows that it speaks of."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    occurred_at = models.DateTimeField(default=timezone.now)
    authority_id = models.BigIntegerField(null=True)
    site_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    subject_type = models.CharField(max_length=80)
    subject_id = models.BigIntegerField()
    payload = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=["name", "id"], name="event_name"),
            models.Index(fields=["subject_type", "subject_id", "id"], name="event_subject"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.subject_type}:{self.subject_id}"


class Consumption(models.Model):
    """`consumer` has had `event`: written in the same transaction as the effect, so each effect happens once."""

    consumer = models.CharField(max_length=80)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="consumptions")
    consumed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["consumer", "event"], name="consumed_once"),)

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id}"


class Listener(models.Model):
    """From which event on a consumer still has something to hear: up to `after_id` it has had everything."""

    consumer = models.CharField(max_length=80, unique=True)
    after_id = models.BigIntegerField()
    moved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.consumer} > {self.after_id}"


class Refusal(models.Model):
    """`consumer` failed on `event`: tried again later, never in the way of the events behind it."""

    consumer = models.CharField(max_length=80)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="refusals")
    attempts = models.PositiveIntegerField(default=0)
    error = models.TextField()
    next_try_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["consumer", "event"], name="refused_row_once"),)

    def __str__(self) -> str:
        return f"{self.consumer} {self.event_id} x{self.attempts}"
