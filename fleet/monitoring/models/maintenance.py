"""When something is being worked on: what is silent then was meant to be."""

from dataclasses import replace
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.monitoring.models.planned import RepeatingTime
from fleet.monitoring.rules.maintenance import Plan
from fleet.sites.models import CalendarQuerySet


class MaintenanceQuerySet(CalendarQuerySet["MaintenanceWindow"]):
    def perhaps_active(self, at: datetime) -> Self:
        """All that hold at this instant, and repeating ones that may: their plan decides."""
        return self.filter(Q(over_at__isnull=True) | Q(over_at__gt=at), starts_at__lte=at)

    def to_come(self, at: datetime) -> Self:
        """Going on, or still to come."""
        return self.filter(Q(over_at__isnull=True) | Q(over_at__gt=at))

    def over(self, at: datetime) -> Self:
        return self.filter(over_at__lte=at)


class MaintenanceWindow(RepeatingTime):
    """Once or repeating, for some devices of a site, for all of it, or for a kind of device, there or everywhere.

    Devices that hang behind covered ones are covered too. Without a site it is for a kind of device of the whole authority.
    """

    class Covers(models.TextChoices):
        DEVICES = "devices", _("Single devices")
        SITE = "site", _("Everything at the site")
        KIND = "kind", _("One kind of device")

    covers = models.CharField(_("for"), max_length=10, choices=Covers.choices)
    devices = models.ManyToManyField(Device, related_name="maintenance_windows", blank=True)
    interrupted_at = models.DateTimeField(null=True, blank=True)
    over_at = models.DateTimeField(null=True, blank=True)
    """When the last occurrence ends, early or as planned; NULL: it repeats without end."""

    objects = MaintenanceQuerySet.as_manager()

    class Meta(RepeatingTime.Meta):
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="maintenance_ends_after_start"),
            models.CheckConstraint(
                condition=Q(covers="kind") & ~Q(kind="") | Q(covers__in=["devices", "site"], kind="", site__isnull=False),
                name="maintenance_says_for_what",
            ),
            models.CheckConstraint(
                condition=Q(repeats="never", over_at__isnull=False, repeats_until__isnull=True) | ~Q(repeats="never"),
                name="maintenance_once_is_over",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="maintenance_has_a_reason"),
        )
        indexes = (models.Index(fields=["over_at", "starts_at"], name="maintenance_active"),)

    @property
    def plan(self) -> Plan:
        return replace(super().plan, interrupted_at=self.interrupted_at)
