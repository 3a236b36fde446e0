"""What is asked of a device between two walks, and what it said last."""

from django.db import models

from fleet.monitoring.models.health import Health


class PollPlan(models.Model):
    """A plan, shared by all devices of one build; a row is never changed (`fleet.snmp.plan.Plan`)."""

    digest = models.CharField(max_length=64, unique=True)
    """Of the content."""
    profile_digest = models.CharField(max_length=64)
    """`fleet.snmp.plan.digest_of` the profile that it was made from: another version makes it void."""
    content = models.JSONField()
    """`fleet.snmp.plan.Plan.as_dict`"""

    def __str__(self) -> str:
        return f"{self.content.get('profile')} ({self.digest[:8]})"


class Latest(models.Model):
    """The numbers of a device's last answered poll, apart from Health's reading, which is as of the last walk.

    Written with every poll, so it is narrow and has no index beside its key.
    """

    health = models.OneToOneField(Health, primary_key=True, on_delete=models.CASCADE, related_name="latest")
    plan = models.ForeignKey(PollPlan, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True)
    """When the counters among the numbers were read, and rates begin; empty: at the same time."""
    numbers = models.BinaryField()
    """`rules.series.pack`, in the order of the plan's cells."""
    walked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "latest"

    def __str__(self) -> str:
        return f"{self.pk} {self.at:%Y-%m-%d %H:%M:%S}"
