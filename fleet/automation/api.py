"""/playbooks, /changes: what can be done, what was asked, who agreed, what ran, what was measured."""

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from ninja.pagination import paginate

from fleet.automation import catalogue, services, words
from fleet.automation.models import Approval, Change, HostResult, LogLine, Run
from fleet.automation.schemas import (
    ChangeDetailOut,
    ChangeIn,
    ChangeOut,
    DecisionIn,
    LogLineOut,
    PlaybookOut,
)
from fleet.automation.services.decisions import DecisionError
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.once import IdempotencyKey, key_for

playbooks = Router(tags=["automation"])
changes = Router(tags=["automation"])


@playbooks.get("/", response=list[PlaybookOut], summary="What can be done")
def list_playbooks(request: HttpRequest) -> tuple[catalogue.Playbook, ...]:  # noqa: ARG001
    return catalogue.all_playbooks()


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
        **body.dict(),
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
    return LogLine.objects.filter(run=get_object_or_404(Run, pk=run_id, change=change))


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
    hosts = Prefetch("runs__hosts", HostResult.objects.select_related("device").order_by("device__name"))
    rows = Change.objects.visible_to(request.user).select_related("requested_by")
    return get_object_or_404(rows.prefetch_related("approvals__approver", hosts), pk=change_id)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
