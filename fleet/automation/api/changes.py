"""/playbooks, /changes: what can be done, what was asked, who agreed, what ran, what was measured."""

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Status
from ninja.pagination import paginate

from fleet.automation import catalogue, services, words
from fleet.automation.inventory import manageable
from fleet.automation.models import Approval, Change, HostResult, LogLine, Run
from fleet.automation.rules.rollout import Strategy, StrategyError
from fleet.automation.schemas import (
    ChangeDetailOut,
    ChangeIn,
    ChangeOut,
    DecisionIn,
    LogLineOut,
    PlaybookOut,
)
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.changes import own_lines
from fleet.automation.views.playbooks import shown_to
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.once import IdempotencyKey, key_for

playbooks = Router(tags=["automation"])
changes = Router(tags=["automation"])


@playbooks.get("/", response=list[PlaybookOut], summary="What can be done")
def list_playbooks(request: HttpRequest) -> list[catalogue.Playbook]:
    return shown_to(_person(request))


@changes.get("/", response=list[ChangeOut], summary="Changes, newest first")
@paginate(CursorPage, ordering=("-id",))
def list_changes(request: HttpRequest, state: str | None = None, site: int | None = None) -> QuerySet[Change]:
    chosen = {"state": state, "site_id": site}
    rows = Change.objects.visible_to(request.user).select_related("requested_by")
    return rows.filter(**{name: value for name, value in chosen.items() if value is not None})


@changes.post("/", response={201: ChangeDetailOut}, summary="Ask for a change")
def create_change(request: HttpRequest, body: ChangeIn, idempotency_key: IdempotencyKey = None) -> Status[Change]:
    user = _person(request)
    if not user.access.anywhere(Action.REQUEST_CHANGE):
        raise Problem(403, words.refusal("no-role"))
    order = services.Order(
        **body.dict(exclude={"device_ids", "filter", "strategy"}),
        device_ids=_meant(user, body),
        matched=body.filter is not None,
        strategy=_strategy(body),
        requested_by=user,
        idempotency_key=key_for(request, "change", idempotency_key),
        right=Action.REQUEST_CHANGE,
    )
    try:
        change = services.request_change(order=order)
    except services.OrderError as error:
        problems = {name: [problem] for name, problem in error.problems.items()}
        raise Problem(422, words.order_refused(), errors=problems) from error
    return Status(201, _detail(request, change.pk))


def _meant(user: User, body: ChangeIn) -> list[int]:
    """The devices that are named, or those of the filter that the playbook can be run on."""
    if (body.filter is None) == (body.device_ids is None):
        raise Problem(422, words.order_refused(), errors={"device_ids": [_("Name devices, or a filter of devices.")]})
    if body.filter is None:
        return list(body.device_ids or ())
    chosen = {"site_id": body.filter.site, "kind": body.filter.kind, "type__platform": body.filter.platform}
    rows = Device.objects.allowing(user, Action.REQUEST_CHANGE).in_service().select_related("type")
    found = rows.filter(**{name: value for name, value in chosen.items() if value is not None})
    try:
        platforms = catalogue.get(body.playbook).platforms
    except catalogue.CatalogueError:
        return []
    return [device.pk for device in manageable(found) if device.type.platform in platforms]


def _strategy(body: ChangeIn) -> Strategy | None:
    if body.strategy is None:
        return None
    try:
        return Strategy.from_json(body.strategy.dict(exclude_unset=True))
    except StrategyError as error:
        problem = _("This cannot be meant like that.")
        raise Problem(422, words.order_refused(), errors={f"strategy.{error.key}": [problem]}) from error


@changes.get("/{int:change_id}", response=ChangeDetailOut, summary="One change with its runs and evidence")
def get_change(request: HttpRequest, change_id: int) -> Change:
    return _detail(request, change_id)


@changes.post("/{int:change_id}/approve", response=ChangeDetailOut, summary="Approve what you looked at")
def approve(request: HttpRequest, change_id: int, body: DecisionIn) -> Change:
    return _decide(request, change_id, body, Approval.Decision.APPROVED)


@changes.post("/{int:change_id}/reject", response=ChangeDetailOut, summary="Reject it")
def reject(request: HttpRequest, change_id: int, body: DecisionIn) -> Change:
    return _decide(request, change_id, body, Approval.Decision.REJECTED)


@changes.post("/{int:change_id}/cancel", response=ChangeDetailOut, summary="Stop it")
def cancel(request: HttpRequest, change_id: int) -> Change:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=change_id)
    try:
        services.cancel(change=change, by=_person(request))
    except DecisionError as error:
        raise Problem(409, words.refusal(error.key)) from error
    return _detail(request, change_id)


@changes.post("/{int:change_id}/check-and-retry", response=ChangeDetailOut, summary="Measure, and try again if need be")
def check_and_retry(request: HttpRequest, change_id: int) -> Change:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=change_id)
    try:
        services.check_and_retry(change=change, by=_person(request))
    except DecisionError as error:
        raise Problem(409, words.refusal(error.key)) from error
    return _detail(request, change_id)


@changes.get("/{int:change_id}/runs/{int:run_id}/log", response=list[LogLineOut], summary="The log of a run, in order")
@paginate(CursorPage, ordering=("sequence",))
def run_log(request: HttpRequest, change_id: int, run_id: int) -> QuerySet[LogLine]:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS), pk=change_id)
    return own_lines(get_object_or_404(Run, pk=run_id, change=change), change, _person(request))


def _decide(request: HttpRequest, change_id: int, body: DecisionIn, decision: Approval.Decision) -> Change:
    change = get_object_or_404(Change.objects.visible_to(request.user), pk=change_id)
    try:
        services.decide(
            change=change, approver=_person(request), decision=decision, digest=body.digest, comment=body.comment
        )
    except DecisionError as error:
        raise Problem(403 if error.key in {"no-role", "own-change"} else 409, words.refusal(error.key)) from error
    return _detail(request, change_id)


def _detail(request: HttpRequest, change_id: int) -> Change:
    hosts = Prefetch(
        "runs__hosts", HostResult.objects.visible_to(request.user).select_related("device").order_by("device__name")
    )
    rows = Change.objects.visible_to(request.user).select_related("requested_by")
    approvals = ("approvals__approver", "approvals__on_behalf_of")
    return get_object_or_404(rows.prefetch_related(*approvals, "runs__ring", hosts), pk=change_id)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
