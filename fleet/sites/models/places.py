"""Authority (tenant) > school or kindergarten > building > room."""

from typing import Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import Scope, ScopedQuerySet, User
from fleet.people.rules import Action

Place = TypeVar("Place", bound=models.Model, covariant=True)


class Authority(models.Model):
    """The tenant: a city's school department."""

    scope = models.OneToOneField(Scope, primary_key=True, on_delete=models.PROTECT)
    name = models.CharField(_("name"), max_length=200, unique=True)

    class Meta:
        verbose_name_plural = "authorities"

    def __str__(self) -> str:
        return self.name


LOOKING = frozenset({Action.VIEW_SITE, Action.VIEW_DEVICE_DETAILS, Action.VIEW_INTERNAL_NOTES, Action.VIEW_AUDIT})
"""What may still be done where a school is closed."""


class SiteQuerySet(ScopedQuerySet["Site"]):
    """A site is its own scope: its primary key stands where other rows have a `site` column."""

    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
        """A closed site is looked at, and nothing more."""
        return self._held(user, action) if action in LOOKING else self._held(user, action).open()

    def managed_by(self, user: User | AnonymousUser) -> Self:
        """Closed ones too: whoever manages them opens them again."""
        return self._held(user, Action.MANAGE)

    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def _held(self, user: User | AnonymousUser, action: Action) -> Self:
        if not isinstance(user, User):
            return self.none()
        scopes = user.access.scopes(action)
        return self.filter(Q(authority_id__in=scopes) | Q(pk__in=scopes))


class Site(models.Model):
    """A school or a kindergarten."""

    class Kind(models.TextChoices):
        SCHOOL = "school", _("School")
        KINDERGARTEN = "kindergarten", _("Kindergarten")

    scope = models.OneToOneField(Scope, primary_key=True, on_delete=models.PROTECT)
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="sites")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(max_length=60)
    street = models.CharField(_("street"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=10, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    timezone = models.CharField(max_length=60, default="Europe/Berlin")
    federal_state = models.CharField(max_length=2, default="BY")
    catholic_holidays = models.BooleanField(_("Catholic feast days are holidays here"), null=True, blank=True)
    """None: as most municipalities of the federal state keep it."""
    closed_at = models.DateTimeField(null=True, blank=True)
    """What was is kept; nothing new begins there."""
    version = models.PositiveIntegerField(default=1)
    """Counts changes, so that nobody overwrites one they have not seen."""

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["authority", "slug"], name="site_slug_unique"),)

    def __str__(self) -> str:
        return self.name


class PlaceQuerySet(ScopedQuerySet[Place]):
    """Buildings and rooms: of a closed school, they are looked at and nothing more."""

    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
        held = super().allowing(user, action)
        return held if action in LOOKING else held.filter(site__closed_at__isnull=True)


class SiteScoped(models.Model):
    """Scope columns of everything that belongs to a site; the authority is repeated so that filters need no join."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="%(class)ss")

    class Meta:
        abstract = True


class Building(SiteScoped):
    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveIntegerField(default=1)

    objects = PlaceQuerySet["Building"].as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["site", "name"], name="building_name_unique"),)

    def __str__(self) -> str:
        return self.name


class Room(SiteScoped):
    building = models.ForeignKey(Building, on_delete=models.PROTECT, related_name="rooms")
    number = models.CharField(_("number"), max_length=20)
    name = models.CharField(_("name"), max_length=100, blank=True)
    floor = models.SmallIntegerField(_("floor"), default=0)
    teaching = models.BooleanField(_("lessons are held here"), default=True)
    version = models.PositiveIntegerField(default=1)

    objects = PlaceQuerySet["Room"].as_manager()

    class Meta:
        ordering = ("floor", "number")
        constraints = (models.UniqueConstraint(fields=["building", "number"], name="room_number_unique"),)

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()


class PlaceTable(models.Model):
    """A table of schools, buildings and rooms that somebody looks at; taken in, or after a day, it goes."""

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    file_name = models.CharField(max_length=200)
    data = models.BinaryField()

    def __str__(self) -> str:
        return self.file_name
