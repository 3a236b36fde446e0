"""One act on many tickets: done in the background, with an outcome for each."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from helpdesk.tickets.models.tickets import Ticket


class BulkJobQuerySet(models.QuerySet["BulkJob"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Only whoever ordered it: it names tickets that others may not see."""
        return self.filter(by=user) if isinstance(user, User) else self.none()


class BulkJob(models.Model):
    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    class Act(models.TextChoices):
        ASSIGN = "assign", _("Hand over to")
        TAKE = "take", _("Take")
        PRIORITY = "priority", _("Set the priority")
        QUEUE = "queue", _("Move to the queue")
        CATEGORY = "category", _("Set the category")
        TAG = "tag", _("Add the tag")
        STATE = "state", _("Set the state")
        MACRO = "macro", _("Reply with")

    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="bulk_jobs")
    act = models.CharField(max_length=10, choices=Act.choices)
    value = models.CharField(max_length=100, blank=True)
    """An id, a state or a tag, as the act wants it."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    total = models.PositiveIntegerField(default=0)
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = BulkJobQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.act} {self.value} on {self.total}"


class BulkRow(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        UNCHANGED = "unchanged", _("Was so already")
        REFUSED = "refused", _("Not allowed")
        FAILED = "failed", _("Not possible")
        STOPPED = "stopped", _("Left out")

    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="rows")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=30, blank=True)
    """Why not, as a key of helpdesk.tickets.words."""

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["job", "ticket"], name="bulk_row_once"),)
        indexes = (models.Index(fields=["job", "state", "id"], name="bulk_row_waiting"),)

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.state}"
