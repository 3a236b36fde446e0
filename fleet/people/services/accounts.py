"""What people do with their own account, and what rooms above make: scopes, roles, API tokens."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from fleet.people.models import ApiToken, Grant, Scope, User
from fleet.people.rules import Role
from fleet.secrets import crypto
from fleet.secrets.types import Secret

TOKEN_PREFIX = "fdk_"  # noqa: S105  (lets secret scanners recognise a leaked token)
ENCRYPTED_BY_ALLAUTH = frozenset({"secret", "seed", "migrated_codes"})
USE_NOTED_EVERY = timedelta(minutes=1)


def create_scope(*, kind: Scope.Kind, name: str, parent: Scope | None = None) -> Scope:
    return Scope.objects.create(kind=kind, name=name, parent=parent)


def rename_scope(*, scope_id: int, name: str) -> None:
    Scope.objects.filter(pk=scope_id).update(name=name)


def grant(*, user: User, role: Role, scope_id: int, expires_at: datetime | None = None) -> Grant:
    """Give `user` the role at the scope; giving it again only moves its end."""
    row, _ = Grant.objects.update_or_create(
        user=user, role=role.value, scope_id=scope_id, defaults={"expires_at": expires_at}
    )
    user.__dict__.pop("access", None)
    return row


def lock_administrators() -> None:
    """Until the transaction ends nobody else makes or unmakes one: of two last ones at once, one stays."""
    list(Grant.objects.filter(role=Role.ADMINISTRATOR).order_by("pk").select_for_update())


def is_open(*, scope_id: int) -> bool:
    """It stays so until the transaction ends."""
    return not Scope.objects.select_for_update(no_key=True).get(pk=scope_id).closed


def reopen_scope(*, scope_id: int) -> None:
    """Roles are given anew by hand."""
    Scope.objects.filter(pk=scope_id).update(closed=False)


def close_scope(*, scope_id: int, at: datetime) -> int:
    """No role is given there any more, and whoever holds one at this very scope holds it no longer; how many that were."""
    lock_administrators()  # as whoever gives a role does, before the scope: nobody waits for each other
    Scope.objects.filter(pk=scope_id).update(closed=True)
    ending = Grant.objects.current(at).filter(scope_id=scope_id)
    count_up(people=User.objects.filter(pk__in=list(ending.values_list("user", flat=True))))
    return ending.update(expires_at=at)


def set_display(*, user: User, language: str | None = None, theme: str | None = None) -> None:
    """Remember language and theme; what is None or not on offer stays as it is."""
    said = {"language": (language, User.Language.values), "theme": (theme, User.Theme.values)}
    _keep(user, {name: value for name, (value, offered) in said.items() if value in offered})


@dataclass(frozen=True)
class Preferences:
    name: str
    language: str
    plain_language: bool
    theme: str


def set_preferences(*, user: User, preferences: Preferences) -> None:
    _keep(user, vars(preferences))


def _keep(user: User, values: Mapping[str, object]) -> None:
    """What is as it was read is not written: somebody else may have changed it since."""
    if changed := {name: value for name, value in values.items() if getattr(user, name) != value}:
        count_up(people=User.objects.filter(pk=user.pk), **changed)
        user.refresh_from_db(fields=[*changed, "version"])


def count_up(*, people: QuerySet[User], **values: object) -> int:
    """Writes `values`; the version goes up from what it is, whatever was read before."""
    return people.update(**values, version=F("version") + 1)


def issue_token(*, user: User, name: str, reach: ApiToken.Reach, valid_for: timedelta) -> tuple[ApiToken, Secret]:
    """A new token and, this once, its clear text."""
    clear = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(
        user=user, name=name, reach=reach, digest=digest(clear), expires_at=timezone.now() + valid_for
    )
    return row, Secret(clear)


def use_token(*, clear: str, now: datetime) -> ApiToken | None:
    """The usable token with this clear text, its user loaded; None for an unknown, revoked or expired one.

    When it was last used is noted at most once a minute: reading must not become writing.
    """
    token = ApiToken.objects.usable(now).select_related("user").filter(digest=digest(clear)).first()
    if token is None:
        return None
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def revoke_token(*, token: ApiToken) -> bool:
    """From now on it opens nothing. False if it was revoked before."""
    return ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()) == 1


def sessions(*, user: User) -> list[UserSession]:
    """Where `user` is logged in, newest first. Those that are over are forgotten on the way."""
    return sorted(UserSession.objects.purge_and_list(user), key=lambda row: row.created_at, reverse=True)


def end_other_sessions(*, user: User, keep: str | None) -> int:
    """Log `user` out everywhere but in the session with the key `keep`, if any; how many sessions that ended."""
    others = [row for row in sessions(user=user) if row.session_key != keep]
    for row in others:
        row.end()
    return len(others)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def rotate_second_factors() -> int:
    """Bring the secrets of authenticator apps and recovery codes under the newest key; how many rows that were."""
    rows = Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).only("pk", "data")
    return sum(_rotate_second_factor(row) for row in rows.iterator(chunk_size=200))


def _rotate_second_factor(row: Authenticator) -> int:
    """Compare and set: a row that changes meanwhile keeps its change."""
    fresh = {name: _rotated(value) if name in ENCRYPTED_BY_ALLAUTH else value for name, value in row.data.items()}
    if fresh == row.data:
        return 0
    return int(Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=fresh))


def _rotated(value: Any) -> Any:
    if isinstance(value, list):
        return [_rotated(one) for one in value]
    return value if crypto.is_current(value) else crypto.rotate(value)
