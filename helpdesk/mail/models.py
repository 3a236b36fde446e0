"""Mail that goes out, one row per message, so that a dead mail server loses nothing."""

from django.db import models
from django.utils import timezone

from fleet.people.models import User
from helpdesk.tickets.models import Article


class OutgoingMail(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="mails")
    recipient = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["article", "recipient"], name="one_mail_per_article_and_person"),)

    def __str__(self) -> str:
        return self.message_id
