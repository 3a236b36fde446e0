"""Filters that people keep under a name, and with which each begins a list."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """One's own, and those that colleagues share with all who work on tickets of the authority."""
        if not isinstance(user, User):
            return self.none()
        scopes = user.access.scopes(Action.WORK_TICKETS)
        here = Site.objects.filter(pk__in=scopes).values("authority_id")
        return self.filter(Q(owner=user) | Q(shared_with__in=scopes) | Q(shared_with__in=here))


class SavedView(models.Model):
    class List(models.TextChoices):
        TICKETS = "tickets", _("Tickets")
        DEVICES = "devices", _("Devices")
        FAULTS = "faults", _("Faults")

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    list = models.CharField(max_length=10, choices=List.choices)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    """The list's query, as `rules.kept` leaves it."""
    shared_with = models.ForeignKey(Authority, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=["owner", "list", "name"], name="finding_view_name_once"),)

    def __str__(self) -> str:
        return self.name


class DefaultView(models.Model):
    """The view with which a person begins a list."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    list = models.CharField(max_length=10, choices=SavedView.List.choices)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["person", "list"], name="finding_default_once"),)

    def __str__(self) -> str:
        return f"{self.person_id} {self.list}"
