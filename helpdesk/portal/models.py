"""What the portal keeps: which links on labels still open something, and reports that are not sent yet."""

from django.db import models
from django.utils import timezone

from fleet.devices.models import Device
from fleet.people.models import User
from fleet.sites.models import Site


class Label(models.Model):
    """How often a device's link was renewed; labels printed before open nothing any more. No row: never."""

    device = models.OneToOneField(Device, on_delete=models.CASCADE, related_name="label")
    version = models.PositiveIntegerField(default=1)
    renewed_at = models.DateTimeField(default=timezone.now)
    renewed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.device_id} v{self.version}"


class Draft(models.Model):
    """A report that somebody began and has not sent."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="report_drafts")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    token = models.CharField(max_length=64, blank=True, default="")
    """Of the form in which it is typed: what is sent or thrown away is this report and no other."""
    answers = models.JSONField(default=dict)
    """{question: what was chosen or typed}, unchecked."""
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "site", "token"], name="one_draft_per_report"),)

    def __str__(self) -> str:
        return f"{self.user_id}/{self.site_id}"
