"""What is wrong, when it was, and what people said about it."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.people.models import ScopedQuerySet, User
from fleet.sites.models import Building, SiteScoped


class AlertQuerySet(ScopedQuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def root_causes(self) -> Self:
        return self.filter(suppressed_by__isnull=True)

    def awake(self, now: datetime) -> Self:
        """Without those that somebody has put off until later."""
        return self.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))


class Alert(SiteScoped):
    """Something is wrong with a device, confirmed. A suppressed alert has its cause in another one and disturbs nobody.

    A fault that comes back soon opens the same row again; each earlier time is an `Episode`.
    """

    class Severity(models.TextChoices):
        INFO = "info", _("Notice")
        WARNING = "warning", _("Warning")
        CRITICAL = "critical", _("Critical")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="alerts")
    """Of an alert that speaks of a building or a site: the device there on which most hangs."""
    building = models.ForeignKey(Building, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    """Of `power-off`: the building that went silent; empty if it is the whole site."""
    kind = models.CharField(max_length=60)
    """A value of rules.kinds.Kind, or the metric of metrics.toml whose threshold was crossed."""
    severity = models.CharField(max_length=10, choices=Severity.choices)
    base_severity = models.CharField(max_length=10, choices=Severity.choices, blank=True)
    """Before the school calendar has raised or lowered it."""
    opened_at = models.DateTimeField()
    """Of the present episode."""
    closed_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    """Of `power-off`: when a lesson began and it was still dark."""
    evidence_opened = models.JSONField(default=dict)
    """{measured_at, reason, last_answered_at, last_values: {metric: number}, behind: [device names]}"""
    evidence_closed = models.JSONField(default=dict)
    """{measured_at, values: {metric: number}, uptime_s}"""
    suppressed_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="suppresses")
    acknowledged_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    changes = models.JSONField(default=list, editable=False)
    """The latest instants at which the fault came or went, oldest first: from them one sees whether it flaps."""
    flapping = models.BooleanField(default=False)
    """It comes and goes: the alert stays open meanwhile and disturbs once."""
    quiet_since = models.DateTimeField(null=True, blank=True, editable=False)
    """Since when nothing is wrong, of an alert that is open only because it flaps."""
    lessons_hit = models.PositiveIntegerField(default=0)
    """Lessons in the affected rooms, from now to the end of the school day."""
    rank = models.PositiveBigIntegerField(default=0)
    """The greater, the further up in the list (rules.ranking)."""

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["device", "kind"], condition=Q(closed_at__isnull=True), name="one_open_alert_per_fault"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(quiet_since__isnull=True), name="closed_alert_is_not_held"
            ),
        )
        indexes = (
            models.Index(fields=["site", "closed_at"], name="alert_site_open"),
            models.Index(fields=["-rank", "id"], condition=Q(closed_at__isnull=True), name="alert_worst_first"),
            models.Index(fields=["device", "kind", "-closed_at"], name="alert_of_fault"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.device_id}"


class Episode(models.Model):
    """An earlier time at which the alert was open."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="episodes")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField()
    evidence_opened = models.JSONField(default=dict)
    evidence_closed = models.JSONField(default=dict)

    class Meta:
        ordering = ("-opened_at",)
        constraints = (models.UniqueConstraint(fields=["alert", "opened_at"], name="episode_once"),)

    def __str__(self) -> str:
        return f"{self.alert_id} {self.opened_at:%Y-%m-%d %H:%M:%S}"


class AlertNote(models.Model):
    """What somebody did with an alert, or said about it."""

    class Act(models.TextChoices):
        COMMENT = "comment", _("Comment")
        ACKNOWLEDGED = "acknowledged", _("Looks after it")
        SNOOZED = "snoozed", _("Put off")
        WOKEN = "woken", _("Back in the list")

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    """Empty: Fleetdesk itself."""
    act = models.CharField(max_length=20, choices=Act.choices, default=Act.COMMENT)
    body = models.TextField(blank=True)
    until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.alert_id} {self.act}"
