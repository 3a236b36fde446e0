"""What devices should be: values at levels, where a device is found to differ from them, and the nightly look at it."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fleet.automation.models.changes import Change
from fleet.devices.models import Device
from fleet.people.models import ScopedQuerySet, User
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, Site, SiteScoped


class Zone(models.Model):
    """Part of the network that is one thing at every school (education, administration, management): by its addresses."""

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="zones")
    name = models.CharField(_("name"), max_length=60)
    networks = models.JSONField(_("networks"))
    """CIDR texts. A device belongs to the zone in whose narrowest network its address lies."""

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["authority", "name"], name="zone_name_unique"),)

    def __str__(self) -> str:
        return self.name


class Baseline(models.Model):
    """One value at one level. The narrower level wins: authority < platform < zone < site < device."""

    class Level(models.TextChoices):
        AUTHORITY = "authority", _("Whole authority")
        PLATFORM = "platform", _("Platform")
        ZONE = "zone", pgettext_lazy("part of the network", "Zone")
        SITE = "site", _("School")
        DEVICE = "device", _("This device")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=10, choices=Level.choices)
    platform = models.SlugField(max_length=40, blank=True)
    zone = models.ForeignKey(Zone, null=True, blank=True, on_delete=models.CASCADE, related_name="baselines")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.CASCADE, related_name="baselines")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="baselines")
    place = models.CharField(max_length=80)
    """Level and whose it is in one word (`site:7`), so that a value can stand there once only."""
    key = models.CharField(max_length=40)
    value = models.JSONField(null=True)
    secret_value = EncryptedJSONField(null=True, blank=True)
    """{value}, for keys that hold secrets."""
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ScopedQuerySet["Baseline"].as_manager()

    class Meta:
        ordering = ("key", "level", "pk")
        constraints = (
            models.UniqueConstraint(fields=["authority", "place", "key"], name="baseline_once"),
            models.CheckConstraint(
                condition=Q(level="authority", platform="", zone=None, site=None, device=None)
                | Q(level="platform", zone=None, site=None, device=None) & ~Q(platform="")
                | Q(level="zone", platform="", zone__isnull=False, site=None, device=None)
                | Q(level="site", platform="", zone=None, site__isnull=False, device=None)
                | Q(level="device", platform="", zone=None, site__isnull=False, device__isnull=False),
                name="baseline_has_its_level",
            ),
        )

    def __str__(self) -> str:
        return f"{self.level} {self.key}"


class Drift(SiteScoped):
    """A device that differs from what it should be, in one key, since when, and what was decided about it."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("of a difference", "Open")
        IGNORED = "ignored", _("Ignored for now")
        ADOPTED = "adopted", _("Adopted")
        RESTORED = "restored", _("Being restored")
        GONE = "gone", _("Gone")

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="drifts")
    key = models.CharField(max_length=120)
    """As `rules.drifts.Subject` writes it."""
    diff = models.TextField()
    """Unified, secrets masked."""
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    ignored_until = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    change = models.ForeignKey(Change, null=True, on_delete=models.SET_NULL, related_name="drifts")
    """The change that restores it."""

    objects = ScopedQuerySet["Drift"].as_manager()

    class Meta:
        ordering = ("-first_seen_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["device", "key"], condition=Q(state__in=["open", "ignored", "restored"]), name="drift_open_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="ignored") | Q(ignored_until__isnull=False) & ~Q(reason=""),
                name="ignored_has_end_and_reason",
            ),
        )
        indexes = (models.Index(fields=["state", "-first_seen_at"], name="drift_by_state"),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.key} {self.state}"


class SiteCheck(SiteScoped):
    """One site's devices played in check mode with what is wanted, in one night."""

    night = models.DateField()
    """The day on which the night began."""
    begun_at = models.DateTimeField(default=timezone.now)
    token = models.UUIDField(default=uuid.uuid4)
    """Of the worker that has it: who takes it over makes a new one, and the old one's word counts no more."""
    lease_until = models.DateTimeField(null=True)
    """Prolonged while its worker lives; after that another one takes it over."""
    finished_at = models.DateTimeField(null=True)
    """None: under way, or its worker is gone."""
    devices = models.PositiveIntegerField(default=0)
    """So many were asked."""
    differing = models.PositiveIntegerField(default=0)
    unanswered = models.JSONField(default=dict)
    """{device id: what Ansible said}: how these stand is not known."""
    failed = models.BooleanField(default=False)
    """It could not be checked at all."""

    objects = ScopedQuerySet["SiteCheck"].as_manager()

    class Meta:
        ordering = ("-night", "site")
        constraints = (models.UniqueConstraint(fields=["site", "night"], name="site_checked_once_a_night"),)

    def __str__(self) -> str:
        return f"{self.site_id} {self.night}"
