"""Tickets and their articles."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people.models import ScopedQuerySet, User
from fleet.sites.models import Room, SiteScoped


class TicketQuerySet(ScopedQuerySet["Ticket"]):
    def open(self) -> Self:
        return self.exclude(state__in=[Ticket.State.RESOLVED, Ticket.State.CLOSED])


class Ticket(SiteScoped):
    class State(models.TextChoices):
        NEW = "new", _("New")
        OPEN = "open", _("Open")
        WAITING_REQUESTER = "waiting-requester", _("Waiting for the requester")
        WAITING_VENDOR = "waiting-vendor", _("Waiting for the vendor")
        WAITING_CHANGE = "waiting-change", _("Waiting for a change")
        RESOLVED = "resolved", _("Resolved")
        CLOSED = "closed", _("Closed")

    class Kind(models.TextChoices):
        INCIDENT = "incident", _("Problem")
        REQUEST = "request", _("Order")

    class Priority(models.IntegerChoices):
        LOW = 1, _("Low")
        NORMAL = 2, _("Normal")
        HIGH = 3, _("High")
        URGENT = 4, _("Urgent")

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.INCIDENT)
    subject = models.CharField(_("subject"), max_length=200)
    state = models.CharField(max_length=20, choices=State.choices, default=State.NEW)
    state_since = models.DateTimeField(default=timezone.now)
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    blocks_lesson = models.BooleanField(default=False)
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    devices = models.ManyToManyField(Device, blank=True, related_name="tickets")
    requester = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="requested_tickets")
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="owned_tickets")
    alert = models.ForeignKey(Alert, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    """The root cause that monitoring saw; none for what people report."""
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    version = models.PositiveIntegerField(default=1)
    """Counts every change of the row: a save that saw an older one is stale."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(fields=["alert"], condition=Q(alert__isnull=False), name="one_ticket_per_alert"),
        )
        indexes = (
            models.Index(fields=["site", "state", "-created_at"], name="ticket_site_list"),
            models.Index(fields=["authority", "state", "-created_at"], name="ticket_authority_list"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"


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
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.pk}"


class Transition(models.Model):
    """A ticket went from one state to another: the history from which clocks are computed."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="transitions")
    old = models.CharField(max_length=20, choices=Ticket.State.choices)
    new = models.CharField(max_length=20, choices=Ticket.State.choices)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("at", "id")

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.old} -> {self.new}"


class Counter(models.Model):
    """The last ticket number given in a year; its row is the queue at which new tickets take theirs."""

    year = models.PositiveSmallIntegerField(primary_key=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"
