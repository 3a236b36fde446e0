"""How an authority sorts its tickets: queues, categories, tags."""

from collections.abc import Collection
from typing import Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.sites.models import Authority, Site

Row = TypeVar("Row", bound=models.Model, covariant=True)  # noqa: PLC0105  (as in people.models)


class OfAuthorityQuerySet(models.QuerySet[Row]):
    """Rows of a whole authority: everybody with a role there, or at one of its sites, may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self.allowing(user, Action.VIEW_SITE)

    def allowing(self, user: User | AnonymousUser, action: Action) -> Self:
        if not isinstance(user, User):
            return self.none()
        return self.filter(_of(user.access.scopes(action)))


def _of(scopes: Collection[int]) -> Q:
    """Of these authorities, or of those of these sites."""
    authorities = Site.objects.filter(pk__in=scopes).values("authority")
    return Q(authority_id__in=scopes) | Q(authority_id__in=authorities)


class Named(models.Model):
    """A name in both languages; German where there is no English one."""

    name_de = models.CharField(_("German name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        english = (translation.get_language() or "").startswith("en")
        return self.name_en if english and self.name_en else self.name_de


class QueueQuerySet(OfAuthorityQuerySet["Queue"]):
    def for_reading(self, user: User | AnonymousUser) -> Self:
        """Without restricted ones for those who are no security people of that authority, or of a site of it."""
        rows = self.visible_to(user)
        scopes = user.access.scopes_as({Role.SECURITY}) if isinstance(user, User) else frozenset[int]()
        return rows.filter(Q(restricted=False) | _of(scopes))


class Queue(Named):
    """Where tickets of one kind wait for whoever works on them."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="queues")
    slug = models.SlugField(max_length=60)
    restricted = models.BooleanField(_("only security people see its tickets"), default=False)

    objects = QueueQuerySet.as_manager()

    class Meta:
        ordering = ("name_de", "pk")
        constraints = (models.UniqueConstraint(fields=["authority", "slug"], name="queue_slug_unique"),)


class Category(Named):
    """What a ticket is about. `queue`: where tickets of this category go unless somebody says otherwise."""

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="categories")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    slug = models.SlugField(max_length=60)
    queue = models.ForeignKey(Queue, null=True, blank=True, on_delete=models.SET_NULL, related_name="categories")

    objects = OfAuthorityQuerySet["Category"].as_manager()

    class Meta:
        verbose_name_plural = "categories"
        ordering = ("name_de", "pk")
        constraints = (
            models.UniqueConstraint(fields=["authority", "slug"], name="category_slug_unique"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="category_not_its_own_parent"
            ),
        )


class Tag(models.Model):
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="tags")
    name = models.CharField(_("name"), max_length=50)

    objects = OfAuthorityQuerySet["Tag"].as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=["authority", "name"], name="tag_name_unique"),)

    def __str__(self) -> str:
        return self.name
