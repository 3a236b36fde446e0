"""What is read of people: whom a person may see, at which places, and what they hold there."""

from collections.abc import Iterable
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from fleet.people.models import Grant, GrantQuerySet, Scope, User
from fleet.people.rules import Action, Role
from fleet.web import fulltext

READ, MANAGE = Action.VIEW_AUDIT, Action.MANAGE
SUGGESTED = 10
MOST_PLACES = 500


def within(scopes: Iterable[int]) -> Q:
    """Grants at these scopes or at sites of them."""
    return Q(scope__in=scopes) | Q(scope__parent__in=scopes)


def places(user: User, action: Action = MANAGE) -> QuerySet[Scope]:
    """Authorities and open sites where this person may do `action`."""
    return places_ever(user, action).filter(closed=False)


def places_ever(user: User, action: Action = MANAGE) -> QuerySet[Scope]:
    """Closed ones too."""
    scopes = user.access.scopes(action)
    return Scope.objects.filter(Q(pk__in=scopes) | Q(parent__in=scopes)).order_by("kind", "name", "pk")


def places_called(rows: QuerySet[Scope], text: str) -> QuerySet[Scope]:
    """Those that have every word of it in their name."""
    for word in text.replace("\0", "").lower().split()[: fulltext.MOST_WORDS]:
        rows = rows.filter(fulltext.contains(word, "name"))
    return rows


def grants_seen_by(user: User) -> GrantQuerySet:
    """Roles, also those that have ended, at places that this person reads."""
    return Grant.objects.filter(within(user.access.scopes(READ)))


def known_to(user: object) -> QuerySet[User]:
    """Those who hold, or have held, a role at a place that this person reads."""
    if not isinstance(user, User) or not user.access.anywhere(READ):
        return User.objects.none()
    return User.objects.filter(Exists(grants_seen_by(user).filter(user=OuterRef("pk"))))


def shown_to(people: QuerySet[User], user: User) -> QuerySet[User]:
    """With `has_factor`, and as `held` the roles at places that `user` reads: those that hold first, each by its place."""
    seen = grants_seen_by(user).select_related("scope").order_by("scope__kind", "scope__name", "role")
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return people.annotate(has_factor=Exists(factors)).prefetch_related(Prefetch("grants", seen, to_attr="held"))


def in_state(people: QuerySet[User], state: str) -> QuerySet[User]:
    without = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX) | Q(password="")
    conditions = {
        User.State.ACTIVE: Q(is_active=True) & ~without,
        User.State.INVITED: Q(is_active=True) & without,
        User.State.LEFT: Q(is_active=False),
    }
    return people.filter(conditions[User.State(state)])


def holding(people: QuerySet[User], user: User, *, role: str = "", scopes: Iterable[int] | None = None) -> QuerySet[User]:
    """Those of whom `user` may read that they are `role`, or anything, at one of `scopes` now, or anywhere."""
    held = grants_seen_by(user).current(timezone.now()).filter(user=OuterRef("pk"))
    if role:
        held = held.filter(role=role)
    if scopes is not None:
        held = held.filter(scope__in=list(scopes))
    return people.filter(Exists(held))


def called(people: QuerySet[User], text: str) -> QuerySet[User]:
    """Those who have every word of it in their name or their mail address."""
    for word in text.replace("\0", "").lower().split()[: fulltext.MOST_WORDS]:
        people = people.filter(fulltext.contains(word, "name", "email"))
    return people


def manages(user: User, person: User) -> bool:
    """Whether `user` manages every place at which `person` holds, or has held, a role; there has to be one."""
    lines = [grant.scope.line for grant in person.grants.select_related("scope")]
    return bool(lines) and user.access.manages_all(lines)


def is_last_administrator(person: User, now: datetime | None = None, *, scope_id: int | None = None) -> bool:
    """At a scope where this person is administrator (at `scope_id`, where one is given) nobody else who can log in is
    for good.

    An administrator of an authority is one of its sites.
    """
    held = Grant.objects.current(now or timezone.now()).filter(role=Role.ADMINISTRATOR, user__is_active=True)
    same = Q(scope=OuterRef("scope")) | Q(scope=OuterRef("scope__parent"))
    theirs = held.filter(user=person) if scope_id is None else held.filter(user=person, scope=scope_id)
    staying = held.filter(same, expires_at__isnull=True)
    return theirs.filter(~Exists(staying.exclude(user=person))).exists()
