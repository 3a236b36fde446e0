"""Looking through an address range for devices that nobody has told us of."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Credential, Device, DeviceType, Prefix
from fleet.people.models import ScopedQuerySet, User
from fleet.sites.models import SiteScoped


class SearchQuerySet(ScopedQuerySet["Search"]):
    def unfinished(self) -> Self:
        return self.filter(state=Search.State.RUNNING)

    def free(self, now: datetime) -> Self:
        """Those that no worker holds; the claim of a worker that died runs out."""
        return self.unfinished().filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now))


class Search(SiteScoped):
    """One look through a range. `asked` of its `total` addresses have been asked, in ascending order."""

    class State(models.TextChoices):
        RUNNING = "running", _("Searching")
        DONE = "done", _("Searched")
        STOPPED = "stopped", _("Stopped")

    prefix = models.ForeignKey(Prefix, on_delete=models.CASCADE, related_name="searches")
    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="+")
    snmp_port = models.PositiveIntegerField(default=161)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    total = models.PositiveIntegerField()
    asked = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True)

    objects = SearchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "searches"
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["prefix"], condition=Q(state="running"), name="one_search_at_a_time"),
            models.CheckConstraint(condition=Q(asked__lte=F("total")), name="search_asked_at_most_all"),
        )

    def __str__(self) -> str:
        return f"{self.prefix_id} {self.state}"


class Found(models.Model):
    """What answered at an address. `device` is who it is with us: known by its serial number or MAC, or added from here."""

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="found")
    address = models.GenericIPAddressField()
    name = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=30, choices=DeviceType.Kind.choices, default=DeviceType.Kind.OTHER)
    vendor = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
    serial = models.CharField(max_length=100, blank=True)
    mac = models.CharField(max_length=17, blank=True)
    description = models.CharField(max_length=255, blank=True)
    """sysDescr."""
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name_plural = "found"
        constraints = (models.UniqueConstraint(fields=["search", "address"], name="found_once"),)

    def __str__(self) -> str:
        return self.address
