"""What devices are logged in to with besides what a device or a site says itself, and how credentials are renewed."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.devices.models import Credential, Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, Site


class CredentialUseQuerySet(models.QuerySet["CredentialUse"]):
    """Credentials are for whoever manages an authority, and for nobody else."""

    def managed_by(self, user: User) -> Self:
        return self.filter(authority__in=user.access.scopes(Action.MANAGE))


class RotationQuerySet(models.QuerySet["Rotation"]):
    def managed_by(self, user: User) -> Self:
        return self.filter(credential__authority__in=user.access.scopes(Action.MANAGE))


class CredentialUse(models.Model):
    """A credential for certain devices. The narrower one counts (`fleet.automation.rules.credentials`)."""

    class Use(models.TextChoices):
        SSH = "ssh", "SSH"
        ENABLE = "enable", _("Enable secret")
        VAULT = "vault", _("Vault password")
        CA = "ca", _("SSH certificate authority")

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="+")
    use = models.CharField(max_length=6, choices=Use.choices)
    platform = models.SlugField(max_length=40, blank=True)
    """Empty: all platforms."""
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="uses")

    objects = CredentialUseQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "authority", "use", "platform", Coalesce("site", 0), Coalesce("device", 0), name="credential_use_once"
            ),
            models.CheckConstraint(
                condition=Q(device__isnull=True) | Q(site__isnull=True, platform=""),
                name="a_device_needs_no_site_or_platform",
            ),
        )

    def __str__(self) -> str:
        return f"{self.use} {self.credential_id}"


class Rotation(models.Model):
    """A new secret on its way to devices. The credential holds the old one until every device was reached with the new."""

    class State(models.TextChoices):
        RUNNING = "running", _("Being renewed")
        DONE = "done", _("Renewed")
        FAILED = "failed", _("Not on every device; the old one stays")

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="rotations")
    new_secret = EncryptedJSONField(null=True)
    """Gone once the credential holds it."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects = RotationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["credential"], condition=Q(state="running"), name="one_rotation_at_a_time"),
        )

    def __str__(self) -> str:
        return f"{self.credential_id} {self.state}"


class RotationStep(models.Model):
    """One device of a rotation."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        VERIFIED = "verified", _("Answers to the new one")
        FAILED = "failed", _("Does not answer to the new one")

    rotation = models.ForeignKey(Rotation, on_delete=models.CASCADE, related_name="steps")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="rotation_steps")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["rotation", "device"], name="rotation_step_once"),)

    def __str__(self) -> str:
        return f"{self.rotation_id} {self.device_id} {self.state}"
