"""Users, and which role each holds where."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import AbstractUser, AnonymousUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fleet.people.rules import Access, Action, Role, one_line


class Scope(models.Model):
    """Where a role can hold: an authority, or one site of it.

    Authorities and sites take their primary key from here, so a role, a permission filter and a scope column all speak of
    the same number, and people know nothing of buildings.
    """

    class Kind(models.TextChoices):
        AUTHORITY = "authority", _("Authority")
        SITE = "site", _("Site")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name = models.CharField(max_length=200)
    closed = models.BooleanField(default=False)
    """What was held there is kept; no role is given there."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="authority", parent__isnull=True) | Q(kind="site", parent__isnull=False),
                name="only_sites_have_a_parent",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def line(self) -> tuple[int | None, ...]:
        """Itself and what it lies in: a role held at one of them holds here."""
        return (self.pk,) if self.parent_id is None else (self.pk, self.parent_id)

    @property
    def authority_id(self) -> int:
        return self.pk if self.parent_id is None else self.parent_id

    @property
    def site_id(self) -> int | None:
        return None if self.parent_id is None else self.pk


class UserManager(BaseUserManager["User"]):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        fields["name"] = one_line(fields.get("name", ""))
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractUser):
    """A person who logs in by mail address."""

    class Language(models.TextChoices):
        GERMAN = "de", _("German")
        ENGLISH = "en", _("English")

    class Theme(models.TextChoices):
        AUTO = "auto", _("As the device wishes")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class State(models.TextChoices):
        ACTIVE = "active", pgettext_lazy("person", "Active")
        INVITED = "invited", pgettext_lazy("person", "Has no password yet")
        LEFT = "left", pgettext_lazy("person", "Has left")

    username = None  # type: ignore[assignment]  # the mail address is the name
    first_name = None  # type: ignore[assignment]  # one field: names do not split the same way everywhere
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices, default=Language.GERMAN)
    plain_language = models.BooleanField(_("plain language"), default=False)
    theme = models.CharField(_("theme"), max_length=5, choices=Theme.choices, default=Theme.AUTO)
    version = models.PositiveIntegerField(default=0)
    """Goes up with each change of who this is and what they hold, so that nobody overwrites what they have not read."""
    address_unproven = models.BooleanField(default=False)
    """Somebody else has changed the address, and the person has not said yet that it is theirs (`services.addresses`)."""

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # AbstractUser's manager wants a username

    class Meta(AbstractUser.Meta):
        constraints = (models.UniqueConstraint(Lower("email"), name="email_unique_in_any_case"),)

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name

    @cached_property
    def access(self) -> Access:
        """What this person holds now; read once per instance, that is once per request."""
        return Access.of(self.grants.current(timezone.now()).values_list("role", "scope_id"))

    @property
    def state(self) -> "User.State":
        if not self.is_active:
            return self.State.LEFT
        return self.State.ACTIVE if self.has_usable_password() else self.State.INVITED


class GrantQuerySet(models.QuerySet["Grant"]):
    def current(self, now: datetime) -> Self:
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


class Grant(models.Model):
    """A role that a person holds at a scope, for good or until `expires_at`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="grants")
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "role", "scope"], name="role_held_once"),
            models.CheckConstraint(condition=Q(role__in=[role.value for role in Role]), name="role_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.role} @ {self.scope_id}"

    def holds(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


Row = TypeVar("Row", bound=models.Model, covariant=True)


class ScopedQuerySet(models.QuerySet[Row]):
    """Rows with scope columns `authority` and `site`: every query on behalf of a person starts with `visible_to`."""

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        return self.allowing(user, Action.VIEW_SITE)

    def allowing(self, user: "User | AnonymousUser", action: Action) -> Self:
        """The rows on which this person may do `action`; none for somebody who is not logged in."""
        if not isinstance(user, User):
            return self.none()
        return self._within(user.access.scopes(action))

    def where(self, user: "User", roles: Iterable[Role]) -> Self:
        """The rows at places where this person is one of `roles`."""
        return self._within(user.access.scopes_as(roles))

    def _within(self, scopes: Iterable[int]) -> Self:
        return self.filter(Q(authority_id__in=scopes) | Q(site_id__in=scopes))


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, now: datetime) -> Self:
        return self.filter(revoked_at__isnull=True, expires_at__gt=now, user__is_active=True)


class ApiToken(models.Model):
    """A token that a program sends as `Authorization: Bearer …`. Only its SHA-256 is kept: 256 random bits need no salt."""

    class Reach(models.TextChoices):
        READ = "read", _("Read")
        WRITE = "write", _("Read and write")
        METRICS = "metrics", _("Only /metrics, for Prometheus")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    reach = models.CharField(max_length=10, choices=Reach.choices, default=Reach.READ)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_expires_after_creation"),
        )

    def __str__(self) -> str:
        return self.name
