"""What ran where, and what the devices said before and after."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change, DeviceRows, Target
from fleet.automation.models.rollouts import Ring
from fleet.devices.models import Device
from fleet.people.models import User


class Run(models.Model):
    """One execution of a playbook on the devices of one step. The row is the queue: Celery delivers, the row decides."""

    class Kind(models.TextChoices):
        PREVIEW = "preview", _("Preview")
        APPLY = "apply", _("Execution")
        REVERT = "revert", _("Taking back")
        MEND = "mend", _("Making good after a cut")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        TIMED_OUT = "timed-out", _("Timed out")
        CANCELLED = "cancelled", _("Cancelled")
        LOST = "lost", _("Lost, not repeated")

    class Aftermath(models.TextChoices):
        """What became of devices that a run was cut off on and whose playbook says how that is made good."""

        NONE = "", _("Not looked at")
        AS_BEFORE = "as-before", _("As it was before")
        MADE_GOOD = "made-good", _("Made good and measured")
        FOR_PEOPLE = "for-people", _("Could not be made good")

    LIVE: ClassVar[tuple[str, ...]] = ("queued", "running")
    """States of a run that is not over."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    ring = models.ForeignKey(Ring, null=True, blank=True, on_delete=models.CASCADE, related_name="runs")
    """None for a preview, which looks at all devices."""
    step = models.PositiveSmallIntegerField(default=1)
    attempt = models.PositiveSmallIntegerField(default=1)
    """At this step, from 1."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    token = models.UUIDField(default=uuid.uuid4, editable=False)
    """Fencing token: set anew by the claim; whoever writes on behalf of a run must still hold it."""
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    patient_until = models.DateTimeField(null=True)
    """While it is measured: until when its devices have time to show the effect."""
    waits_for = models.CharField(max_length=300, blank=True)
    """Why a queued run has not started yet, for people."""
    makes_good = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="mended_by")
    """Of MEND: the run that was cut off."""
    aftermath = models.CharField(max_length=10, choices=Aftermath.choices, blank=True, default=Aftermath.NONE)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    problem = models.CharField(max_length=40, blank=True)
    """Why it did not end well, a key of `words.run_error`."""
    error = models.TextField(blank=True)
    """What a program has said about it, as it said it."""

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["change", "kind", "attempt"], condition=Q(ring__isnull=True), name="run_attempt_once"
            ),
            models.UniqueConstraint(
                fields=["change", "kind", "ring", "step", "attempt"],
                condition=Q(ring__isnull=False),
                name="run_attempt_once_a_step",
            ),
            models.UniqueConstraint(
                fields=["change"], condition=Q(state__in=["queued", "running"]), name="one_live_run_per_change"
            ),
        )
        indexes = (models.Index(fields=["state", "lease_until"], name="run_lease"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.attempt} of {self.change_id}"


class HostResult(models.Model):
    """How a run went on one device, and what SNMP said before and after it."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        OK = "ok", _("Nothing to change")
        CHANGED = "changed", _("Changed")
        FAILED = "failed", _("Failed")
        UNREACHABLE = "unreachable", _("Unreachable")
        NOT_STARTED = "not-started", _("Not started")
        OFFLINE = "offline", _("Offline, not tried")
        UNKNOWN = "unknown", _("Not known")

    NOT_KEPT = "not-kept"
    """Problem of a device that is not touched, since the configuration to be put back could not be fetched."""
    CHANGED_SINCE = "changed-since"
    """Problem of a device that nothing is put back on, since another change has been at it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="hosts")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    diff = models.JSONField(default=list)
    """[{before, after}] as text, secrets masked."""
    problem = models.CharField(max_length=40, blank=True)
    """Why it was kept out, a key of `words.host_said`."""
    message = models.TextField(blank=True)
    """What a program has said about it, as it said it."""
    verdict = models.CharField(max_length=10, choices=Target.Verdict.choices, blank=True)
    evidence = models.JSONField(default=list)
    """[{reading, holds, wanted, before, after, verdict, device, measured_at}], one per expectation."""
    measured_at = models.DateTimeField(null=True)

    objects = DeviceRows["HostResult"].as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "device"], name="host_result_once"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.device_id} {self.state}"

    @property
    def is_well(self) -> bool:
        """Both say so: that a device answers does not prove a playbook that failed, nor the other way round."""
        return self.state in {self.State.OK, self.State.CHANGED} and self.verdict == Target.Verdict.CONFIRMED


class LogLine(models.Model):
    """One event of ansible-runner, redacted, in the order in which it came."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    sequence = models.PositiveIntegerField()
    event = models.CharField(max_length=60)
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    """Whom it is about. No index: lines are looked up by their run."""
    host = models.CharField(max_length=120, blank=True)
    """Its name then, also when the device is gone."""
    task = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("sequence",)
        constraints = (models.UniqueConstraint(fields=["run", "sequence"], name="log_line_once"),)

    def __str__(self) -> str:
        return f"{self.run_id}/{self.sequence}"


class DeviceLock(models.Model):
    """Held by the one run that may touch the device now. The primary key is the lock."""

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.CASCADE, related_name="lock")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="locks")
    acquired_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.device_id} by {self.run_id}"
