"""/limits: where an alert opens and closes, for a device, a site, or a kind of device at an authority."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router

from fleet.devices.models import Device, DeviceType
from fleet.monitoring import metrics, words
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.rules.limits import Level, Limit, Place
from fleet.monitoring.schemas import LimitIn, LimitOut, ThresholdOut
from fleet.monitoring.services import limits
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.api import Problem

router = Router(tags=["monitoring"])


@dataclass(frozen=True)
class Target:
    """A place that the asker may look at, and the level at which limits are set there."""

    place: Place
    level: Level


def of_device(user: object, pk: int, action: Action) -> Target:
    """Raises Http404 for one that this person may not do `action` on."""
    row = get_object_or_404(Device.objects.allowing(_known(user), action), pk=pk)
    return Target(limits.place_of(row), Level.DEVICE)


def of_site(user: object, pk: int, action: Action) -> Target:
    row = get_object_or_404(Site.objects.allowing(_known(user), action), pk=pk)
    return Target(Place(row.authority_id, site_id=row.pk), Level.SITE)


def of_kind(user: object, authority_id: int, kind: str, action: Action) -> Target:
    if kind not in DeviceType.Kind.values or not _known(user).access.may(action, authority_id):
        raise Http404
    return Target(Place(authority_id, kind), Level.KIND)


def _known(user: object) -> User:
    if not isinstance(user, User):
        raise Http404
    return user


DETAILS, SET = Action.VIEW_DEVICE_DETAILS, Action.SET_LIMITS


@router.get("/device/{int:device_id}", response=list[LimitOut], summary="The limits of a device")
def device_limits(request: HttpRequest, device_id: int) -> list[LimitOut]:
    return _all(of_device(request.user, device_id, DETAILS))


@router.get("/site/{int:site_id}", response=list[LimitOut], summary="The limits that a site sets for all its devices")
def site_limits(request: HttpRequest, site_id: int) -> list[LimitOut]:
    return _all(of_site(request.user, site_id, DETAILS))


@router.get("/kind/{int:authority_id}/{kind}", response=list[LimitOut], summary="The limits of a kind of device")
def kind_limits(request: HttpRequest, authority_id: int, kind: str) -> list[LimitOut]:
    return _all(of_kind(request.user, authority_id, kind, DETAILS))


@router.put("/device/{int:device_id}/{metric}", response=LimitOut, summary="Set a device's limit")
def set_device_limit(request: HttpRequest, device_id: int, metric: str, wish: LimitIn) -> LimitOut:
    return _set(request, of_device(request.user, device_id, SET), metric, wish)


@router.put("/site/{int:site_id}/{metric}", response=LimitOut, summary="Set a limit for all devices of a site")
def set_site_limit(request: HttpRequest, site_id: int, metric: str, wish: LimitIn) -> LimitOut:
    return _set(request, of_site(request.user, site_id, SET), metric, wish)


@router.put("/kind/{int:authority_id}/{kind}/{metric}", response=LimitOut, summary="Set the limit of a kind of device")
def set_kind_limit(request: HttpRequest, authority_id: int, kind: str, metric: str, wish: LimitIn) -> LimitOut:
    return _set(request, of_kind(request.user, authority_id, kind, SET), metric, wish)


@router.delete("/device/{int:device_id}/{metric}", response=LimitOut, summary="Back to what applies above")
def reset_device_limit(request: HttpRequest, device_id: int, metric: str) -> LimitOut:
    return _reset(of_device(request.user, device_id, SET), metric)


@router.delete("/site/{int:site_id}/{metric}", response=LimitOut, summary="Back to what applies above")
def reset_site_limit(request: HttpRequest, site_id: int, metric: str) -> LimitOut:
    return _reset(of_site(request.user, site_id, SET), metric)


@router.delete("/kind/{int:authority_id}/{kind}/{metric}", response=LimitOut, summary="Back to what applies above")
def reset_kind_limit(request: HttpRequest, authority_id: int, kind: str, metric: str) -> LimitOut:
    return _reset(of_kind(request.user, authority_id, kind, SET), metric)


def _all(target: Target) -> list[LimitOut]:
    book = limits.read()
    return [_out(name, book.limit(name, target.place, target.level)) for name in metrics.known()]


def _set(request: HttpRequest, target: Target, metric: str, wish: LimitIn) -> LimitOut:
    if metric not in metrics.known():
        raise Problem(404, _("There is no such metric."))
    by, threshold = _known(request.user), _threshold(metric, wish)
    return _out(metric, limits.set_limit(place=target.place, level=target.level, metric=metric, threshold=threshold, by=by))


def _threshold(metric: str, wish: LimitIn) -> Threshold | None:
    if wish.threshold is None:
        return None
    wrong = words.wrong_order(metrics.known()[metric], wish.threshold.open, wish.threshold.clear)
    if wrong:
        raise Problem(422, _("Some fields are not as they have to be."), {"clear": [wrong]})
    return Threshold(**wish.threshold.model_dump())


def _reset(target: Target, metric: str) -> LimitOut:
    if metric not in metrics.known():
        raise Problem(404, _("There is no such metric."))
    return _out(metric, limits.back_to_default(place=target.place, level=target.level, metric=metric))


def _out(metric: str, limit: Limit) -> LimitOut:
    threshold = ThresholdOut(**limit.threshold.model_dump()) if limit.threshold else None
    return LimitOut(metric=metric, unit=metrics.known()[metric].unit, threshold=threshold, origin=limit.level)
