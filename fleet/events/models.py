"""The outbox: what happened, told once, inside the transaction in which it happened."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.secrets.fields import EncryptedJSONField


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
    claim = models.UUIDField(null=True, editable=False)
    """Who hands events to it at the moment; a second worker leaves it to that one."""
    claimed_until = models.DateTimeField(null=True, editable=False)

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


class Webhook(models.Model):
    """An address that is told of events of one authority, or of one site of it. Scope is plain numbers here, too."""

    name = models.CharField(max_length=100)
    url = models.URLField(max_length=500)
    authority_id = models.BigIntegerField()
    site_id = models.BigIntegerField(null=True)
    events = models.JSONField(default=list)
    """Names, or beginnings that end in a star: `["alert.opened", "change.*"]`."""
    secret = EncryptedJSONField()
    """{key}: what deliveries are signed with."""
    enabled = models.BooleanField(default=True)
    made_by_id = models.BigIntegerField(null=True)
    """Its owner: what a person must not see, their webhook is not told either."""
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    busy_until = models.DateTimeField(null=True)
    """While a worker sends to it: until when no other one does, so that a peer that hangs holds one of them at most."""
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One event on its way to one webhook. The row is the queue and the log."""

    class State(models.TextChoices):
        PENDING = "pending", _("On its way")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Given up")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    """While it is being sent: until when nobody else sends it."""
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=["webhook", "event"], name="delivered_once"),)
        indexes = (models.Index(fields=["state", "next_try_at"], name="delivery_due"),)

    def __str__(self) -> str:
        return f"{self.event_id} to {self.webhook_id}: {self.state}"
