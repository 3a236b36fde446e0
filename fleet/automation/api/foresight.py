"""/devices/{id}/what-if, /what-if, and the end of time-boxed changes."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.params.functions import Query

from fleet.automation.models import Change
from fleet.automation.rules import outlook as rules
from fleet.automation.rules.outlook import Impact
from fleet.automation.services import boxes, outlook
from fleet.automation.services.boxes import BoxError
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.boxes import refused
from fleet.automation.views.outlook import LONGEST, USUAL, person
from fleet.devices.models import Device
from fleet.people.rules import Action
from fleet.web.api import Problem
from fleet.web.instants import Instant

devices = Router(tags=["automation"])
what_if = Router(tags=["automation"])
boxed = Router(tags=["automation"])
DETAILS = Action.VIEW_DEVICE_DETAILS
MOST = 5000
From = Annotated[Instant | None, Query(None, alias="from")]
To = Annotated[Instant | None, Query(None, alias="to")]


class StruckOut(Schema):
    id: int
    name: str
    kind: str
    why: str
    """chosen, power (its PoE goes) or uplink (its last way up goes)."""
    site_id: int
    room_id: int | None
    clients: int | None
    """Connected when last asked; null too where it were fewer than five."""


class RoomHitOut(Schema):
    id: int
    site_id: int
    building: str
    number: str
    name: str
    lessons: int
    devices: list[str]


class LessonOut(Schema):
    number: int
    begins_at: datetime
    ends_at: datetime


class SiteHitOut(Schema):
    id: int
    name: str
    lessons: list[LessonOut]
    exams: list[str]
    naps: list[tuple[datetime, datetime]]
    bells_assumed: bool

    @staticmethod
    def resolve_lessons(site: rules.SiteHit) -> list[dict[str, Any]]:
        return [{"number": number, "begins_at": begins, "ends_at": ends} for number, begins, ends in site.lessons]


class PoeHitOut(Schema):
    switch: str
    fed: list[str]
    needs_w: float | None
    at_least_w: float
    spare: list[tuple[str, float]]
    unknown: list[str]
    suffices: bool | None


class PeopleOut(Schema):
    about: int | None
    fewer_than: int | None


class ImpactOut(Schema):
    begins_at: datetime
    ends_at: datetime
    lessons: int
    """Lessons times rooms."""
    people: PeopleOut
    devices: list[StruckOut]
    rooms: list[RoomHitOut]
    sites: list[SiteHitOut]
    poe: list[PoeHitOut]

    @staticmethod
    def resolve_people(impact: Impact) -> dict[str, Any]:
        return rules.people(impact.clients)

    @staticmethod
    def resolve_devices(impact: Impact) -> list[rules.Struck]:
        return [rules.without_counts(one) for one in impact.devices]


class WhatIfIn(Schema):
    device_ids: list[int] = Field(max_length=MOST)
    begins_at: Instant = Field(alias="from")
    ends_at: Instant = Field(alias="to")


class EndIn(Schema):
    ends_at: Instant


class BoxOut(Schema):
    id: int
    box: str
    ends_at: datetime | None


@devices.get("/{int:device_id}/what-if", response=ImpactOut, summary="What it would mean if it were off from then to then")
def device_what_if(
    request: HttpRequest,
    device_id: int,
    begins_at: From = None,
    ends_at: To = None,
) -> Impact:
    """Without `from` it begins now; without `to` it lasts ten minutes."""
    device = get_object_or_404(Device.objects.allowing(request.user, DETAILS), pk=device_id)
    begin = begins_at or timezone.now()
    return _impact([device.pk], begin, ends_at or begin + USUAL)


@what_if.post("", response=ImpactOut, summary="The same for several devices; nothing is written")
def devices_what_if(request: HttpRequest, body: WhatIfIn) -> Impact:
    mine = Device.objects.allowing(request.user, DETAILS).filter(pk__in=body.device_ids).values_list("pk", flat=True)
    found = set(mine)
    if not found or found != set(body.device_ids):
        raise Problem(422, _("There is no such device, or it is not yours to look at."))
    return _impact(sorted(found), body.begins_at, body.ends_at)


def _impact(device_ids: list[int], begins_at: datetime, ends_at: datetime) -> Impact:
    if ends_at <= begins_at:
        raise Problem(422, _("The end must be after the beginning."))
    if ends_at - begins_at > LONGEST:
        raise Problem(422, _("At most %(days)d days.") % {"days": rules.LONGEST_DAYS})
    return outlook.impact(device_ids, begins_at, ends_at)


@boxed.post(
    "/{int:change_id}/extend", response=BoxOut, summary="Take it back at another time, or ask others to agree to that"
)
def extend(request: HttpRequest, change_id: int, body: EndIn) -> Change:
    change = _controlled(request, change_id)
    try:
        boxes.extend(change=change, ends_at=body.ends_at, by=person(request))
    except (BoxError, DecisionError) as error:
        raise Problem(409, refused(error)) from error
    return change


@boxed.post("/{int:change_id}/end-now", response=BoxOut, summary="Take it back now, if others agree")
def end_now(request: HttpRequest, change_id: int) -> Change:
    change = _controlled(request, change_id)
    try:
        boxes.end_now(change=change, by=person(request))
    except (BoxError, DecisionError) as error:
        raise Problem(409, refused(error)) from error
    return change


def _controlled(request: HttpRequest, change_id: int) -> Change:
    return get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=change_id)
