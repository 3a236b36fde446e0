"""How each device is now."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device, listed, polled
from fleet.monitoring.models.shards import GroupedSite
from fleet.people.models import ScopedQuerySet
from fleet.sites.models import SiteScoped


class HealthQuerySet(ScopedQuerySet["Health"]):
    def due(self, now: datetime) -> Self:
        """Devices whose next poll is due and that no worker holds."""
        return self.free(now).filter(next_poll_at__lte=now)

    def free(self, now: datetime) -> Self:
        """Those that no worker holds; the claim of a worker that died runs out."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now))

    def polled(self) -> Self:
        """Those whose device can be asked at all."""
        return self.filter(polled("device__"))

    def judged(self) -> Self:
        """Those whose device can be asked, or is told of by its controller."""
        return self.filter(polled("device__") | listed("device__"))

    def silent(self) -> Self:
        """Those whose last poll failed, confirmed or not."""
        return self.filter(failures__gt=0)

    def answering(self) -> Self:
        """Those whose last poll was answered, and those never asked."""
        return self.filter(failures=0)

    def in_order(self, *, skip_locked: bool = False) -> Self:
        """These, for an update of many in the caller's transaction: locked by rising key, as everybody locks them, so that
        no two wait for each other. `skip_locked`: without those that another transaction is at."""
        locked = self.order_by("pk").select_for_update(skip_locked=skip_locked, of=("self",), no_key=True)
        return self.__class__(self.model, using=self.db).filter(pk__in=locked.values("pk"))

    def in_part(self, queue: str, number: int, shards: int) -> Self:
        """Those of one shard."""
        grouped = GroupedSite.objects.filter(group__queue=queue) if queue else GroupedSite.objects.all()
        here = Q(site__in=grouped.values("site"))
        return self.annotate(number=F("device_id") % Value(shards)).filter(here if queue else ~here, number=number)


class Health(SiteScoped):
    """How a device is now: one row per polled device, the latest reading apart from the history."""

    class Status(models.TextChoices):
        UP = "up", _("Running")
        DOWN = "down", _("Not answering")
        UNKNOWN = "unknown", _("Not known yet")

    class Reason(models.TextChoices):
        """Why a device could not be asked, as far as that shows from here."""

        TIMEOUT = "timeout", _("does not answer")
        TOO_SLOW = "too-slow", _("answers, but too slowly")
        AUTH = "auth", _("refuses our credential")
        UNREACHABLE = "unreachable", _("cannot be reached from our network")
        PROTOCOL = "protocol", _("answers, but not in usable SNMP")
        BUSY = "busy", _("is being asked by somebody else")
        CREDENTIAL = "credential", _("has no usable credential with us")
        CONTROLLER = "controller", _("is not connected to its controller")
        CLEAR_TEXT = "clear-text", _("may no longer be asked in clear text")

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.CASCADE, related_name="health")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UNKNOWN)
    status_since = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    """The first unanswered poll in a row; empty while it answers."""
    polled_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    reading = models.JSONField(default=dict)
    """The latest answered poll in the shape of `manage.py probe --json`."""
    beyond = models.JSONField(default=dict)
    """{metric name: ISO instant}: since when which metric is beyond its limit; "" while only its alert is held open."""
    next_poll_at = models.DateTimeField(default=timezone.now, null=True)
    """Empty while it cannot be asked at all."""
    walk_due_at = models.DateTimeField(default=timezone.now)
    """When it is to be read as a whole again; always past for what no plan says enough of."""
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True)

    objects = HealthQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "health"
        indexes = (  # one for each way of looking for work, so that none reads past what another is waiting for
            models.Index(fields=["next_poll_at"], condition=Q(failures=0), name="health_due"),
            models.Index(fields=["next_poll_at"], condition=Q(failures__gt=0), name="health_due_silent"),
            models.Index(fields=["walk_due_at"], condition=Q(failures=0), name="health_walk_due"),
        )

    def __str__(self) -> str:
        return f"{self.device_id} {self.status}"
