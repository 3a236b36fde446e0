"""When a device did not answer."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.monitoring.models.alerts import Alert
from fleet.monitoring.models.health import Health
from fleet.people.models import ScopedQuerySet
from fleet.sites.models import SiteScoped


class OutageQuerySet(ScopedQuerySet["Outage"]):
    def open(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def touching(self, begin: datetime, end: datetime) -> Self:
        return self.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=begin), started_at__lte=end)


class Outage(SiteScoped):
    """A confirmed silence, from the first unanswered poll to the first answer."""

    class Cause(models.TextChoices):
        UNCLEAR = "unclear", _("not judged yet")
        OWN = "own", _("the device itself")
        SUPPRESSED = "suppressed", _("what it hangs on")
        POWER = "power", _("switched off, it seems")
        MAINTENANCE = "maintenance", _("maintenance")

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="outages")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=20, choices=Cause.choices, default=Cause.UNCLEAR)
    reason = models.CharField(max_length=20, choices=Health.Reason.choices, blank=True)
    """How the silence showed: timeout, auth, unreachable, protocol."""
    alert = models.ForeignKey(Alert, null=True, blank=True, on_delete=models.SET_NULL, related_name="outages")
    """The root cause's."""

    objects = OutageQuerySet.as_manager()

    class Meta:
        ordering = ("-started_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["device"], condition=Q(ended_at__isnull=True), name="one_open_outage_per_device"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="outage_ends_after_its_start"
            ),
        )
        indexes = (
            models.Index(fields=["device", "-started_at"], name="outage_history"),
            models.Index(fields=["site", "-started_at"], name="outage_site"),
        )

    def __str__(self) -> str:
        return f"{self.device_id} {self.started_at:%Y-%m-%d %H:%M:%S}"


class Suspicion(models.Model):
    """Something that counts only once it has lasted, and of which no poll keeps the beginning."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60)
    since = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["device", "kind"], name="one_suspicion_per_fault"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.device_id}"
