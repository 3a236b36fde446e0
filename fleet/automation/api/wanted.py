"""/drift/wanted: what devices should be, value by value. Its routes are added to `drift`."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Schema, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate
from pydantic import JsonValue

from fleet.automation import words
from fleet.automation.api.intent import drift
from fleet.automation.declared import keys
from fleet.automation.models import Baseline, Zone
from fleet.automation.services import intent as intents
from fleet.automation.services.intent import IntentError, StaleValueError
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from fleet.web.api import CursorPage, Problem, conditional
from fleet.web.api.conditional import IfMatch, validated

MANAGE = Action.MANAGE


class WantedOut(Schema):
    id: int
    key: str
    level: str
    authority_id: int
    platform: str
    zone_id: int | None
    site_id: int | None
    device_id: int | None
    value: JsonValue
    """As it was set; the keys of Wi-Fis are `***`."""
    changed_at: datetime
    changed_by_id: int | None

    @staticmethod
    def resolve_value(row: Baseline) -> Any:
        return intents.masked_value(row)


class ValueIn(Schema):
    value: JsonValue


class WantedIn(ValueIn):
    """Exactly one of the five places; a platform goes with the authority for which it is said."""

    key: str
    authority_id: int | None = None
    platform: str = ""
    zone_id: int | None = None
    site_id: int | None = None
    device_id: int | None = None


@drift.get("/wanted", response=list[WantedOut], summary="What devices should be, at every level")
@paginate(CursorPage, ordering=("id",))
def list_wanted(request: HttpRequest, key: str | None = None, site: int | None = None) -> QuerySet[Baseline]:
    """With `site`, what is said of this very site and its devices."""
    rows = intents.values_seen_by(_person(request))
    rows = rows if key is None else rows.filter(key=key)
    return rows if site is None else rows.filter(site=site)


@drift.post("/wanted", response={201: WantedOut}, summary="Say how devices should be where nothing was said yet")
@decorate_view(validated)
def say_wanted(request: HttpRequest, response: HttpResponse, body: WantedIn) -> Status[Baseline]:
    """409 where there is a value already: read it, then put another one in its place."""
    user = _person(request)
    place = _place(user, body)
    try:
        row = intents.set_value(place=place, key=body.key, value=body.value, by=user, seen=None)
    except StaleValueError as error:
        raise Problem(409, _("There is a value already.")) from error
    except IntentError as error:
        raise _wrong(error) from error
    return Status(201, _tagged(response, row))


@drift.get("/wanted/{int:baseline_id}", response=WantedOut, summary="One value")
@decorate_view(validated)
def get_wanted(request: HttpRequest, response: HttpResponse, baseline_id: int) -> Baseline:
    """The answer's ETag is what PUT and DELETE take as If-Match."""
    return _tagged(response, _seen(request, baseline_id))


@drift.put("/wanted/{int:baseline_id}", response=WantedOut, summary="Put another value in its place")
@decorate_view(validated)
def put_wanted(
    request: HttpRequest, response: HttpResponse, baseline_id: int, body: ValueIn, if_match: IfMatch = None
) -> Baseline:
    """Wants If-Match (else 428); 412 when it is no longer as it was read."""
    row = _managed(request, baseline_id, if_match)
    place = intents.Place(row.authority, row.platform, row.zone, None if row.device else row.site, row.device)
    try:
        made = intents.set_value(place=place, key=row.key, value=body.value, by=_person(request), seen=row.changed_at)
    except StaleValueError as error:
        raise conditional.changed() from error
    except IntentError as error:
        raise _wrong(error) from error
    return _tagged(response, made)


@drift.delete("/wanted/{int:baseline_id}", response={204: None}, summary="Take a value away")
def forget_wanted(request: HttpRequest, baseline_id: int, if_match: IfMatch = None) -> Status[None]:
    """Wants If-Match, as PUT does. What is wanted more broadly counts again."""
    row = _managed(request, baseline_id, if_match)
    if not intents.forget(baseline=row, by=_person(request)):
        raise conditional.changed()
    return Status(204, None)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user


def _version(row: Baseline) -> int:
    """When it was set, in microseconds."""
    return round(row.changed_at.timestamp() * 1_000_000)


def _tagged(response: HttpResponse, row: Baseline) -> Baseline:
    response.headers["ETag"] = f'"{_version(row)}"'
    return row


def _seen(request: HttpRequest, baseline_id: int) -> Baseline:
    return get_object_or_404(intents.values_seen_by(_person(request)), pk=baseline_id)


def _managed(request: HttpRequest, baseline_id: int, if_match: str | None) -> Baseline:
    row = _seen(request, baseline_id)
    if not _person(request).access.may(MANAGE, row.authority_id, row.site_id):
        raise Problem(403, words.refusal("no-role"))
    conditional.check(if_match, _version(row), needed=True)
    return row


def _place(user: User, body: WantedIn) -> intents.Place:
    """A place that this person manages; any other is none."""
    named = [name for name in ("authority_id", "zone_id", "site_id", "device_id") if getattr(body, name) is not None]
    if len(named) != 1 or (body.platform and named != ["authority_id"]):
        raise _problem("authority_id", _("Say where."))
    if body.platform and body.platform not in {name for key in keys().values() for name in key.where}:
        raise _problem("platform", _("There is no such choice here."))
    (name,) = named
    if (place := _FINDERS[name](user, body)) is None:
        raise _problem(name, _("There is no such choice here."))
    return place


def _authority(user: User, body: WantedIn) -> intents.Place | None:
    row = Authority.objects.filter(pk__in=user.access.scopes(MANAGE)).filter(pk=body.authority_id or 0).first()
    return intents.Place(row, platform=body.platform) if row else None


def _zone(user: User, body: WantedIn) -> intents.Place | None:
    rows = Zone.objects.filter(authority__in=user.access.scopes(MANAGE)).select_related("authority")
    row = rows.filter(pk=body.zone_id or 0).first()
    return intents.Place(row.authority, zone=row) if row else None


def _site(user: User, body: WantedIn) -> intents.Place | None:
    row = Site.objects.allowing(user, MANAGE).select_related("authority").filter(pk=body.site_id or 0).first()
    return intents.Place(row.authority, site=row) if row else None


def _device(user: User, body: WantedIn) -> intents.Place | None:
    rows = Device.objects.allowing(user, MANAGE).select_related("authority", "site")
    row = rows.filter(pk=body.device_id or 0).first()
    return intents.Place(row.authority, device=row) if row else None


_FINDERS = {"authority_id": _authority, "zone_id": _zone, "site_id": _site, "device_id": _device}


def _problem(name: str, sentence: str) -> Problem:
    return Problem(422, sentence, errors={name: [sentence]})


def _wrong(error: IntentError) -> Problem:
    return _problem("value", error.sentence)
