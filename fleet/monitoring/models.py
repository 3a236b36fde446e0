"""What devices say about themselves: polls, samples, alerts, traps."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.people.models import ScopedQuerySet, User
from fleet.sites.models import SiteScoped


class HealthQuerySet(ScopedQuerySet["Health"]):
    def due(self, now: datetime) -> Self:
        """Devices whose next poll is due and that no worker holds."""
        return self.free(now).filter(next_poll_at__lte=now)

    def free(self, now: datetime) -> Self:
        """Those that no worker holds; the claim of a worker that died runs out."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now))

    def polled(self) -> Self:
        """Those whose device can be asked at all."""
        return self.filter(device__in=Device.objects.polled())

    def silent(self) -> Self:
        """Those whose last poll failed, confirmed or not."""
        return self.filter(failures__gt=0)


class Health(SiteScoped):
    """How a device is now: one row per polled device, the latest reading apart from the history."""

    class Status(models.TextChoices):
        UP = "up", _("Running")
        DOWN = "down", _("Not answering")
        UNKNOWN = "unknown", _("Not known yet")

    class Reason(models.TextChoices):
        """Why a device could not be asked, as far as that shows from here."""

        TIMEOUT = "timeout", _("does not answer")
        AUTH = "auth", _("refuses our credential")
        UNREACHABLE = "unreachable", _("cannot be reached from our network")
        PROTOCOL = "protocol", _("answers, but not in usable SNMP")
        BUSY = "busy", _("is being asked by somebody else")
        CREDENTIAL = "credential", _("has no usable credential with us")

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.CASCADE, related_name="health")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UNKNOWN)
    status_since = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    """The first unanswered poll in a row; empty while it answers."""
    polled_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    reading = models.JSONField(default=dict)
    """The latest answered poll in the shape of `manage.py probe --json`."""
    beyond = models.JSONField(default=dict)
    """{metric name: ISO instant}: since when which metric is beyond its limit."""
    next_poll_at = models.DateTimeField(default=timezone.now)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True)

    objects = HealthQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "health"
        indexes = (models.Index(fields=["next_poll_at"], name="health_due"),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.status}"


class Sample(models.Model):
    """One answered poll: all metrics of a device at one instant, packed in one row."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="samples")
    polled_at = models.DateTimeField()
    values = models.JSONField()
    """{metric name: number}, names and units as in metrics.toml."""

    class Meta:
        indexes = (models.Index(fields=["device", "-polled_at"], name="sample_history"),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.polled_at:%Y-%m-%d %H:%M:%S}"


class AlertQuerySet(ScopedQuerySet["Alert"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def root_causes(self) -> Self:
        return self.filter(suppressed_by__isnull=True)


class Alert(SiteScoped):
    """Something is wrong with a device, confirmed. A suppressed alert has its cause in another one and disturbs nobody."""

    class Severity(models.TextChoices):
        WARNING = "warning", _("Warning")
        CRITICAL = "critical", _("Critical")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=60)
    """`unreachable`, or the metric of metrics.toml whose threshold was crossed."""
    severity = models.CharField(max_length=10, choices=Severity.choices)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    evidence_opened = models.JSONField(default=dict)
    """{measured_at, reason, last_answered_at, last_values: {metric: number}, behind: [device names]}"""
    evidence_closed = models.JSONField(default=dict)
    """{measured_at, values: {metric: number}, uptime_s}"""
    suppressed_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="suppresses")
    acknowledged_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["device", "kind"], condition=Q(closed_at__isnull=True), name="one_open_alert_per_fault"
            ),
        )
        indexes = (models.Index(fields=["site", "closed_at"], name="alert_site_open"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.device_id}"


class Trap(models.Model):
    """A notification that a device sent. It is not believed: it makes us ask earlier."""

    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE, related_name="traps")
    source_address = models.GenericIPAddressField()
    oid = models.CharField(max_length=200)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (models.Index(fields=["device", "-received_at"], name="trap_history"),)

    def __str__(self) -> str:
        return f"{self.source_address} {self.oid}"
