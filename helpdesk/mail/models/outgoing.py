"""Mail that goes out, one row per message, so that a dead mail server loses nothing."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from fleet.automation.models import ApprovalLink
from fleet.people.models import User
from helpdesk.tickets.models import Article


class OutgoingMail(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"

    article = models.ForeignKey(Article, null=True, on_delete=models.CASCADE, related_name="mails")
    approval_link = models.OneToOneField(ApprovalLink, null=True, on_delete=models.CASCADE, related_name="mail")
    """What the mail is about: one of the two."""
    recipient = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    address = models.EmailField(max_length=320, blank=True)
    """Of somebody without an account who wrote first: one of the two."""
    acknowledges = models.BooleanField(default=False)
    """Says that a mail has arrived, and under which number."""
    created_at = models.DateTimeField(default=timezone.now)
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["article", "recipient"], name="one_mail_per_article_and_person"),
            models.UniqueConstraint(
                fields=["article", "address"], condition=~Q(address=""), name="one_mail_per_article_and_address"
            ),
            models.CheckConstraint(
                condition=Q(recipient__isnull=True) & ~Q(address="") | Q(recipient__isnull=False, address=""),
                name="mail_goes_to_one",
            ),
            models.CheckConstraint(
                condition=Q(article__isnull=True, approval_link__isnull=False)
                | Q(article__isnull=False, approval_link__isnull=True),
                name="mail_is_about_one_thing",
            ),
        )
        indexes = (models.Index(fields=["acknowledges", "created_at"], name="mail_acknowledgements"),)

    def __str__(self) -> str:
        return self.message_id
