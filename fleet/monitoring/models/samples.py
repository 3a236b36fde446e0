"""What was measured, over time."""

from django.db import models

from fleet.devices.models import Device
from fleet.monitoring.rules import packing
from fleet.monitoring.rules.rollup import Grain


class Layout(models.Model):
    """Which value stands where in a packed sample. Devices of one make share one; a row is never changed."""

    id = models.AutoField(primary_key=True)
    digest = models.CharField(max_length=64, unique=True)
    """`rules.packing.digest(names)`"""
    names = models.JSONField()
    """["uptime_s", "clients", …, "traffic_in_bps.3", …]: metrics of metrics.toml, folded or of one element."""

    def __str__(self) -> str:
        return f"{len(self.names)} values ({self.digest[:8]})"


class Sample(models.Model):
    """One answered poll: all values of a device at one instant, packed in one row.

    On PostgreSQL the table is partitioned by day (UTC), so that what is too old is dropped as a whole (services.upkeep).
    Neither column is a foreign key to the database: every insertion would look up, and lock, the device's and the layout's
    row, on the one path where rows come by the thousand each second. Layouts are never deleted, and a device's samples go
    with it.
    """

    pk = models.CompositePrimaryKey("device_id", "polled_at")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="samples", db_constraint=False, db_index=False)
    polled_at = models.DateTimeField()
    layout = models.ForeignKey(Layout, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    values = models.BinaryField()
    """`rules.packing`: single-precision numbers in the order of the layout's names, NaN for what was not said."""

    class Meta:
        indexes = (models.Index(fields=["polled_at"], name="sample_time"),)

    def __str__(self) -> str:
        return f"{self.device_id} {self.polled_at:%Y-%m-%d %H:%M:%S}"

    @property
    def said(self) -> dict[str, float]:
        """{name: value} of what the device said. Reads the layout."""
        return packing.said(self.layout.names, bytes(self.values))


class _RolledUp(models.Model):
    """What became of a device's values in a stretch of time; written over when a late sample comes in."""

    pk = models.CompositePrimaryKey("device_id", "begin")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    begin = models.DateTimeField()
    layout = models.ForeignKey(Layout, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    values = models.BinaryField()
    """`rules.rollup`: counts, lowest, mean and highest values, each a run in the order of the layout's names."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.device_id} {self.begin:%Y-%m-%d %H:%M}"


class HourlySample(_RolledUp):
    """An hour (UTC). Partitioned by month on PostgreSQL."""

    class Meta:
        indexes = (models.Index(fields=["begin"], name="hourly_time"),)


class DailySample(_RolledUp):
    """A day as people count it, from midnight to midnight in the installation's time zone. Partitioned by year."""

    class Meta:
        indexes = (models.Index(fields=["begin"], name="daily_time"),)


class RollupDue(models.Model):
    """An hour or a day whose roll-up is still to be made, or to be made again since samples came in late.

    Whoever writes a sample notes its hour in the same transaction; the row goes when the roll-up is complete and nobody has
    noted it again meanwhile. What a crash leaves is done again from `done_to` on, with the same result.
    """

    grain = models.CharField(max_length=4, choices=[(one.value, one.value) for one in (Grain.HOUR, Grain.DAY)])
    begin = models.DateTimeField()
    noted_at = models.DateTimeField()
    """Changes with each note: what was begun before it does not count as complete."""
    done_to = models.BigIntegerField(default=0)
    """Devices up to this id are done."""
    taken_until = models.DateTimeField(null=True)
    """A worker is at it; one that does not say so again by then has died."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["grain", "begin"], name="rollup_due_once"),)

    def __str__(self) -> str:
        return f"{self.grain} {self.begin:%Y-%m-%d %H:%M}"
