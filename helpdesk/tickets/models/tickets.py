"""Tickets, their states and their numbers."""

from collections.abc import Iterable
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people.models import ScopedQuerySet, User
from fleet.people.rules import Action, Role
from fleet.sites.models import Room, SiteScoped
from helpdesk.tickets.models.agreements import Agreement
from helpdesk.tickets.models.organising import Category, Queue, Tag


def _restricted() -> Q:
    return Q(queue__in=Queue.objects.filter(restricted=True).values("pk"))


def _secured_by(user: User | AnonymousUser) -> Q:
    """Where this person keeps watch over security."""
    scopes = user.access.scopes_as({Role.SECURITY}) if isinstance(user, User) else frozenset[int]()
    return Q(authority_id__in=scopes) | Q(site_id__in=scopes)


class TicketQuerySet(ScopedQuerySet["Ticket"]):
    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
        """What lies in a restricted queue is there for security people only, whatever else somebody may do."""
        return super().allowing(user, action)._unless_restricted(user)

    def where(self, user: User, roles: Iterable[Role]) -> Self:
        return super().where(user, roles)._unless_restricted(user)

    def _unless_restricted(self, user: User | AnonymousUser) -> Self:
        return self.filter(~_restricted() | _secured_by(user))

    def kept_from(self, user: User) -> Self:
        """Restricted ones of which this person must not know."""
        return self.filter(_restricted(), ~_secured_by(user))

    def may_belong_to(self, incident: "Ticket") -> Self:
        """What is said in a restricted incident reaches restricted tickets only."""
        restricted = incident.queue is not None and incident.queue.restricted
        return self.filter(_restricted()) if restricted else self

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
    """The root cause that monitoring saw; none for what people report. One ticket at a time: a closed one stays closed."""
    queue = models.ForeignKey(Queue, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    tags = models.ManyToManyField(Tag, blank=True, related_name="tickets")
    watchers = models.ManyToManyField(User, blank=True, related_name="watched_tickets")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    """The incident of which this is one case; an incident has no incident above it."""
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged")
    """What is said here is said there; always of the same site."""
    agreement = models.ForeignKey(Agreement, null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    due_at = models.DateTimeField(null=True, blank=True)
    """The earliest deadline that still runs; none while it waits for others, and when nothing was promised."""
    due_clock = models.CharField(max_length=20, blank=True)
    """Which one: first-response, next-update or resolution."""
    next_step_at = models.DateTimeField(null=True, blank=True)
    """When the next escalation step of that deadline is to be taken; none where all of them were."""
    response_due_at = models.DateTimeField(null=True, blank=True)
    update_due_at = models.DateTimeField(null=True, blank=True)
    resolution_due_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    """The first public answer by somebody who works on tickets."""
    resolved_at = models.DateTimeField(null=True, blank=True)
    """When it was last resolved; empty while it is not."""
    reckon_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    """Its deadlines have to be worked out anew since then; empty: they are right."""
    idempotency_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    version = models.PositiveIntegerField(default=1)
    """Counts every change of the row: a save that saw an older one is stale."""
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["alert"], condition=Q(alert__isnull=False) & ~Q(state="closed"), name="one_ticket_per_alert"
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")), name="ticket_not_merged_into_itself"
            ),
            models.CheckConstraint(condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="ticket_not_its_own_parent"),
        )
        indexes = (
            models.Index(fields=["site", "state", "-created_at"], name="ticket_site_list"),
            models.Index(fields=["authority", "state", "-created_at"], name="ticket_authority_list"),
            models.Index(fields=["-created_at", "-id"], name="ticket_newest"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="ticket_due"),
            models.Index(fields=["site", "due_at"], name="ticket_site_due"),
            models.Index(fields=["reckon_at"], condition=Q(reckon_at__isnull=False), name="ticket_to_reckon"),
            models.Index(fields=["next_step_at"], condition=Q(next_step_at__isnull=False), name="ticket_to_escalate"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"


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
