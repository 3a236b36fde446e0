"""Changes that are asked for again and again."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.people.models import ScopedQuerySet, User
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import SiteScoped


class Schedule(SiteScoped):
    """A standing order: at each of its instants a change is asked for by its owner, with the owner's rights of then."""

    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="schedules")
    playbook = models.SlugField(max_length=60)
    arguments = models.JSONField(default=dict)
    secret_arguments = EncryptedJSONField(null=True, blank=True)
    device_ids = models.JSONField(default=list)
    """Empty: those that `kind` names, as they are when it is time."""
    kind = models.CharField(max_length=30, blank=True)
    rule = models.CharField(max_length=300)
    """RRULE of RFC 5545 without the name: `FREQ=MONTHLY;BYMONTHDAY=1`."""
    starts_at = models.DateTimeField()
    """DTSTART: the clock time there is the clock time of every order."""
    zone = models.CharField(max_length=60, default="Europe/Berlin")
    lasts_s = models.PositiveIntegerField(null=True, blank=True)
    """After which each change is taken back; None: it stays."""
    enabled = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True)
    """None: never again."""
    last_at = models.DateTimeField(null=True)
    last_change = models.ForeignKey(Change, null=True, on_delete=models.SET_NULL, related_name="+")
    last_problem = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet["Schedule"].as_manager()

    class Meta:
        ordering = ("name", "pk")
        indexes = (models.Index(fields=["enabled", "next_at"], name="schedule_due"),)

    def __str__(self) -> str:
        return self.name
