"""Changes: what was asked, who agreed, what ran where, and what the devices said afterwards."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.people.models import ScopedQuerySet, User
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import SiteScoped


class Change(SiteScoped):
    """A playbook with arguments for certain devices, on its way from the order to the measured effect."""

    class State(models.TextChoices):
        PREVIEWING = "previewing", _("Being checked")
        AWAITING_APPROVAL = "awaiting-approval", _("Waiting for approval")
        APPROVED = "approved", _("Approved, waiting for its time")
        RUNNING = "running", _("Running")
        VERIFYING = "verifying", _("Being measured")
        CONFIRMED = "confirmed", _("Done and measured")
        REFUTED = "refuted", _("Without effect")
        UNKNOWN = "unknown", _("Effect not known")
        FAILED = "failed", _("Failed")
        LOST = "lost", _("Lost, not repeated")
        REJECTED = "rejected", _("Rejected")
        CANCELLED = "cancelled", _("Cancelled")

    class Box(models.TextChoices):
        """Where a time-boxed change stands with being taken back."""

        NONE = "none", _("Not limited in time")
        PENDING = "pending", _("Will be taken back")
        REVERTING = "reverting", _("Being taken back")
        REVERTED = "reverted", _("Taken back and measured")
        FAILED = "failed", _("Could not be taken back")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    playbook = models.SlugField(max_length=60)
    playbook_digest = models.CharField(max_length=64)
    """SHA-256 over the playbook's folder when the change was asked for."""
    digest = models.CharField(max_length=64)
    """SHA-256 over playbook, arguments and targets: what an approval approves."""
    arguments = models.JSONField(default=dict)
    """Declared arguments except the secret ones."""
    secret_arguments = EncryptedJSONField(null=True, blank=True)
    risk = models.CharField(max_length=10)
    approvals_needed = models.PositiveSmallIntegerField(default=0)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="requested_changes")
    reason = models.CharField(max_length=500, blank=True)
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PREVIEWING)
    state_since = models.DateTimeField(default=timezone.now)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    box = models.CharField(max_length=10, choices=Box.choices, default=Box.NONE)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScopedQuerySet["Change"].as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="change_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True, box="none") | Q(ends_at__isnull=False) & ~Q(box="none"),
                name="only_limited_changes_have_a_box",
            ),
        )
        indexes = (
            models.Index(fields=["state", "starts_at"], name="change_due"),
            models.Index(fields=["box", "ends_at"], name="change_box_due"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.playbook}"


class Target(models.Model):
    """A device that a change touches, with what it said before and after."""

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        REFUTED = "refuted", _("Refuted")
        UNKNOWN = "unknown", _("Not known")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="targets")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="change_targets")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["change", "device"], name="target_once"),)

    def __str__(self) -> str:
        return f"{self.change_id} @ {self.device_id}"


class Approval(models.Model):
    class Decision(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="approvals")
    approver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="approvals")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    digest = models.CharField(max_length=64)
    """The change's digest that was looked at; void when the change's own differs."""
    comment = models.CharField(max_length=500, blank=True)
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["change", "approver"], name="one_decision_per_approver"),)

    def __str__(self) -> str:
        return f"{self.change_id} {self.decision}"


class Run(models.Model):
    """One execution of a change's playbook. The row is the queue: Celery delivers, the row decides."""

    class Kind(models.TextChoices):
        PREVIEW = "preview", _("Preview")
        APPLY = "apply", _("Execution")
        REVERT = "revert", _("Taking back")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        TIMED_OUT = "timed-out", _("Timed out")
        CANCELLED = "cancelled", _("Cancelled")
        LOST = "lost", _("Lost, not repeated")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    attempt = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    token = models.UUIDField(default=uuid.uuid4, editable=False)
    """Fencing token: set anew by the claim; whoever writes on behalf of a run must still hold it."""
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=300, blank=True)
    """Why a queued run has not started yet, for people."""
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["change", "kind", "attempt"], name="run_attempt_once"),
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
        UNKNOWN = "unknown", _("Not known")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="hosts")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    diff = models.JSONField(default=list)
    """[{before, after}] as text, secrets masked."""
    message = models.TextField(blank=True)
    verdict = models.CharField(max_length=10, choices=Target.Verdict.choices, blank=True)
    evidence = models.JSONField(default=list)
    """[{reading, holds, wanted, before, after, verdict, device, measured_at}], one per expectation."""
    measured_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "device"], name="host_result_once"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.device_id} {self.state}"


class LogLine(models.Model):
    """One event of ansible-runner, redacted, in the order in which it came."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    sequence = models.PositiveIntegerField()
    event = models.CharField(max_length=60)
    host = models.CharField(max_length=120, blank=True)
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
