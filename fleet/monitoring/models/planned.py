"""Times that people plan for an authority or one of its sites: once, or repeating."""

from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import DeviceType
from fleet.monitoring.rules.maintenance import Plan, Repeats
from fleet.people.models import User
from fleet.sites.models import CalendarScoped


class PlannedTime(CalendarScoped):
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    """Of the first time, where it repeats."""
    reason = models.CharField(_("reason"), max_length=200)
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)
    """Ended by a person before its time."""

    class Meta:
        abstract = True
        ordering = ("starts_at", "pk")

    def __str__(self) -> str:
        return self.reason


class RepeatingTime(PlannedTime):
    class Repeating(models.TextChoices):
        NEVER = Repeats.NEVER.value, _("Once")
        DAILY = Repeats.DAILY.value, _("Every day")
        WEEKLY = Repeats.WEEKLY.value, _("Every week")
        MONTHLY = Repeats.MONTHLY.value, _("Every month")

    kind = models.CharField(_("kind"), max_length=30, choices=DeviceType.Kind.choices, blank=True)
    """Empty: every kind of device."""
    timezone = models.CharField(max_length=60, default="Europe/Berlin")
    repeats = models.CharField(_("repeats"), max_length=10, choices=Repeating.choices, default=Repeating.NEVER)
    repeats_until = models.DateField(_("last day"), null=True, blank=True)

    class Meta(PlannedTime.Meta):
        abstract = True

    @property
    def plan(self) -> Plan:
        return Plan(
            begins_at=self.starts_at,
            ends_at=self.ends_at,
            timezone=self.timezone,
            repeats=Repeats(self.repeats),
            repeats_until=self.repeats_until,
            ended_at=self.ended_at,
        )
