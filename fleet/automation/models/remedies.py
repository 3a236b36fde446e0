"""Which remedies run by themselves where, and what each has done."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people.models import ScopedQuerySet, User
from fleet.sites.models import CalendarQuerySet, CalendarScoped, SiteScoped


class RemedyPolicy(CalendarScoped):
    """A remedy (`remedies/<slug>.toml`) switched on or off for a site or, without one, for the whole authority.

    Without any row it is off; a site's own row wins over the authority's.
    """

    remedy = models.SlugField(max_length=60)
    enabled = models.BooleanField(default=False)
    most_a_day = models.PositiveSmallIntegerField(null=True, blank=True)
    """So often in 24 hours within this place, on all devices together; beyond that a person is needed. None: no limit."""
    set_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    set_at = models.DateTimeField(default=timezone.now)

    objects = CalendarQuerySet["RemedyPolicy"].as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["site", "remedy"], condition=Q(site__isnull=False), name="remedy_of_site_once"),
            models.UniqueConstraint(
                fields=["authority", "remedy"], condition=Q(site__isnull=True), name="remedy_of_authority_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.remedy} {self.authority_id}/{self.site_id}: {self.enabled}"


class RemedySignature(models.Model):
    """Somebody who approves changes lets a remedy above low risk run by itself, exactly as it was when they looked at it."""

    policy = models.ForeignKey(RemedyPolicy, on_delete=models.CASCADE, related_name="signatures")
    signer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    """Over playbook, arguments and limits (`services.binding.digest_of`); void when that has changed."""
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("signed_at", "pk")
        constraints = (models.UniqueConstraint(fields=["policy", "signer", "digest"], name="remedy_signed_once"),)

    def __str__(self) -> str:
        return f"{self.policy_id} by {self.signer_id}"


class RemedyAct(SiteScoped):
    """One alert that a remedy was called for, and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for its hours")
        ORDERED = "ordered", _("At work")
        HELPED = "helped", _("Helped")
        NOT_HELPED = "not-helped", _("Did not help, a person is needed")
        LIMITED = "limited", _("Tried too recently, a person is needed")
        UNFIT = "unfit", _("Not possible here, a person is needed")
        OVER = "over", _("Over by itself")

    LIVE: ClassVar[tuple[str, ...]] = ("waiting", "ordered")

    remedy = models.SlugField(max_length=60)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="remedies")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="remedies")
    change = models.OneToOneField(Change, null=True, on_delete=models.SET_NULL, related_name="remedy")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True)
    """Why nothing was done: a key of `rules.remedies`, or what the order was refused with."""
    called_at = models.DateTimeField(default=timezone.now)
    ordered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet["RemedyAct"].as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=["alert", "remedy"], condition=Q(state__in=["waiting", "ordered"]), name="one_live_remedy_per_alert"
            ),
        )
        indexes = (models.Index(fields=["remedy", "device", "-ordered_at"], name="remedy_limit"),)

    def __str__(self) -> str:
        return f"{self.remedy} for {self.alert_id}: {self.state}"
