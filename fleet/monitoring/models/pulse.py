"""How workers do."""

from django.db import models


class Pulse(models.Model):
    """What one worker process has written down so far. Counts only grow: Prometheus makes rates of them.

    Each process writes its own row, a few times a minute; those of processes that ended are added up in one
    (services.pulse.fold_ended).
    """

    worker = models.CharField(max_length=100, unique=True)
    """host:process:random; "ended" for the sum of those that are gone."""
    batches = models.BigIntegerField(default=0)
    polls = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    """Spent on writing batches: state, history and alerts."""
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker
