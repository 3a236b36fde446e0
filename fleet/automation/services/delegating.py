"""Leave: who decides for whom, and for how long."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from fleet.automation.models import Delegation
from fleet.events.services import Fact, emit
from fleet.people.models import Grant, Scope, User
from fleet.people.rules import Access, Action

CACHED = "_stands_in_for"


class LeaveError(ValueError):
    """It cannot be delegated so.

    `key`: not-yours, same-person, ends-before, over, no-view, nothing-to-delegate, overlaps.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class Leave:
    person: User
    deputy: User
    starts_at: datetime
    ends_at: datetime


def delegate(*, leave: Leave, by: User) -> Delegation:
    """`leave.deputy` decides for `leave.person` in that time. Raises LeaveError."""
    if key := _why_not(leave, by):
        raise LeaveError(key)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=leave.person.pk)  # one deputy at a time, also for two clicks at once
        if _overlapping(leave).exists():
            raise LeaveError("overlaps")
        row = Delegation.objects.create(
            person=leave.person, deputy=leave.deputy, starts_at=leave.starts_at, ends_at=leave.ends_at, made_by=by
        )
        _tell("delegation.made", row, by)
    forget(leave.deputy)
    return row


def _why_not(leave: Leave, by: User) -> str | None:
    if by.pk != leave.person.pk and not _has_in_hand(by, leave.person):
        return "not-yours"
    reasons = (
        (leave.person.pk == leave.deputy.pk, "same-person"),
        (leave.ends_at <= leave.starts_at, "ends-before"),
        (leave.ends_at <= timezone.now(), "over"),
        (not leave.person.access.scopes(Action.APPROVE_CHANGE), "nothing-to-delegate"),
        (not _sees_as_much(leave.deputy, leave.person), "no-view"),
    )
    return next((key for holds, key in reasons if holds), None)


def _sees_as_much(deputy: User, person: User) -> bool:
    """Whether the deputy sees every place where the other decides."""
    scopes = person.access.scopes(Action.APPROVE_CHANGE)
    parents = _parents(scopes)
    return deputy.is_active and all(deputy.access.may(Action.VIEW_SITE, scope, parents.get(scope)) for scope in scopes)


def _has_in_hand(by: User, person: User) -> bool:
    """Nobody hands on what somebody decides where they themself have no say."""
    scopes = person.access.scopes(Action.APPROVE_CHANGE)
    parents = _parents(scopes)
    managed = all(by.access.may(Action.MANAGE_POLICY, scope, parents.get(scope)) for scope in scopes)
    return managed and in_care_of(by).filter(pk=person.pk).exists()


def _parents(scopes: Collection[int]) -> dict[int, int | None]:
    return dict(Scope.objects.filter(pk__in=scopes).values_list("pk", "parent_id"))


def _overlapping(leave: Leave) -> QuerySet[Delegation]:
    mine = Delegation.objects.filter(person=leave.person, ended_at__isnull=True)
    return mine.filter(starts_at__lt=leave.ends_at, ends_at__gt=leave.starts_at)


def in_care_of(user: User) -> QuerySet[User]:
    """The people whose leave an administrator may enter: everybody who decides where they manage the policy."""
    return colleagues(user.access.scopes(Action.MANAGE_POLICY))


def colleagues(scopes: frozenset[int]) -> QuerySet[User]:
    """Everybody who holds a role in these authorities and sites."""
    grants = Grant.objects.current(timezone.now()).filter(Q(scope__in=scopes) | Q(scope__parent__in=scopes))
    return User.objects.filter(is_active=True, pk__in=grants.values("user")).order_by("name", "pk")


def end(*, row: Delegation, by: User) -> bool:
    """Back earlier. False if it was ended before."""
    with transaction.atomic():
        if not Delegation.objects.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=timezone.now()):
            return False
        _tell("delegation.ended", row, by)
    return True


def stands_in_for(user: User) -> list[User]:
    """Whose deputy this person is now, with what each of them holds. Read once per instance, that is once per request."""
    if CACHED not in user.__dict__:
        rows = Delegation.objects.current(timezone.now()).filter(deputy=user, person__is_active=True)
        user.__dict__[CACHED] = _with_access([row.person for row in rows.select_related("person")])
    found: list[User] = user.__dict__[CACHED]
    return found


def _with_access(people: list[User]) -> list[User]:
    """One query for what all of them hold."""
    if people:
        held: dict[int, list[tuple[str, int]]] = {person.pk: [] for person in people}
        for grant in Grant.objects.current(timezone.now()).filter(user__in=people):
            held[grant.user_id].append((grant.role, grant.scope_id))
        for person in people:
            person.__dict__["access"] = Access.of(held[person.pk])
    return people


def forget(user: User) -> None:
    user.__dict__.pop(CACHED, None)


def _tell(name: str, row: Delegation, by: User) -> None:
    payload = {
        "person_id": row.person_id,
        "deputy_id": row.deputy_id,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }
    emit(Fact(name, row, None, None, by.pk, payload))
