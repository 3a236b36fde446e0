"""When nothing may be changed, when everything may, who agreed to an exception, and who decides for whom."""

import hashlib
import uuid
from datetime import datetime
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.core.signing import BadSignature, Signer
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.automation.rules.policy import LONGEST_MARGIN_DAYS
from fleet.monitoring.models import PlannedTime, RepeatingTime
from fleet.people.models import Grant, User
from fleet.people.rules import Action
from fleet.sites.models import Authority, CalendarQuerySet

SIGNER = Signer(salt="fleet.automation.approval-link")


class FreezeQuerySet(CalendarQuerySet["Freeze"]):
    def to_come(self, at: datetime) -> Self:
        """Going on, or still to come."""
        return self.filter(ended_at__isnull=True, ends_at__gt=at)


class Freeze(PlannedTime):
    """A time in which nothing is changed, at a site or everywhere in an authority."""

    objects = FreezeQuerySet.as_manager()

    class Meta(PlannedTime.Meta):
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="freeze_ends_after_start"),
            models.CheckConstraint(condition=~Q(reason=""), name="freeze_has_a_reason"),
        )
        indexes = (models.Index(fields=["ends_at", "starts_at"], name="freeze_active"),)


class ChangeWindowQuerySet(CalendarQuerySet["ChangeWindow"]):
    def to_come(self, at: datetime) -> Self:
        """Those that may hold at `at` or later: their plan decides."""
        once = Q(repeats=ChangeWindow.Repeating.NEVER, ends_at__gt=at)
        repeating = ~Q(repeats=ChangeWindow.Repeating.NEVER)
        return self.filter(once | repeating, ended_at__isnull=True)


class ChangeWindow(RepeatingTime):
    """A patch evening: when changes are welcome at a site or everywhere, for all devices or one kind. Once or repeating."""

    repeats = models.CharField(
        _("repeats"), max_length=10, choices=RepeatingTime.Repeating.choices, default=RepeatingTime.Repeating.WEEKLY
    )

    objects = ChangeWindowQuerySet.as_manager()

    class Meta(RepeatingTime.Meta):
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="change_window_ends_after_start"),
            models.CheckConstraint(condition=~Q(reason=""), name="change_window_has_a_reason"),
        )


class PolicyRule(models.Model):
    """What an authority has agreed otherwise for changes of one risk; all else is as `policy.toml` says."""

    class Times(models.TextChoices):
        ANY = "any", _("At any time")
        BETWEEN_LESSONS = "between-lessons", _("Between lessons")
        OUTSIDE_SCHOOL = "outside-school", _("Outside of school hours")
        WINDOWS = "windows", _("Only in change windows and maintenance")

    class Risk(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="policy_rules")
    risk = models.CharField(_("risk"), max_length=10, choices=Risk.choices)
    times = models.CharField(_("when"), max_length=20, choices=Times.choices)
    exam_margin_days = models.PositiveSmallIntegerField(_("whole days around exams"))
    changed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(default=now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["authority", "risk"], name="policy_rule_once"),
            models.CheckConstraint(
                condition=Q(exam_margin_days__lte=LONGEST_MARGIN_DAYS), name="policy_exam_margin_is_short"
            ),
        )

    def __str__(self) -> str:
        return f"{self.authority_id} {self.risk}: {self.times}"


class Override(models.Model):
    """Two people want a change to happen against the clock. Good for what they looked at, and for nothing else."""

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="overrides")
    digest = models.CharField(max_length=64)
    """The change's digest that both looked at; void when the change's own differs."""
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=now)
    agreed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["change", "digest"], name="override_once"),
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("asked_by")), name="override_by_two_people"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_a_reason"),
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True, agreed_at__isnull=True)
                | Q(agreed_by__isnull=False, agreed_at__isnull=False),
                name="override_agreed_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.change_id}: {self.reason}"


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, those to oneself, and for administrators those of the people in their care."""
        if not isinstance(user, User):
            return self.none()
        scopes = user.access.scopes(Action.MANAGE_POLICY)
        theirs = Grant.objects.filter(Q(scope__in=scopes) | Q(scope__parent__in=scopes)).values("user")
        return self.filter(Q(person=user) | Q(deputy=user) | Q(person__in=theirs))

    def endable_by(self, user: User | AnonymousUser) -> Self:
        if not isinstance(user, User):
            return self.none()
        return self.visible_to(user).exclude(~Q(person=user), deputy=user)

    def current(self, at: datetime) -> Self:
        return self.filter(starts_at__lte=at, ends_at__gt=at, ended_at__isnull=True)

    def to_come(self, at: datetime) -> Self:
        return self.filter(ends_at__gt=at, ended_at__isnull=True)


class Delegation(models.Model):
    """Somebody is on leave, and a deputy decides on changes in their name. It is not handed on further."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="delegations")
    deputy = models.ForeignKey(User, on_delete=models.CASCADE, related_name="deputyships", verbose_name=_("deputy"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_at", "-pk")
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="delegation_ends_after_start"),
            models.CheckConstraint(condition=~Q(person=F("deputy")), name="delegation_to_somebody_else"),
        )
        indexes = (models.Index(fields=["deputy", "ends_at"], name="delegation_deputy"),)

    def __str__(self) -> str:
        return f"{self.person_id} → {self.deputy_id}"


class ApprovalLink(models.Model):
    """A way from a mail to one decision by one person: signed, good once and for some days. Only its SHA-256 is kept."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="approval_links")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    proposal = models.ForeignKey(
        "automation.Proposal", null=True, blank=True, on_delete=models.CASCADE, related_name="approval_links"
    )
    """What is to be agreed to; None: the change itself is to be decided on."""
    change_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="link_expires_later"),)
        indexes = (models.Index(fields=["change", "person"], name="approval_link_of"),)

    def __str__(self) -> str:
        return f"{self.change_id} {self.person_id}"

    @property
    def token(self) -> str:
        """What stands in the mail; made anew from the row and the product's key whenever the mail is tried again."""
        return SIGNER.sign(self.uid.hex)

    @staticmethod
    def digest_of(token: str) -> str | None:
        """None for what we have not signed."""
        try:
            SIGNER.unsign(token)
        except BadSignature:
            return None
        return hashlib.sha256(token.encode()).hexdigest()
