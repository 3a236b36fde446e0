"""How long things are kept and what was deleted; what people asked for of their data; who is being erased."""

import uuid
from datetime import datetime
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority


class OfAuthorityQuerySet(models.QuerySet[models.Model]):
    def managed_by(self, user: User | AnonymousUser) -> Self:
        if not isinstance(user, User):
            return self.none()
        return self.filter(authority_id__in=user.access.scopes(Action.MANAGE))


class Keeping(models.Model):
    """An authority's rules of retention are in force. Before somebody has looked at the dry run nothing is deleted."""

    authority = models.OneToOneField(Authority, primary_key=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = OfAuthorityQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.authority_id} since {self.at}"


class Period(models.Model):
    """A period that an authority chose; there is a row only where it differs from `retention.toml`."""

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="+")
    kind = models.SlugField(max_length=60)
    days = models.PositiveIntegerField()
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = OfAuthorityQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["authority", "kind"], name="one_period_per_kind"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.days} d @ {self.authority_id}"


class KeepingRun(models.Model):
    """What fell due on a day. A worker that dies is followed by another where it stopped."""

    day = models.DateField(unique=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.day)


class Deletion(models.Model):
    """The log: how much of what was deleted by which rule. It names nobody; a batch is counted in its own transaction."""

    run = models.ForeignKey(KeepingRun, on_delete=models.PROTECT, related_name="deletions")
    kind = models.SlugField(max_length=60)
    authority_id = models.BigIntegerField(default=0)
    """Whose rule it was; 0: the rule as delivered, for all who chose no other."""
    days = models.PositiveIntegerField()
    happens = models.CharField(max_length=10)
    count = models.PositiveBigIntegerField(default=0)
    held = models.PositiveBigIntegerField(default=0)
    """What is due and stays, because something that is still kept refers to it."""
    after = models.CharField(max_length=64, blank=True)
    """The last key that was looked at; empty: none yet."""
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-run__day", "kind", "authority_id")
        constraints = (models.UniqueConstraint(fields=["run", "kind", "authority_id"], name="one_log_row_per_rule_and_day"),)

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}"


class ExportQuerySet(models.QuerySet["Export"]):
    def readable_by(self, user: User | AnonymousUser) -> Self:
        """One's own, and those that one asked for: what they hold was cut to fit whoever asked."""
        if not isinstance(user, User):
            return self.none()
        managing = user.access.anywhere(Action.MANAGE)
        mine = Q(person=user, asked_by=user)
        return self.filter(mine | Q(asked_by=user) if managing else mine)

    def usable(self, now: datetime) -> Self:
        return self.filter(state="ready", expires_at__gt=now)


class Export(models.Model):
    """All that is kept of one person, as JSON and PDF, made in the background and gone after some days."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits")
        WORKING = "working", _("Is being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    scopes = models.JSONField(null=True)
    """Authorities and sites to which it is cut; null: the person's own, with everything."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    claimed_until = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    counts = models.JSONField(default=dict)
    """{source: rows}"""
    data = models.FileField(max_length=200, blank=True)
    document = models.FileField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=["state", "claimed_until"], name="export_due"),)

    def __str__(self) -> str:
        return str(self.uid)


class Erasure(models.Model):
    """A person is taken out of everything, by two administrators. It can be stopped and go on, never be undone."""

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a second administrator")
        RUNNING = "running", _("Is being done")
        STOPPED = "stopped", _("Stopped")
        DONE = "done", _("Done")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    """The row stays, under the pseudonym: what the city must keep still points to somebody."""
    scopes = models.JSONField(default=list)
    """Where the person held roles or had tickets when it was asked: who manages all of that may see and decide."""
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    agreed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    pseudonym = models.CharField(max_length=60, blank=True)
    wanted = EncryptedJSONField(null=True)
    """{names, mails, reach}: what is looked for. Forgotten at the end."""
    step = models.CharField(max_length=160, blank=True)
    """What is being gone through; empty: it has not begun."""
    after = models.BigIntegerField(default=0)
    """The last key of that step that was looked at."""
    total = models.PositiveBigIntegerField(default=0)
    """Rows to look at, counted at the beginning."""
    done = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("asked_by")), name="erasure_has_four_eyes"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["running", "stopped", "done"]) | Q(agreed_by__isnull=False),
                name="erasure_begins_when_agreed",
            ),
            models.UniqueConstraint(
                fields=["person"], condition=Q(state__in=["asked", "running", "stopped"]), name="one_erasure_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id}: {self.state}"
