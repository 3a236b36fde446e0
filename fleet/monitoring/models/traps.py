"""What devices send by themselves."""

from django.db import models
from django.utils import timezone

from fleet.devices.models import Device


class Trap(models.Model):
    """A notification that a device sent. It is not believed: it makes us ask earlier."""

    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE, related_name="traps")
    source_address = models.GenericIPAddressField()
    oid = models.CharField(max_length=200)
    received_at = models.DateTimeField(default=timezone.now)
    if_index = models.PositiveBigIntegerField(null=True)
    """The port that it speaks of."""

    class Meta:
        indexes = (
            models.Index(fields=["device", "-received_at"], name="trap_history"),
            models.Index(fields=["source_address", "-received_at"], name="trap_source"),
        )

    def __str__(self) -> str:
        return f"{self.source_address} {self.oid}"
