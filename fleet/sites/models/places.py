"""Authority (tenant) > school or kindergarten > building > room."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fleet.people.models import Scope, ScopedQuerySet, User
from fleet.people.rules import Action


class Authority(models.Model):
    """The tenant: a city's school department."""

    scope = models.OneToOneField(Scope, primary_key=True, on_delete=models.PROTECT)
    name = models.CharField(_("name"), max_length=200, unique=True)

    class Meta:
        verbose_name_plural = "authorities"

    def __str__(self) -> str:
        return self.name


class SiteQuerySet(ScopedQuerySet["Site"]):
    """A site is its own scope: its primary key stands where other rows have a `site` column."""

    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
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

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["authority", "slug"], name="site_slug_unique"),)

    def __str__(self) -> str:
        return self.name


class SiteScoped(models.Model):
    """Scope columns of everything that belongs to a site; the authority is repeated so that filters need no join."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="%(class)ss")

    class Meta:
        abstract = True


class Building(SiteScoped):
    name = models.CharField(_("name"), max_length=100)

    objects = ScopedQuerySet["Building"].as_manager()

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

    objects = ScopedQuerySet["Room"].as_manager()

    class Meta:
        ordering = ("floor", "number")
        constraints = (models.UniqueConstraint(fields=["building", "number"], name="room_number_unique"),)

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()
