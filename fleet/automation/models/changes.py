"""What was asked, and who agreed."""

import uuid
from collections.abc import Iterable
from typing import Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.people.models import ScopedQuerySet, User
from fleet.people.rules import Action
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, Site

Row = TypeVar("Row", bound=models.Model)
READING = frozenset({Action.VIEW_SITE, Action.VIEW_DEVICE_DETAILS, Action.VIEW_AUDIT})
"""What somebody may also do with a change of several schools that touches one of theirs: look at their own devices in it."""


class ChangeQuerySet(ScopedQuerySet["Change"]):
    """A change of several schools belongs to their authority; a school it touches sees it, and its own devices in it."""

    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
        if not isinstance(user, User):
            return self.none()
        scopes = user.access.scopes(action)
        return self._touching(scopes) if action in READING else self._within(scopes)

    def _touching(self, scopes: Iterable[int]) -> Self:
        mine = Target.objects.filter(change=OuterRef("pk"), device__site_id__in=scopes)
        own = Q(authority_id__in=scopes) | Q(site_id__in=scopes)
        return self.filter(own | Q(Exists(mine), site__isnull=True))


class Change(models.Model):
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
        PAUSED = "paused", _("Paused")
        HALTED = "halted", _("Halted")
        ROLLING_BACK = "rolling-back", _("Being rolled back")
        ROLLED_BACK = "rolled-back", _("Rolled back and measured")
        NOTHING_TO_DO = "nothing-to-do", _("Nothing to do")

    class Wish(models.TextChoices):
        """What becomes of the change when the step under way is over."""

        GO_ON = "", _("Go on")
        PAUSE = "pause", _("Pause")
        STOP = "stop", _("Stop")
        ROLL_BACK = "roll-back", _("Roll back")

    class Box(models.TextChoices):
        """Where a time-boxed change stands with being taken back."""

        NONE = "none", _("Not limited in time")
        PENDING = "pending", _("Will be taken back")
        REVERTING = "reverting", _("Being taken back")
        REVERTED = "reverted", _("Taken back and measured")
        FAILED = "failed", _("Could not be taken back")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="%(class)ss")
    """None: devices of several schools."""
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    playbook = models.SlugField(max_length=60)
    playbook_digest = models.CharField(max_length=64)
    """SHA-256 over the playbook's folder when the change was asked for."""
    digest = models.CharField(max_length=64)
    """SHA-256 over playbook, arguments, targets and end: what an approval approves."""
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
    strategy = models.JSONField(default=dict)
    """What the rings were planned with, see `rules.rollout.Strategy`."""
    wish = models.CharField(max_length=10, choices=Wish.choices, blank=True, default=Wish.GO_ON)
    taking_back_since = models.DateTimeField(null=True, blank=True)
    """When taking back began the last time: what was tried before it is tried again."""
    relaunch_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="relaunches")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ChangeQuerySet.as_manager()

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


class DeviceRows(models.QuerySet[Row]):
    """Rows about one device each; who sees a change of several schools sees only the rows of their own devices."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.allowing(user, Action.VIEW_SITE)

    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
        if not isinstance(user, User):
            return self.none()
        scopes = user.access.scopes(action)
        return self.filter(Q(device__authority_id__in=scopes) | Q(device__site_id__in=scopes))


class Target(models.Model):
    """A device that a change touches: in which ring and step, and how it stands."""

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        REFUTED = "refuted", _("Refuted")
        UNKNOWN = "unknown", _("Not known")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        CONFIRMED = "confirmed", _("Confirmed")
        REFUTED = "refuted", _("Refuted")
        UNKNOWN = "unknown", _("Not known")
        FAILED = "failed", _("Failed")
        UNREACHABLE = "unreachable", _("Unreachable")
        PENDING_OFFLINE = "pending-offline", _("Offline, done when it is back")
        SKIPPED = "skipped", _("Not done")
        ROLLED_BACK = "rolled-back", _("Rolled back")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="targets")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="change_targets")
    ring = models.ForeignKey("automation.Ring", null=True, blank=True, on_delete=models.SET_NULL, related_name="targets")
    step = models.PositiveSmallIntegerField(default=1)
    """Within its ring, from 1: what is carried out together."""
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    before = models.ForeignKey("automation.Backup", null=True, on_delete=models.SET_NULL, related_name="put_back_for")
    """What the device had before, where the playbook is undone by putting that back."""

    objects = DeviceRows["Target"].as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["change", "device"], name="target_once"),)
        indexes = (
            models.Index(fields=["change", "state"], name="target_state"),
            models.Index(fields=["ring", "step"], name="target_step"),
        )

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
    """The change's digest that was looked at, or that it has since people agreed to another end; void when the change's own
    differs."""
    comment = models.CharField(max_length=500, blank=True)
    decided_at = models.DateTimeField(default=timezone.now)
    on_behalf_of = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """The colleague on leave in whose name it was decided."""
    void_at = models.DateTimeField(null=True, blank=True)
    """From when on it counts no more: what was agreed to was not begun in time, or is something else now."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["change", "approver"], condition=Q(void_at__isnull=True), name="one_decision_per_approver"
            ),
            models.UniqueConstraint(
                fields=["change", "on_behalf_of"],
                condition=Q(void_at__isnull=True, on_behalf_of__isnull=False),
                name="one_decision_per_colleague_on_leave",
            ),
            models.CheckConstraint(
                condition=Q(on_behalf_of__isnull=True) | ~Q(on_behalf_of=F("approver")), name="deputy_is_somebody_else"
            ),
        )

    def __str__(self) -> str:
        return f"{self.change_id} {self.decision}"
