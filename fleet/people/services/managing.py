"""Administrators look after people: who is there, what they are called, what they may do where.

Each act looks at what whoever does it may do at that very instant, inside its transaction: two administrators who take the
role from each other at once leave one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.events.services import Fact, emit
from fleet.people import selectors
from fleet.people.models import Grant, Scope, User
from fleet.people.rules import Refusal, Role, one_line
from fleet.people.services import accounts, addresses


class RefusedError(Exception):
    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Details:
    name: str
    email: str
    language: str


@dataclass(frozen=True)
class Giving:
    """A role at a place, for good or until an instant."""

    role: Role
    scope: Scope
    until: datetime | None = None


@transaction.atomic
def add(*, details: Details, giving: Giving, by: User) -> User:
    """Somebody new, who sets a password by the mail that `invite` sends. Raises ValidationError and RefusedError."""
    wanted = _clean(details, None)
    _refuse(Refusal.BEYOND, unless=_now(by).access.may_give(giving.role, *giving.scope.line))
    _check(giving)
    try:
        with transaction.atomic():
            person = User.objects.create_user(wanted.email, name=wanted.name, language=wanted.language)
    except IntegrityError as error:
        raise _taken() from error
    _tell("added", person, giving.scope, by)
    _give(person, giving, by)
    return person


@transaction.atomic
def change(*, person: User, details: Details, by: User, version: int | None = None) -> User:
    """Name, mail address and language. A former address opens nothing any more, and is told so.

    Nor does what was opened by it where somebody else changes it: it may have been another person's. Then no password is set
    by mail before the person has said that the new one is theirs (`addresses`); one who has none yet has nothing to lose.

    Raises ValidationError and RefusedError.
    """
    row = _locked(person, version)
    _refuse(Refusal.ELSEWHERE, unless=selectors.manages(_now(by), row))
    wanted, before = vars(_clean(details, row)), row.email
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    if not changed:
        return row
    doubted, claims = row.address_unproven, "email" in changed and row.pk != by.pk and row.has_usable_password()
    try:
        with transaction.atomic():
            _save(row, {name: wanted[name] for name in changed} | ({"address_unproven": True} if claims else {}))
    except IntegrityError as error:
        raise _taken() from error
    if "email" in changed:
        EmailAddress.objects.filter(user=row).delete()
        if row.pk != by.pk:
            _shut_out(row)
        confirms = claims and not doubted
        transaction.on_commit(lambda: addresses.tell_former(address=before, person=row, confirms=confirms), robust=True)
    _tell("changed", row, _home(row), by, {"fields": changed})
    return row


@transaction.atomic
def give(*, person: User, giving: Giving, by: User, version: int | None = None) -> Grant:
    """A role held already has its end moved. Raises ValidationError and RefusedError."""
    accounts.lock_administrators()
    row = _locked(person, version)
    _refuse(Refusal.YOURSELF, unless=row.pk != by.pk)
    _refuse(Refusal.BEYOND, unless=_now(by).access.may_give(giving.role, *giving.scope.line))
    _refuse(Refusal.LEFT, unless=row.is_active)
    _check(giving)
    if _ends_sooner(row, giving):
        _refuse(Refusal.LAST_ADMINISTRATOR, unless=not selectors.is_last_administrator(row, scope_id=giving.scope.pk))
    _save(row, {})
    return _give(row, giving, by)


@transaction.atomic
def take(*, grant: Grant, by: User, version: int | None = None) -> bool:
    """The role ends now; that it was held is kept. False: it had ended before. Raises RefusedError."""
    accounts.lock_administrators()
    row, scope, now = _locked(grant.user, version), grant.scope, timezone.now()
    _refuse(Refusal.YOURSELF, unless=row.pk != by.pk)
    _refuse(Refusal.BEYOND, unless=_now(by).access.may_give(Role(grant.role), *scope.line))
    if grant.role == Role.ADMINISTRATOR:
        _refuse(Refusal.LAST_ADMINISTRATOR, unless=not selectors.is_last_administrator(row, now, scope_id=scope.pk))
    if not Grant.objects.current(now).filter(pk=grant.pk).update(expires_at=now):
        return False
    _save(row, {})
    _tell("role-taken", row, scope, by, {"role": grant.role})
    return True


@transaction.atomic
def enter(*, email: str, name: str, scope: Scope, by: User | None) -> User:
    """Somebody new, as a table names them; whoever calls this has looked at what `by` may do. `by`: None for a command."""
    person = User.objects.create_user(email, name=name)
    _tell("added", person, scope, by)
    return person


@transaction.atomic
def enter_role(*, person: User, giving: Giving, by: User | None) -> Grant:
    """As a table gives it, likewise. Raises RefusedError for a role of one's own, and at a closed school."""
    _refuse(Refusal.YOURSELF, unless=by is None or person.pk != by.pk)
    accounts.count_up(people=User.objects.filter(pk=person.pk))
    return _give(person, giving, by)


def against_leaving(*, person: User, by: User) -> Refusal | None:
    """What stands against it at the moment."""
    reasons = (
        (Refusal.YOURSELF, person.pk == by.pk),
        (Refusal.ELSEWHERE, not selectors.manages(by, person)),
        (Refusal.LAST_ADMINISTRATOR, selectors.is_last_administrator(person)),
    )
    return next((reason for reason, holds in reasons if holds), None)


@transaction.atomic
def leave(*, person: User, by: User, version: int | None = None) -> bool:
    """Out of every login at once, without roles and tokens. False: they had left before. Raises RefusedError."""
    accounts.lock_administrators()
    row, now = _locked(person, version), timezone.now()
    if reason := against_leaving(person=row, by=_now(by)):
        raise RefusedError(reason)
    if not row.is_active:
        return False
    _save(row, {"is_active": False})
    row.grants.current(now).update(expires_at=now)
    _shut_out(row)
    _tell("left", row, _home(row), by)
    return True


@transaction.atomic
def come_back(*, person: User, by: User, version: int | None = None) -> bool:
    """May log in again; roles are given anew. False: they were here. Raises RefusedError."""
    row = _locked(person, version)
    _refuse(Refusal.ELSEWHERE, unless=selectors.manages(_now(by), row))
    if row.is_active:
        return False
    _save(row, {"is_active": True})
    _tell("returned", row, _home(row), by)
    return True


# --- what they have in common -----------------------------------------------------------------------------------------


def _refuse(reason: Refusal, *, unless: bool) -> None:
    if not unless:
        raise RefusedError(reason)


def _now(by: User) -> User:
    """Whoever acts, with the roles of this instant rather than of when their request came in."""
    actor = User.objects.filter(pk=by.pk, is_active=True).first()
    if actor is None:
        raise RefusedError(Refusal.BEYOND)
    return actor


def _locked(person: User, version: int | None) -> User:
    row = User.objects.select_for_update().get(pk=person.pk)
    _refuse(Refusal.CHANGED, unless=version is None or version == row.version)
    return row


def _save(row: User, values: Mapping[str, Any]) -> None:
    accounts.count_up(people=User.objects.filter(pk=row.pk), **values)
    row.refresh_from_db(fields=[*values, "version"])


def _shut_out(row: User) -> None:
    row.api_tokens.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
    accounts.end_other_sessions(user=row, keep=None)


def _clean(details: Details, row: User | None) -> Details:
    wanted = Details(one_line(details.name), details.email.strip().lower(), details.language)
    User(**vars(wanted)).clean_fields(exclude=["password"])
    others = User.objects.filter(email__iexact=wanted.email).exclude(pk=row.pk if row else 0)
    if others.exists():
        raise _taken()
    return wanted


def _taken() -> ValidationError:
    return ValidationError({"email": [_("There is an account with this address already.")]})


def _check(giving: Giving) -> None:
    if giving.until is not None and giving.until <= timezone.now():
        raise ValidationError({"until": [_("This day is over already.")]})


def _ends_sooner(person: User, giving: Giving) -> bool:
    """Whether it takes something of an administrator's role."""
    if giving.role is not Role.ADMINISTRATOR or giving.until is None:
        return False
    longer = Q(expires_at__isnull=True) | Q(expires_at__gt=giving.until)
    return person.grants.filter(longer, role=giving.role, scope=giving.scope).exists()


def _give(person: User, giving: Giving, by: User | None) -> Grant:
    _refuse(Refusal.CLOSED, unless=accounts.is_open(scope_id=giving.scope.pk))
    row = accounts.grant(user=person, role=giving.role, scope_id=giving.scope.pk, expires_at=giving.until)
    until = giving.until.isoformat() if giving.until else None
    _tell("role-given", person, giving.scope, by, {"role": giving.role.value, "until": until})
    return row


def _home(person: User) -> Scope:
    """Where it is told of a person as a whole: the place of the role that they were given last."""
    return person.grants.select_related("scope").latest("pk").scope


def _tell(what: str, person: User, scope: Scope, by: User | None, about: Mapping[str, Any] | None = None) -> None:
    """The audit names people by number only."""
    emit(Fact(f"person.{what}", person, scope.authority_id, scope.site_id, by.pk if by else None, dict(about or {})))
