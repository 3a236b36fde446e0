"""Where a place has limits of its own."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device, DeviceType
from fleet.monitoring.models.alerts import Alert
from fleet.people.models import ScopedQuerySet, User
from fleet.sites.models import Authority, Site

ON = Q(off=False, open__isnull=False, clear__isnull=False, hold_s__isnull=False) & ~Q(severity="")
OFF = Q(off=True, open__isnull=True, clear__isnull=True, hold_s__isnull=True, severity="")


class ThresholdOverride(models.Model):
    """A metric's limit for one kind of device at an authority, for one site, or for one device.

    There is a row only where it says something else than what applies above it: device > site > kind > metrics.toml.
    """

    class Level(models.TextChoices):
        KIND = "kind", _("this kind of device")
        SITE = "site", _("this site")
        DEVICE = "device", _("this device")

    level = models.CharField(max_length=10, choices=Level.choices)
    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=30, blank=True, choices=DeviceType.Kind.choices)
    metric = models.CharField(max_length=60)
    off = models.BooleanField(default=False)
    """No alert here, whatever the value."""
    open = models.FloatField(null=True, blank=True)
    clear = models.FloatField(null=True, blank=True)
    hold_s = models.PositiveIntegerField(null=True, blank=True)
    severity = models.CharField(max_length=10, blank=True, choices=Alert.Severity.choices)
    changed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet["ThresholdOverride"].as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(level="kind", site__isnull=True, device__isnull=True) & ~Q(kind="")
                | Q(level="site", site__isnull=False, device__isnull=True, kind="")
                | Q(level="device", site__isnull=False, device__isnull=False, kind=""),
                name="override_has_one_place",
            ),
            models.CheckConstraint(condition=OFF | ON, name="override_is_off_or_whole"),
            models.CheckConstraint(condition=Q(off=True) | ~Q(open=F("clear")), name="override_open_is_not_clear"),
            models.UniqueConstraint(
                fields=["authority", "kind", "metric"], condition=Q(level="kind"), name="one_override_per_kind"
            ),
            models.UniqueConstraint(fields=["site", "metric"], condition=Q(level="site"), name="one_override_per_site"),
            models.UniqueConstraint(
                fields=["device", "metric"], condition=Q(level="device"), name="one_override_per_device"
            ),
        )

    def __str__(self) -> str:
        return f"{self.metric} {self.level} {self.device_id or self.site_id or self.kind}"
