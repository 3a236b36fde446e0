"""/policy and /changes/{id}/policy: when changes may happen, who decides for whom, and why not now."""

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

from fleet.automation import policy_words, words
from fleet.automation.api.changes import changes
from fleet.automation.models import Change, ChangeWindow, Delegation, Freeze, Override
from fleet.automation.rules.policy import Answer, Reason
from fleet.automation.services import delegating, freezing, overriding
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.policy import why_not_now
from fleet.devices.models import DeviceType
from fleet.monitoring.rules.maintenance import LONGEST
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.api import CursorPage, Problem
from fleet.web.instants import Day, Instant
from fleet.web.once import IdempotencyKey, made_by_key

policy = Router(tags=["policy"])
MANAGE = Action.MANAGE_POLICY


class FreezeOut(Schema):
    id: int
    authority_id: int
    site_id: int | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    ended_at: datetime | None


class WindowOut(FreezeOut):
    """`starts_at` and `ends_at` are of the first time."""

    kind: str
    timezone: str
    repeats: str
    repeats_until: date | None


class FreezeIn(Schema):
    """Without `site_id` it is for the whole authority."""

    starts_at: Instant
    ends_at: Instant
    reason: str = Field(min_length=1, max_length=200)
    site_id: int | None = None
    authority_id: int | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError(_("It ends before it begins."))
        return self


class ChangeWindowIn(FreezeIn):
    kind: str = ""
    repeats: Literal["never", "daily", "weekly", "monthly"] = "never"
    repeats_until: Day | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.ends_at - self.starts_at > LONGEST:
            raise ValueError(_("One time may take 31 days at most."))
        if self.kind and self.kind not in DeviceType.Kind.values:
            raise ValueError(_("There is no such kind of device."))
        return self


class DelegationOut(Schema):
    id: int
    person_id: int
    person: str = Field(alias="person.name")
    deputy_id: int
    deputy: str = Field(alias="deputy.name")
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None


class DelegationIn(Schema):
    """Without `person_id` it is one's own leave."""

    deputy_id: int
    starts_at: Instant
    ends_at: Instant
    person_id: int | None = None


class ReasonOut(Schema):
    key: str
    sentence: str
    blocks: bool
    site_id: int | None = None
    until: datetime | None = None


class OverrideOut(Schema):
    id: int
    reason: str
    asked_by: str = Field(alias="asked_by.name")
    asked_at: datetime
    agreed_by: str | None
    agreed_at: datetime | None

    @staticmethod
    def resolve_agreed_by(row: Override) -> str | None:
        return row.agreed_by.name if row.agreed_by else None


class AnswerOut(Schema):
    """`next_at`: the earliest time at which it may begin; null when there is none within 60 days."""

    at: datetime
    allowed: bool
    reasons: list[ReasonOut]
    next_at: datetime | None
    override: OverrideOut | None


class OverrideIn(Schema):
    digest: str
    """The digest of what you looked at."""
    reason: str = Field(min_length=1, max_length=500)


class AgreeIn(Schema):
    digest: str


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(403, words.refusal("no-role"))
    return request.user


def _stretch(request: HttpRequest, body: FreezeIn) -> freezing.Stretch:
    user = _person(request)
    details: dict[str, Any] = body.dict(exclude={"site_id", "authority_id"})
    if body.site_id is not None:
        site = Site.objects.allowing(user, MANAGE).filter(pk=body.site_id).first()
        if site is None:
            raise Problem(422, _("There is no such site."), errors={"site_id": [_("There is no such site.")]})
        return freezing.Stretch(site.authority_id, site, **details)
    if body.authority_id is None or not user.access.may(MANAGE, body.authority_id):
        raise Problem(422, _("Say where."), errors={"site_id": [_("Say where.")]})
    return freezing.Stretch(body.authority_id, None, **details)


@policy.get("/freezes", response=list[FreezeOut], summary="When nothing is changed")
@paginate(CursorPage, ordering=("-id",))
def list_freezes(request: HttpRequest, *, over: bool = False) -> QuerySet[Freeze]:
    rows = Freeze.objects.visible_to(request.user)
    return rows if over else rows.to_come(timezone.now())


@policy.post("/freezes", response={201: FreezeOut}, summary="Freeze a site or an authority")
def freeze(request: HttpRequest, body: FreezeIn, idempotency_key: IdempotencyKey = None) -> Status[Freeze]:
    def make() -> int:
        return freezing.freeze(stretch=_stretch(request, body), by=_person(request)).pk

    return Status(201, Freeze.objects.get(pk=made_by_key(request, "freeze", idempotency_key, make)))


@policy.post("/freezes/{int:freeze_id}/end", response=FreezeOut, summary="End a freeze now")
def end_freeze(request: HttpRequest, freeze_id: int) -> Freeze:
    row = get_object_or_404(Freeze.objects.allowing(request.user, MANAGE), pk=freeze_id)
    _end(request, row)
    return row


@policy.get("/windows", response=list[WindowOut], summary="When changes are welcome")
@paginate(CursorPage, ordering=("-id",))
def list_windows(request: HttpRequest, *, over: bool = False) -> QuerySet[ChangeWindow]:
    rows = ChangeWindow.objects.visible_to(request.user)
    return rows if over else rows.to_come(timezone.now())


@policy.post("/windows", response={201: WindowOut}, summary="Open a change window")
def open_window(request: HttpRequest, body: ChangeWindowIn, idempotency_key: IdempotencyKey = None) -> Status[ChangeWindow]:
    def make() -> int:
        return freezing.open_window(stretch=_stretch(request, body), by=_person(request)).pk

    return Status(201, ChangeWindow.objects.get(pk=made_by_key(request, "window", idempotency_key, make)))


@policy.post("/windows/{int:change_window_id}/end", response=WindowOut, summary="End a change window for good")
def end_window(request: HttpRequest, change_window_id: int) -> ChangeWindow:
    row = get_object_or_404(ChangeWindow.objects.allowing(request.user, MANAGE), pk=change_window_id)
    _end(request, row)
    return row


def _end(request: HttpRequest, row: Freeze | ChangeWindow) -> None:
    if not freezing.end(row=row, by=_person(request)):
        raise Problem(409, _("It has changed meanwhile. Please look again."))
    row.refresh_from_db()


@policy.get("/delegations", response=list[DelegationOut], summary="Who decides for whom")
@paginate(CursorPage, ordering=("-id",))
def list_delegations(request: HttpRequest) -> QuerySet[Delegation]:
    return Delegation.objects.visible_to(request.user).select_related("person", "deputy")


@policy.post("/delegations", response={201: DelegationOut}, summary="Let a deputy decide while somebody is away")
def delegate(request: HttpRequest, body: DelegationIn, idempotency_key: IdempotencyKey = None) -> Status[Delegation]:
    user = _person(request)
    person = User.objects.filter(pk=body.person_id, is_active=True).first() if body.person_id is not None else user
    scopes = user.access.scopes(Action.APPROVE_CHANGE) | user.access.scopes(MANAGE)
    deputy = delegating.colleagues(scopes).filter(pk=body.deputy_id).first()
    if person is None or deputy is None:
        raise Problem(422, _("There is no such person."), errors={"deputy_id": [_("There is no such person.")]})
    leave = delegating.Leave(person, deputy, body.starts_at, body.ends_at)
    try:
        pk = made_by_key(request, "delegation", idempotency_key, lambda: delegating.delegate(leave=leave, by=user).pk)
    except delegating.LeaveError as error:
        raise Problem(422, policy_words.leave_problem(error.key)) from error
    return Status(201, Delegation.objects.select_related("person", "deputy").get(pk=pk))


@policy.post("/delegations/{int:delegation_id}/end", response=DelegationOut, summary="Back earlier")
def end_delegation(request: HttpRequest, delegation_id: int) -> Delegation:
    rows = Delegation.objects.endable_by(request.user).select_related("person", "deputy")
    row = get_object_or_404(rows, pk=delegation_id)
    if not delegating.end(row=row, by=_person(request)):
        raise Problem(409, _("It has changed meanwhile. Please look again."))
    row.refresh_from_db()
    return row


@changes.get("/{int:change_id}/policy", response=AnswerOut, summary="Why not now, and when next")
def why_not(request: HttpRequest, change_id: int, at: Instant | None = None) -> dict[str, Any]:
    """At its own time or now, whichever is later; or at the time you ask about, which lies at most a year ahead."""
    change = get_object_or_404(Change.objects.visible_to(request.user), pk=change_id)
    now = timezone.now()
    wanted = max(now, change.starts_at) if at is None else at
    if abs(wanted - now) > timedelta(days=366):
        raise Problem(422, _("Ask about a time within a year."), errors={"at": [_("Ask about a time within a year.")]})
    return _answer(_person(request), change, wanted)


@changes.post("/{int:change_id}/override", response=AnswerOut, summary="Ask for an exception from the clock")
def ask_override(request: HttpRequest, change_id: int, body: OverrideIn) -> dict[str, Any]:
    """The first of two people. Nothing changes until another one agrees."""
    change = get_object_or_404(Change.objects.allowing(request.user, Action.OVERRIDE_POLICY), pk=change_id)
    try:
        overriding.ask(change=change, digest=body.digest, reason=body.reason, by=_person(request))
    except DecisionError as error:
        raise Problem(409, words.refusal(error.key)) from error
    return _answer(_person(request), change, max(timezone.now(), change.starts_at))


@changes.post("/{int:change_id}/override/agree", response=AnswerOut, summary="Agree to an exception, as the second person")
def agree_override(request: HttpRequest, change_id: int, body: AgreeIn) -> dict[str, Any]:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.OVERRIDE_POLICY), pk=change_id)
    try:
        overriding.agree(change=change, digest=body.digest, by=_person(request))
    except DecisionError as error:
        raise Problem(409, words.refusal(error.key)) from error
    return _answer(_person(request), change, max(timezone.now(), change.starts_at))


def _answer(user: User, change: Change, at: datetime) -> dict[str, Any]:
    answer: Answer = why_not_now(change, list(change.targets.values_list("device_id", flat=True)), at)
    named = {one.details["site_id"] for one in answer.reasons if "site_id" in one.details}
    seen = set(Site.objects.visible_to(user).filter(pk__in=named).values_list("pk", flat=True))
    return {
        "at": at,
        "allowed": answer.allowed,
        "reasons": [_reason(one, seen) for one in answer.reasons],
        "next_at": answer.next_at,
        "override": overriding.of_change(change),
    }


def _reason(one: Reason, seen: set[int]) -> dict[str, Any]:
    site_id = one.details.get("site_id")
    return {
        "key": one.key,
        "sentence": policy_words.reason(one, seen),
        "blocks": one.blocks,
        "site_id": site_id if site_id in seen else None,
        "until": one.details.get("until"),
    }
