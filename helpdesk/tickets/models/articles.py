"""What is said in a ticket."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from helpdesk.tickets.models.tickets import Ticket


class Article(models.Model):
    """One contribution to a ticket, by a person or by Fleetdesk itself."""

    class Channel(models.TextChoices):
        WEB = "web", _("Web")
        MAIL = "mail", _("Mail")
        API = "api", "API"
        SYSTEM = "system", _("Fleetdesk")

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="articles")
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="articles")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.WEB)
    internal = models.BooleanField(default=False)
    body = models.TextField(blank=True)
    """What a person wrote, as it was written. Empty where `notice` speaks."""
    notice = models.CharField(max_length=60, blank=True)
    """Which sentence Fleetdesk says (a key of helpdesk.tickets.notices), put into words in the reader's language."""
    details = models.JSONField(default=dict)
    """What the notice's sentence names, and the evidence shown with it."""
    sender = models.CharField(max_length=300, blank=True)
    """Who wrote it, as the mail says, where that is nobody with an account."""
    verified = models.BooleanField(default=True)
    """Whether it is known that who wrote it belongs to the ticket."""
    message_id = models.CharField(max_length=300, null=True, blank=True, unique=True)
    in_reply_to = models.CharField(max_length=300, blank=True)
    """RFC 5322, 3.6.4, of mail that came in."""
    quoted = models.TextField(blank=True)
    """What a mail repeats of those before it; folded away."""
    html = models.TextField(blank=True)
    """A mail's formatted text as it came. It is never shown without being sanitised."""
    answers = models.BooleanField(default=False)
    """Words for the requester by somebody who works on tickets: from them the deadlines are reckoned."""
    minutes = models.PositiveSmallIntegerField(default=0)
    """How long somebody worked for it."""
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (models.Index(fields=["notice", "ticket"], name="article_notice"),)

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.pk}"
