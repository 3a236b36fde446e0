"""What has become of a time-boxed change on each of its devices after its end."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.automation.models.runs import Run
from fleet.devices.models import Device


class BoxEnd(models.Model):
    """One device of a change whose time is over. A device without a row has not been looked at yet."""

    class State(models.TextChoices):
        OFFLINE = "offline", _("Taken back when it answers again")
        LEFT = "left", _("Stays: another change still wants it")
        RESTORED = "restored", _("Back to what another change wants")
        REVERTED = "reverted", _("Taken back and measured")
        FAILED = "failed", _("Could not be taken back")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="box_ends")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)
    in_favour_of = models.ForeignKey(Change, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["change", "device"], name="box_end_once"),)

    def __str__(self) -> str:
        return f"{self.change_id} @ {self.device_id}: {self.state}"


class Restoration(models.Model):
    """This taking back brings another change's values instead of the playbook's own inverse."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="restoration")
    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.run_id} for {self.change_id}"
