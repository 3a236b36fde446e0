"""/people: who has an account, what they may do where. Reading is for those who audit, changing for those who manage."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Router, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.people import directory_words, selectors, services
from fleet.people.directory_schemas import InvitationOut, PersonChange, PersonIn, PersonOut, RoleIn, State
from fleet.people.models import User
from fleet.people.rules import Refusal, Role
from fleet.web.api import CursorPage, Problem, conditional
from fleet.web.api.conditional import IfMatch, validated

router = Router(tags=["people"])
LONGEST = 100


@router.get("/", response=list[PersonOut], summary="People at the places that I read")
@decorate_view(validated)
@paginate(CursorPage, ordering=("-id",))
def list_people(
    request: HttpRequest,
    q: Annotated[str, Field(max_length=LONGEST)] = "",
    role: Role | None = None,
    scope_id: int | None = None,
    state: State | None = None,
) -> QuerySet[User]:
    """`role` and `scope_id` mean one and the same role that is held now."""
    user = _person(request)
    people = selectors.called(selectors.known_to(user), q)
    if role is not None or scope_id is not None:
        scopes = None if scope_id is None else [scope_id]
        people = selectors.holding(people, user, role=role.value if role else "", scopes=scopes)
    return selectors.shown_to(selectors.in_state(people, state) if state else people, user)


@router.post("/", response={201: PersonOut}, summary="Add a person with their first role")
@decorate_view(validated)
def create_person(request: HttpRequest, response: HttpResponse, body: PersonIn) -> Status[User]:
    user = _person(request)
    with _problems():
        giving = _giving(user, body.role)
        details = services.Details(body.name, body.email, body.language)
        made = services.add(details=details, giving=giving, by=user)
    if body.invite:
        services.invite(person=made, by=user)
    return Status(201, _shown(request, response, made.pk))


@router.get("/{int:person_id}", response=PersonOut, summary="One person")
@decorate_view(validated)
def get_person(request: HttpRequest, response: HttpResponse, person_id: int) -> User:
    """The answer's ETag is what every change takes as If-Match."""
    return _shown(request, response, person_id)


@router.patch("/{int:person_id}", response=PersonOut, summary="Change who this is, or whether they are here")
@decorate_view(validated)
def change_person(
    request: HttpRequest, response: HttpResponse, person_id: int, body: PersonChange, if_match: IfMatch = None
) -> User:
    """Wants If-Match (else 428); 412 when it is no longer as it was read. What is left out stays."""
    user, person = _person(request), _seen(request, person_id)
    conditional.check(if_match, person.version, needed=True)
    said = {name: value for name, value in body.dict(exclude={"active"}).items() if value is not None}
    with _problems(), transaction.atomic():
        if said:
            details = services.Details(**{"name": person.name, "email": person.email, "language": person.language} | said)
            person = services.change(person=person, details=details, by=user, version=person.version)
        if body.active is not None:
            act = services.come_back if body.active else services.leave
            act(person=person, by=user, version=person.version)
    return _shown(request, response, person_id)


@router.post("/{int:person_id}/roles", response={201: PersonOut}, summary="Give a role, or move its end")
@decorate_view(validated)
def give_role(
    request: HttpRequest, response: HttpResponse, person_id: int, body: RoleIn, if_match: IfMatch = None
) -> Status[User]:
    """Takes If-Match."""
    person = _seen(request, person_id)
    conditional.check(if_match, person.version)
    with _problems():
        giving = _giving(_person(request), body)
        services.give(person=person, giving=giving, by=_person(request), version=_version(person, if_match))
    return Status(201, _shown(request, response, person_id))


@router.delete("/{int:person_id}/roles/{int:grant_id}", response=PersonOut, summary="Take a role")
@decorate_view(validated)
def take_role(request: HttpRequest, response: HttpResponse, person_id: int, grant_id: int, if_match: IfMatch = None) -> User:
    """It ends now; that it was held is kept. Takes If-Match."""
    user, person = _person(request), _seen(request, person_id)
    grant = get_object_or_404(selectors.grants_seen_by(user).select_related("user", "scope"), pk=grant_id, user=person)
    conditional.check(if_match, person.version)
    with _problems():
        services.take(grant=grant, by=user, version=_version(person, if_match))
    return _shown(request, response, person_id)


@router.post("/{int:person_id}/invitation", response=InvitationOut, summary="Send the link to set a password")
def invite_person(request: HttpRequest, person_id: int) -> dict[str, bool]:
    """`sent` is false where the mail could not be sent; whoever has a password gets none (409)."""
    user, person = _person(request), _seen(request, person_id)
    if not selectors.manages(user, person):
        raise _refused(Refusal.ELSEWHERE)
    if not services.may_invite(person=person, by=user):
        raise Problem(409, _("This person has a password already, or has left."))
    return {"sent": services.invite(person=person, by=user)}


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _seen(request: HttpRequest, person_id: int) -> User:
    user = _person(request)
    return get_object_or_404(selectors.shown_to(selectors.known_to(user), user), pk=person_id)


def _shown(request: HttpRequest, response: HttpResponse, person_id: int) -> User:
    person = _seen(request, person_id)
    response.headers["ETag"] = f'"{person.version}"'
    return person


def _version(person: User, if_match: str | None) -> int | None:
    return None if if_match is None else person.version


def _giving(user: User, body: RoleIn) -> services.Giving:
    """Raises RefusedError for a place that is not this person's, as for one that does not exist."""
    scope = selectors.places_ever(user).filter(pk=body.scope_id).first()
    if scope is None:
        raise services.RefusedError(Refusal.BEYOND)
    return services.Giving(body.role, scope, _aware(body.until))


def _aware(instant: datetime | None) -> datetime | None:
    return timezone.make_aware(instant) if instant is not None and timezone.is_naive(instant) else instant


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except services.RefusedError as error:
        raise _refused(error.reason) from error
    except ValidationError as error:
        raise Problem(422, _("Some fields are not as they have to be."), error.message_dict) from error


def _refused(reason: Refusal) -> Problem:
    if reason is Refusal.CHANGED:
        return conditional.changed()
    conflict = reason in {Refusal.LAST_ADMINISTRATOR, Refusal.LEFT, Refusal.CLOSED}
    return Problem(409 if conflict else 403, str(directory_words.REFUSALS[reason]))
