"""What the operations on places have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django import forms
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.hanging import Hanging, on
from fleet.sites.models import Building, Room, Site
from fleet.sites.services import ChangedMeanwhileError, InUseError
from fleet.web.api import Problem, conditional

MANAGE = Action.MANAGE
Place = TypeVar("Place", bound=Site | Building | Room)


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user


def tagged(response: HttpResponse, row: Place) -> Place:
    """Its ETag is what changes take as If-Match."""
    response.headers["ETag"] = f'"{row.version}"'
    return row


def managed(request: HttpRequest, row: Place, if_match: str | None) -> Place:
    """Problem 403 for who sees it and does not manage it, 409 where its school is closed, 428 and 412 for If-Match."""
    site: Site = row if isinstance(row, Site) else row.site
    scopes = (row.authority_id,) if isinstance(row, Site) else (row.authority_id, row.site_id)
    if not person(request).access.may(MANAGE, *scopes):
        raise Problem(403, _("Your role does not include this."))
    if site.closed_at is not None:
        raise Problem(409, _("This school is closed. Open it again first."))
    conditional.check(if_match, row.version, needed=True)
    return row


def right(form: forms.BaseForm, names: Mapping[str, str] | None = None) -> None:
    """Problem 422 for what the form refuses; `names`: what its fields are called here."""
    if not form.is_valid():
        errors = {(names or {}).get(field, field): list(map(str, texts)) for field, texts in form.errors.items()}
        raise Problem(422, _("Some fields are not as they have to be."), errors=errors)


@contextmanager
def writing(place: str = "", pk: int = 0) -> Iterator[None]:
    """Problem 412 where somebody was faster, 409 where something hangs on it or the name was just taken."""
    try:
        yield
    except ChangedMeanwhileError as error:
        raise conditional.changed() from error
    except InUseError as error:
        raise Problem(409, _in_use(on(place, pk))) from error
    except IntegrityError as error:
        raise Problem(409, _("Somebody has just made one of the same name. Please choose another.")) from error


def _in_use(hanging: Any) -> str:
    there: list[Hanging] = list(hanging)
    return _("Something still hangs on it: %s.") % ", ".join(f"{one.label} {one.count}" for one in there)
