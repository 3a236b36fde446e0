"""/remedies, /schedules and /devices/{id}/audit."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from fleet.automation import audit, remedybook, words
from fleet.automation.catalogue import get
from fleet.automation.models import RemedyAct, RemedyPolicy, Schedule
from fleet.automation.services import binding, remedies, schedules
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.ordering import OrderError
from fleet.automation.services.schedules import RIGHT, Standing
from fleet.automation.views.outlook import person
from fleet.automation.views.remedies import place_of
from fleet.automation.views.schedules import visible
from fleet.devices.models import Device
from fleet.people.rules import Action
from fleet.secrets.types import MASK
from fleet.sites.models import Site
from fleet.web.api import CursorPage, Problem
from fleet.web.instants import Instant
from fleet.web.once import IdempotencyKey, made_by_key

cures = Router(tags=["automation"])
standing = Router(tags=["automation"])
audits = Router(tags=["automation"])


class PolicyOut(Schema):
    id: int
    remedy: str
    authority_id: int
    site_id: int | None
    enabled: bool
    most_a_day: int | None
    digest: str
    """What a signature agrees to; empty where there is no such remedy any more."""
    signed_by: list[int]
    """People whose signatures hold now."""

    @staticmethod
    def resolve_digest(row: RemedyPolicy) -> str:
        remedy = remedybook.known().get(row.remedy)
        return binding.digest_of(remedy, get(remedy.playbook), row) if remedy else ""

    @staticmethod
    def resolve_signed_by(row: RemedyPolicy) -> list[int]:
        remedy = remedybook.known().get(row.remedy)
        return [one.signer_id for one in binding.signed(remedy, row)] if remedy else []


class PolicyIn(Schema):
    scope_id: int
    """An authority, or one site of it."""
    enabled: bool | None
    """null: as the authority has it."""
    most_a_day: int | None = Field(None, ge=1, le=1000)
    """On all devices there together. Above low risk it is needed, and somebody has to sign."""


class SignatureIn(Schema):
    digest: str
    """Of the binding that was looked at."""


class ActOut(Schema):
    id: int
    remedy: str
    alert_id: int
    device_id: int
    change_id: int | None
    state: str
    reason: str
    called_at: datetime
    ended_at: datetime | None


@cures.get("/", response=list[PolicyOut], summary="Which remedies run by themselves where; what is not named is off")
@paginate(CursorPage, ordering=("-id",))
def list_policies(request: HttpRequest) -> QuerySet[RemedyPolicy]:
    return RemedyPolicy.objects.visible_to(request.user).prefetch_related(binding.SIGNERS)


@cures.get("/acts", response=list[ActOut], summary="What remedies have done, newest first")
@paginate(CursorPage, ordering=("-id",))
def list_acts(request: HttpRequest) -> QuerySet[RemedyAct]:
    return RemedyAct.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS)


@cures.put("/{slug}", response={204: None}, summary="Switch a remedy on or off at an authority or a site")
def set_policy(request: HttpRequest, slug: str, body: PolicyIn) -> Status[None]:
    user = person(request)
    place = place_of(user, body.scope_id)
    remedy = remedybook.known().get(slug)
    if remedy is None or place is None:
        raise Http404
    if body.enabled and body.most_a_day is None and binding.needed(get(remedy.playbook)):
        raise Problem(422, words.order_refused(), errors={"most_a_day": [_("Above low risk a limit is needed.")]})
    remedies.set_policy(remedy=slug, place=place, wanted=body.enabled, by=user, most_a_day=body.most_a_day)
    return Status(204, None)


@cures.post(
    "/policies/{int:policy_id}/sign", response={204: None}, summary="Agree that it runs by itself as it is bound now"
)
def sign_policy(request: HttpRequest, policy_id: int, body: SignatureIn) -> Status[None]:
    user = person(request)
    policy = get_object_or_404(RemedyPolicy.objects.visible_to(user), pk=policy_id)
    remedy = remedybook.known().get(policy.remedy)
    if remedy is None:
        raise Http404
    try:
        binding.sign(remedy=remedy, policy=policy, by=user, digest=body.digest)
    except DecisionError as error:
        raise Problem(409, words.refusal(error.key)) from error
    return Status(204, None)


class ScheduleIn(Schema):
    site_id: int
    name: str = Field(min_length=1, max_length=100)
    playbook: str
    rule: str
    """RRULE of RFC 5545, at most daily: `FREQ=MONTHLY;BYMONTHDAY=1`."""
    starts_at: Instant
    arguments: dict[str, Any] = Field(default_factory=dict)
    device_ids: list[int] = Field(default_factory=list)
    kind: str = ""
    lasts_s: int | None = Field(None, ge=60, le=31 * 86_400)


class ScheduleOut(Schema):
    id: int
    site_id: int
    name: str
    owner: str = Field(alias="owner.name")
    playbook: str
    rule: str
    starts_at: datetime
    device_ids: list[int]
    kind: str
    lasts_s: int | None
    enabled: bool
    next_at: datetime | None
    last_at: datetime | None
    last_change_id: int | None
    last_problem: str
    arguments: dict[str, Any]

    @staticmethod
    def resolve_arguments(row: Schedule) -> dict[str, Any]:
        return {**row.arguments, **dict.fromkeys(row.secret_arguments or {}, MASK)}


class EnabledIn(Schema):
    enabled: bool


@standing.get("/", response=list[ScheduleOut], summary="Changes that are asked for again and again")
@paginate(CursorPage, ordering=("-id",))
def list_schedules(request: HttpRequest) -> QuerySet[Schedule]:
    return visible(person(request)).defer(None).select_related("owner")


@standing.post("/", response={201: ScheduleOut}, summary="Ask for a change again and again")
def create_schedule(request: HttpRequest, body: ScheduleIn, idempotency_key: IdempotencyKey = None) -> Status[Schedule]:
    site = Site.objects.allowing(request.user, RIGHT).filter(pk=body.site_id).first()
    if site is None:
        raise Problem(422, words.order_refused(), errors={"site_id": [_("Your role does not include this.")]})
    said = body.dict(exclude={"site_id", "lasts_s", "device_ids"})
    lasts = timedelta(seconds=body.lasts_s) if body.lasts_s else None
    wish = Standing(site=site, device_ids=tuple(body.device_ids), lasts=lasts, **said)
    owner = person(request)
    try:
        pk = made_by_key(request, "schedule", idempotency_key, lambda: schedules.create(standing=wish, owner=owner).pk)
    except OrderError as error:
        problems = {name: [problem] for name, problem in error.problems.items()}
        raise Problem(422, words.order_refused(), errors=problems) from error
    return Status(201, _mine(request, pk))


@standing.put("/{int:schedule_id}", response=ScheduleOut, summary="Switch it on or off")
def switch_schedule(request: HttpRequest, schedule_id: int, body: EnabledIn) -> Schedule:
    row = _mine(request, schedule_id)
    schedules.switch(schedule=row, enabled=body.enabled, by=person(request))
    return _mine(request, schedule_id)


@standing.delete("/{int:schedule_id}", response={204: None}, summary="Remove it")
def remove_schedule(request: HttpRequest, schedule_id: int) -> Status[None]:
    schedules.remove(schedule=_mine(request, schedule_id), by=person(request))
    return Status(204, None)


def _mine(request: HttpRequest, schedule_id: int) -> Schedule:
    return get_object_or_404(Schedule.objects.allowing(request.user, RIGHT).select_related("owner"), pk=schedule_id)


class AuditApprovalOut(Schema):
    who: str
    decision: str
    at: datetime
    on_behalf_of: str
    comment: str
    void: bool
    """It counts no more: what was agreed to was not begun in time, or has changed."""


class AuditActOut(Schema):
    what: str
    who: str
    at: datetime


class AuditDidOut(Schema):
    kind: str
    state: str
    verdict: str
    at: datetime | None


class AuditOut(Schema):
    change_id: int
    title: str
    arguments: str
    """Without the secret ones."""
    state: str
    asked_at: datetime
    asked_by: str
    reason: str
    approvals: list[AuditApprovalOut]
    acts: list[AuditActOut]
    did: list[AuditDidOut]
    held: str
    box: str


@audits.get("/{int:device_id}/audit", response=list[AuditOut], summary="Every change of a device, newest first")
def device_audit(request: HttpRequest, device_id: int, before: int | None = None) -> list[audit.Entry]:
    """Fifty at a time; `before` is the change_id of the last one that you have."""
    get_object_or_404(Device.objects.allowing(request.user, audit.AUDIT), pk=device_id)
    rows = audit.changes(person(request), device_id)
    rows = rows if before is None else rows.filter(pk__lt=before)
    return audit.entries(rows[:50])
