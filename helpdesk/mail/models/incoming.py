"""Where mail comes from, and what became of each one."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import ScopedQuerySet, User
from fleet.people.rules import Action
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, SiteScoped
from helpdesk.tickets.models import Article, Ticket


class Mailbox(SiteScoped):
    """An address to which people write. Without a host it is fed by a mail server through `manage.py ingest_mail`.

    `site`: where a ticket goes whose sender belongs to no one school.
    """

    class Security(models.TextChoices):
        TLS = "tls", _("TLS from the start (993)")
        STARTTLS = "starttls", _("STARTTLS (143)")
        NONE = "none", _("none: readable on the way, only for a server on this machine")

    class State(models.TextChoices):
        UNTRIED = "untried", _("Not tried yet")
        OK = "ok", _("Works")
        FAILING = "failing", _("Does not work")

    address = models.EmailField(_("address"))
    host = models.CharField(_("IMAP server"), max_length=255, blank=True)
    port = models.PositiveIntegerField(_("port"), default=993)
    security = models.CharField(_("encryption"), max_length=10, choices=Security.choices, default=Security.TLS)
    username = models.CharField(_("user name"), max_length=255, blank=True)
    secret = EncryptedJSONField(null=True)
    """{password}"""
    folder = models.CharField(_("folder"), max_length=200, default="INBOX")
    processed_folder = models.CharField(_("folder for what was read"), max_length=200, default="Processed", blank=True)
    active = models.BooleanField(_("in use"), default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNTRIED)
    error = models.TextField(blank=True)
    polled_at = models.DateTimeField(null=True)
    """When it was last begun to be read: what came before that was seen."""
    busy_until = models.DateTimeField(default=timezone.now)
    """Whoever polls has claimed it until then; a claim that was not followed by an end falls free by itself."""
    watched_until = models.DateTimeField(default=timezone.now)
    """Somebody holds a line open on which the server tells of new mail: until then it is seldom asked without news."""
    news_at = models.DateTimeField(null=True)
    """When the server last told of something."""
    uidvalidity = models.PositiveBigIntegerField(default=0)
    last_uid = models.PositiveBigIntegerField(default=0)
    """RFC 3501, 2.3.1.1: up to where everything has been read but `tries`, as long as UIDVALIDITY stays."""
    tries = models.JSONField(default=dict)
    """{UID: how often the line broke when that mail was fetched}, of those that are tried again."""

    objects = ScopedQuerySet["Mailbox"].as_manager()

    class Meta:
        ordering = ("address",)
        constraints = (models.UniqueConstraint(Lower("address"), name="one_mailbox_per_address"),)

    def __str__(self) -> str:
        return self.address


class IncomingQuerySet(models.QuerySet["IncomingMail"]):
    def managed_by(self, user: User) -> Self:
        """A mail may be of any school, so only those see it who manage the whole authority; of a ticket that they may not
        see (a restricted one) it is not theirs to see either."""
        tickets = Ticket.objects.visible_to(user)
        rows = self.filter(authority_id__in=user.access.scopes(Action.MANAGE))
        return rows.filter(
            Q(ticket__isnull=True) | Q(ticket__in=tickets),
            Q(article__isnull=True) | Q(article__ticket__in=tickets),
        )


class IncomingMail(models.Model):
    """One mail that arrived, kept sealed under MEDIA_ROOT; `key` makes it count once in an authority."""

    class Outcome(models.TextChoices):
        NEW = "new", _("New ticket")
        APPENDED = "appended", _("Added to a ticket")
        STORED = "stored", _("Only kept")
        DROPPED = "dropped", _("Dropped")
        QUARANTINED = "quarantined", _("Set aside")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    mailbox = models.ForeignKey(Mailbox, null=True, on_delete=models.SET_NULL, related_name="mails")
    key = models.CharField(max_length=300)
    """Its Message-ID; what stands in for it where there is none."""
    sender = models.CharField(max_length=320, blank=True)
    """Its address, in small letters."""
    sender_name = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    file = models.FileField(max_length=200, blank=True)
    secret = EncryptedJSONField(null=True)
    """{key}: opens the file."""
    digest = models.CharField(max_length=64)
    """SHA-256 of the mail as it came."""
    size = models.PositiveBigIntegerField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    reason = models.TextField(blank=True)
    ticket = models.ForeignKey(Ticket, null=True, on_delete=models.SET_NULL, related_name="mails_in")
    article = models.ForeignKey(Article, null=True, on_delete=models.SET_NULL, related_name="mails_in")
    received_at = models.DateTimeField(default=timezone.now)

    objects = IncomingQuerySet.as_manager()

    class Meta:
        ordering = ("-received_at", "-id")
        constraints = (models.UniqueConstraint(fields=["authority", "key"], name="one_mail_per_message_id"),)
        indexes = (
            models.Index(fields=["authority", "outcome", "-received_at"], name="mail_in_list"),
            models.Index(fields=["sender", "received_at"], name="mail_in_sender"),
            models.Index(fields=["file"], name="mail_in_file"),
        )

    def __str__(self) -> str:
        return self.key
