"""/maintenance: what is being worked on, for programs."""

from datetime import date, datetime, timedelta
from typing import Any, Literal, Self

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate
from pydantic import model_validator

from fleet.devices.models import Device, DeviceType
from fleet.monitoring.models import MaintenanceWindow
from fleet.monitoring.rules import maintenance as rules
from fleet.monitoring.services import maintenance as services
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.api import CursorPage, Problem
from fleet.web.instants import Day, Instant

router = Router(tags=["maintenance"])
PLAN = Action.PLAN_MAINTENANCE


class WindowOut(Schema):
    """`starts_at` and `ends_at` are of the first time; `over_at` is null while it repeats without end."""

    id: int
    authority_id: int
    site_id: int | None
    covers: str
    kind: str
    device_ids: list[int]
    starts_at: datetime
    ends_at: datetime
    timezone: str
    repeats: str
    repeats_until: date | None
    reason: str
    over_at: datetime | None
    active: bool

    @staticmethod
    def resolve_device_ids(window: MaintenanceWindow) -> list[int]:
        return sorted(device.pk for device in window.devices.all())

    @staticmethod
    def resolve_active(window: MaintenanceWindow) -> bool:
        return rules.current(window.plan, timezone.now()) is not None


class WindowIn(Schema):
    """With `covers` = kind and no site it is for the whole authority; with devices, `device_ids` names them."""

    covers: Literal["devices", "site", "kind"]
    starts_at: Instant
    ends_at: Instant
    reason: str = Field(min_length=1, max_length=200)
    site_id: int | None = None
    authority_id: int | None = None
    kind: str = ""
    device_ids: list[int] = []
    repeats: Literal["never", "daily", "weekly", "monthly"] = "never"
    repeats_until: Day | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not timedelta(0) < self.ends_at - self.starts_at <= rules.LONGEST:
            raise ValueError(_("One time ends after it begins, and takes 31 days at most."))
        if (self.covers == "kind") != bool(self.kind) or (self.kind and self.kind not in DeviceType.Kind.values):
            raise ValueError(_("Choose a kind of device."))
        if (self.covers == "devices") != bool(self.device_ids):
            raise ValueError(_("Choose the devices."))
        if self.repeats_until and (self.repeats == "never" or self.repeats_until < self.starts_at.date()):
            raise ValueError(_("The last day lies before the first."))
        return self


def _mine(request: HttpRequest) -> QuerySet[MaintenanceWindow]:
    return MaintenanceWindow.objects.visible_to(request.user).prefetch_related("devices")


@router.get("/", response=list[WindowOut], summary="Maintenance windows, the latest beginning first")
@paginate(CursorPage, ordering=("-starts_at", "-id"))
def list_windows(request: HttpRequest, site: int | None = None, *, over: bool | None = None) -> QuerySet[MaintenanceWindow]:
    rows = _mine(request)
    if site is not None:
        rows = rows.filter(site_id=site)
    if over is None:
        return rows
    ended = MaintenanceWindow.objects.over(timezone.now()).values("pk")
    return rows.filter(pk__in=ended) if over else rows.exclude(pk__in=ended)


@router.post("/", response={201: WindowOut}, summary="Plan maintenance")
def plan(request: HttpRequest, body: WindowIn) -> Status[MaintenanceWindow]:
    """The same planned twice by the same person is one."""
    user = _person(request)
    authority_id, site = _place(user, body)
    devices = (
        Device.objects.allowing(user, PLAN).filter(site=site, pk__in=body.device_ids) if site else Device.objects.none()
    )
    if devices.count() != len(set(body.device_ids)):
        raise Problem(422, _("There is no such device."), errors={"device_ids": [_("There is no such device.")]})
    details: dict[str, Any] = body.dict(exclude={"site_id", "authority_id"})
    planned = services.Planned(site=site, **details)
    return Status(201, services.plan(authority_id=authority_id, planned=planned, by=user))


def _place(user: User, body: WindowIn) -> tuple[int, Site | None]:
    if body.site_id is not None:
        site = Site.objects.allowing(user, PLAN).filter(pk=body.site_id).first()
        if site is None:
            raise Problem(422, _("There is no such site."), errors={"site_id": [_("There is no such site.")]})
        return site.authority_id, site
    may = body.authority_id is not None and user.access.may(PLAN, body.authority_id)
    if body.covers != "kind" or body.authority_id is None or not may:
        problem = _("Say where. Everywhere only one kind of device can be maintained at a time.")
        raise Problem(422, problem, errors={"site_id": [problem]})
    return body.authority_id, None


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(403, _("Your role does not include this."))
    return request.user


@router.get("/{int:window_id}", response=WindowOut, summary="One window")
def window(request: HttpRequest, window_id: int) -> MaintenanceWindow:
    return get_object_or_404(_mine(request), pk=window_id)


def _planned(request: HttpRequest, window_id: int) -> tuple[MaintenanceWindow, User]:
    rows = MaintenanceWindow.objects.allowing(request.user, PLAN)
    return get_object_or_404(rows, pk=window_id), _person(request)


@router.post("/{int:window_id}/end", response=WindowOut, summary="End what is going on now")
def end(request: HttpRequest, window_id: int) -> MaintenanceWindow:
    """A repeating one comes again next time."""
    row, user = _planned(request, window_id)
    return _done(services.end_early(window=row, at=timezone.now(), by=user), row)


@router.post("/{int:window_id}/stop", response=WindowOut, summary="Let nothing of it hold any more")
def stop(request: HttpRequest, window_id: int) -> MaintenanceWindow:
    row, user = _planned(request, window_id)
    return _done(services.stop(window=row, at=timezone.now(), by=user), row)


@router.delete("/{int:window_id}", response={204: None}, summary="Take it back before it begins")
def take_back(request: HttpRequest, window_id: int) -> Status[None]:
    row, user = _planned(request, window_id)
    _done(services.take_back(window=row, at=timezone.now(), by=user), row)
    return Status(204, None)


def _done(done: bool, row: MaintenanceWindow) -> MaintenanceWindow:
    if not done:
        raise Problem(409, _("It has changed meanwhile. Please look again."))
    return row
