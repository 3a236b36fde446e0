"""Configurations of devices as they were fetched: each text once, encrypted; which device had it from when to when."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.devices.models import Device
from fleet.people.models import ScopedQuerySet
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, SiteScoped


class Configuration(models.Model):
    """The text of a configuration, kept once within an authority however many devices or nights have it."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    """HMAC-SHA-256 over the normalised text: the address. Keyed, so that nobody can try texts against it."""
    platform = models.SlugField(max_length=40, blank=True)
    content = EncryptedJSONField()
    """{text}: as fetched."""
    size = models.PositiveIntegerField()
    """Bytes (UTF-8)."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["authority", "digest"], name="configuration_once"),)

    def __str__(self) -> str:
        return f"{self.platform} {self.digest[:12]}"


class Backup(SiteScoped):
    """A version: from `fetched_at` to `last_seen_at` every fetch found the same."""

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", _("At night")
        BEFORE = "before", _("Before a change")
        CHANGE = "change", _("After a change")
        ASKED = "asked", _("Asked for")

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="backups")
    configuration = models.ForeignKey(Configuration, on_delete=models.PROTECT, related_name="backups")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    change = models.ForeignKey(Change, null=True, on_delete=models.SET_NULL, related_name="backups")
    """The change that ended on the device just before, or was about to begin, where that is why it was fetched."""
    fetched_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet["Backup"].as_manager()

    class Meta:
        ordering = ("-fetched_at", "-pk")
        indexes = (models.Index(fields=["device", "-fetched_at"], name="backup_of_device"),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.fetched_at:%Y-%m-%d %H:%M}"


class BackupState(models.Model):
    """How it stands with fetching a device's configuration."""

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.CASCADE, related_name="backup_state")
    tried_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=40, blank=True)
    """Why it could not be fetched the last time, a key of `words.backup_error`."""
    error = models.CharField(max_length=300, blank=True)
    """What a program has said about it, as it said it."""
    wanted_since = models.DateTimeField(null=True)
    """Something has changed on the device, so it is fetched soon."""
    verdicts = models.JSONField(default=dict)
    """{rule of compliance.toml: verdict}, judged by the latest backup; a rule that is missing is not known."""
    compared = models.CharField(max_length=64, blank=True)
    """HMAC over the backup and what was wanted when they were compared last: while both stay, nothing is compared anew."""
    after_change = models.ForeignKey(Change, null=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.device_id} {self.succeeded_at}"
