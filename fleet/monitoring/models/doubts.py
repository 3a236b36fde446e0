"""Which sites are to be judged, and who does it."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from fleet.sites.models import Site


class DoubtQuerySet(models.QuerySet["Doubt"]):
    def due(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now)


class Doubt(models.Model):
    """A site whose picture has changed, or may have by then: it is to be judged at that instant.

    Rows are added and taken away, never changed: whoever stores what was measured waits for no judge, nor for another who
    stores something of the same site.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField(db_index=True)

    objects = DoubtQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.site_id} {self.due_at:%Y-%m-%d %H:%M:%S}"


class JudgeQuerySet(models.QuerySet["Judge"]):
    def free(self, now: datetime) -> Self:
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now))


class Judge(models.Model):
    """Who judges: one row, held by one worker at a time, however many are told that there is something to judge."""

    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)

    objects = JudgeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"judge {self.pk}"
