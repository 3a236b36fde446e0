"""/backups, /drift, /compliance: what devices have, where that differs from what is wanted, and how they stand to rules."""

from datetime import date, datetime

from celery import current_app
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from fleet.automation import words
from fleet.automation.declared import rules
from fleet.automation.models import Backup, Baseline, Change, Drift, SiteCheck
from fleet.automation.rules.compliance import Verdict
from fleet.automation.rules.configurations import Side, difference, masked
from fleet.automation.schemas import ChangeOut
from fleet.automation.services import backups as keeping
from fleet.automation.services import compliance as judging
from fleet.automation.services import drift as drifts
from fleet.automation.services.intent import IntentError
from fleet.automation.services.ordering import OrderError
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.instants import Day

backups = Router(tags=["automation"])
drift = Router(tags=["automation"])
compliance = Router(tags=["automation"])
SEEN, WORKED = Action.VIEW_DEVICE_DETAILS, Action.REQUEST_CHANGE
BROAD = {Baseline.Level.AUTHORITY.value, Baseline.Level.PLATFORM.value, Baseline.Level.ZONE.value}


class BackupOut(Schema):
    id: int
    device_id: int
    kind: str
    change_id: int | None
    fetched_at: datetime
    last_seen_at: datetime


class BackupTextOut(BackupOut):
    text: str
    """Secrets are `***`."""

    @staticmethod
    def resolve_text(backup: Backup) -> str:
        return masked(keeping.text_of(backup), backup.configuration.platform)


class DiffOut(Schema):
    diff: str


class DriftOut(Schema):
    id: int
    device_id: int
    site_id: int
    key: str
    diff: str
    state: str
    first_seen_at: datetime
    last_seen_at: datetime
    ignored_until: date | None
    reason: str
    change_id: int | None


class AdoptIn(Schema):
    level: Baseline.Level


class IgnoreIn(Schema):
    until: Day
    reason: str


class VerdictOut(Schema):
    rule: str
    module: str
    verdict: str


class JudgementOut(Schema):
    device_id: int = Field(alias="pk")
    site_id: int
    backup_id: int | None
    verdicts: list[VerdictOut]

    @staticmethod
    def resolve_verdicts(device: Device) -> list[VerdictOut]:
        known = getattr(device, "backup_state", None)
        said = known.verdicts if known else {}
        return [
            VerdictOut(rule=name, module=rule.module, verdict=said.get(name, Verdict.UNKNOWN))
            for name, rule in rules().items()
        ]


class CheckOut(Schema):
    id: int
    site_id: int
    night: date
    begun_at: datetime
    finished_at: datetime | None
    failed: bool
    devices: int
    differing: int
    unanswered: dict[int, str]
    """Device → what was said about it."""


@backups.get("/", response=list[BackupOut], summary="Versions of configurations, newest first")
@paginate(CursorPage, ordering=("-id",))
def list_backups(request: HttpRequest, device: int | None = None) -> QuerySet[Backup]:
    rows = Backup.objects.allowing(request.user, SEEN)
    return rows if device is None else rows.filter(device=device)


@backups.get("/{int:backup_id}", response=BackupTextOut, summary="One version, secrets hidden")
def get_backup(request: HttpRequest, backup_id: int) -> Backup:
    return _backup(request, backup_id, SEEN)


@backups.get("/{int:backup_id}/diff/{int:other_id}", response=DiffOut, summary="From one version to another of the device")
def diff_backups(request: HttpRequest, backup_id: int, other_id: int) -> DiffOut:
    one, other = _backup(request, backup_id, SEEN), _backup(request, other_id, SEEN)
    if one.device_id != other.device_id:
        raise Problem(404)
    sides = (Side(keeping.text_of(side), side.fetched_at.isoformat()) for side in (one, other))
    before, after = sides
    return DiffOut(diff=difference(before, after, one.configuration.platform))


@backups.post(
    "/{int:backup_id}/restore", response={201: ChangeOut}, summary="Ask for a change that brings this version back"
)
def restore_backup(request: HttpRequest, backup_id: int) -> Status[Change]:
    backup = _backup(request, backup_id, WORKED)
    try:
        return Status(201, keeping.restore(backup=backup, by=_person(request)))
    except OrderError as error:
        raise _refused(error) from error


@backups.post("/devices/{int:device_id}/fetch", response={202: None}, summary="Have a device's configuration fetched now")
def fetch_backup(request: HttpRequest, device_id: int) -> Status[None]:
    device = get_object_or_404(Device.objects.allowing(request.user, WORKED), pk=device_id)
    current_app.send_task("fleet.automation.fetch_backups", args=[[device.pk]])
    return Status(202, None)


@drift.get("/", response=list[DriftOut], summary="Where devices differ from what is wanted")
@paginate(CursorPage, ordering=("-id",))
def list_drift(request: HttpRequest, state: str = "open", site: int | None = None) -> QuerySet[Drift]:
    rows = Drift.objects.allowing(request.user, SEEN).filter(state=state)
    return rows if site is None else rows.filter(site=site)


@drift.post("/{int:drift_id}/adopt", response=DriftOut, summary="What the device has becomes what is wanted")
def adopt_drift(request: HttpRequest, drift_id: int, body: AdoptIn) -> Drift:
    row, by = _drift(request, drift_id), _person(request)
    if body.level.value in BROAD and not by.access.may(Action.MANAGE, row.authority_id):
        raise Problem(403, words.refusal("no-role"))
    try:
        drifts.adopt(drift=row, level=body.level.value, by=by)
    except IntentError as error:
        raise Problem(409, error.sentence) from error
    return _drift(request, drift_id)


@drift.post("/{int:drift_id}/restore", response={201: ChangeOut}, summary="Ask for a change that makes it as wanted")
def restore_drift(request: HttpRequest, drift_id: int) -> Status[Change]:
    try:
        return Status(201, drifts.restore(drift=_drift(request, drift_id), by=_person(request)))
    except IntentError as error:
        raise Problem(409, error.sentence) from error
    except OrderError as error:
        raise _refused(error) from error


@drift.post("/{int:drift_id}/ignore", response=DriftOut, summary="Not open until a day is over")
def ignore_drift(request: HttpRequest, drift_id: int, body: IgnoreIn) -> Drift:
    row = _drift(request, drift_id)
    try:
        drifts.ignore(drift=row, until=body.until, reason=body.reason, by=_person(request))
    except IntentError as error:
        raise Problem(409, error.sentence) from error
    return _drift(request, drift_id)


@drift.get("/checks", response=list[CheckOut], summary="What the nightly checks have found, newest first")
@paginate(CursorPage, ordering=("-id",))
def list_checks(request: HttpRequest, site: int | None = None) -> QuerySet[SiteCheck]:
    rows = SiteCheck.objects.allowing(request.user, SEEN)
    return rows if site is None else rows.filter(site=site)


@compliance.get("/", response=list[JudgementOut], summary="Devices by rule; unknown where there is no data")
@paginate(CursorPage, ordering=("id",))
def list_compliance(request: HttpRequest, site: int | None = None) -> QuerySet[Device]:
    latest = Backup.objects.filter(device=OuterRef("pk")).values("pk")[:1]
    devices = judging.judged_devices().allowing(request.user, SEEN).select_related("backup_state")
    devices = devices.annotate(backup_id=Subquery(latest))
    return devices if site is None else devices.filter(site=site)


def _backup(request: HttpRequest, backup_id: int, action: Action) -> Backup:
    rows = Backup.objects.allowing(request.user, action).select_related("configuration", "device")
    return get_object_or_404(rows, pk=backup_id)


def _drift(request: HttpRequest, drift_id: int) -> Drift:
    rows = Drift.objects.allowing(request.user, WORKED).select_related("device__type", "device__site", "device__authority")
    return get_object_or_404(rows, pk=drift_id)


def _refused(error: OrderError) -> Problem:
    return Problem(422, words.order_refused(), errors={name: [problem] for name, problem in error.problems.items()})


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
