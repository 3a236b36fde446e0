"""How tickets hang together, and who is at one right now."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from helpdesk.tickets.models.tickets import Ticket

PRESENT_FOR = timedelta(seconds=45)
"""Three times as long as a page waits until it says again that somebody is looking at it."""


class TicketLink(models.Model):
    class Kind(models.TextChoices):
        RELATED = "related", _("has to do with")
        SPLIT = "split", _("was split off from")
        FOLLOWS = "follows", _("follows")

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RELATED)
    source = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="links")
    target = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="linked_from")
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("at", "pk")
        constraints = (
            models.UniqueConstraint(fields=["source", "target", "kind"], name="tickets_linked_once"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="no_ticket_linked_to_itself"),
        )

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind} {self.target_id}"


class Presence(models.Model):
    """A person has the ticket open; a page that is closed says nothing any more, and the row runs out."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="present")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    typing = models.BooleanField(default=False)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["ticket", "user"], name="present_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} @ {self.ticket_id}"


class Recheck(models.Model):
    """The cause of a ticket is gone, and its own devices are asked again: `asked_at` is when that was wanted."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="recheck")
    asked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.ticket_id} since {self.asked_at}"


class Rating(models.Model):
    """What the requester says of how it went: 1 good, 2 so so, 3 bad."""

    class Grade(models.IntegerChoices):
        GOOD = 1, _("Good")
        SO_SO = 2, _("So so")
        BAD = 3, _("Bad")

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="rating")
    grade = models.PositiveSmallIntegerField(choices=Grade.choices)
    comment = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(grade__in=[1, 2, 3]), name="grade_is_known"),)

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.grade}"
