"""/changes/{id}/rings and what steers a rollout."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Status
from ninja.pagination import paginate

from fleet.automation import policy_words, proposal_panel, services, words
from fleet.automation.api.changes import _detail, _person, changes
from fleet.automation.models import Change, Proposal, Target
from fleet.automation.schemas import ChangeDetailOut, ProposalOut, RingOut, TargetOut
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.changes import sees_whole
from fleet.automation.views.lanes import counted
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem


@changes.get("/{int:change_id}/rings", response=list[RingOut], summary="The rings of a change and how they stand")
def rings(request: HttpRequest, change_id: int) -> list[dict[str, Any]]:
    """Counts are of the devices that you may see."""
    user = _person(request)
    change = get_object_or_404(Change.objects.visible_to(user), pk=change_id)
    counts, full = counted(change, user), sees_whole(change, user)
    return [
        {
            "number": ring.number,
            "title": ring.title,
            "state": ring.state,
            "reason": ring.reason,
            "details": ring.details if full else {},
            "started_at": ring.started_at,
            "finished_at": ring.finished_at,
            "steps": len({step for of, step, _state in counts.found if of == ring.pk}),
            "devices": dict(counts.of(ring.pk)),
        }
        for ring in change.rings.all()
    ]


@changes.get("/{int:change_id}/devices", response=list[TargetOut], summary="The devices of a change and how each stands")
@paginate(CursorPage, ordering=("id",))
def devices(request: HttpRequest, change_id: int, state: str | None = None, ring: int | None = None) -> QuerySet[Target]:
    user = _person(request)
    change = get_object_or_404(Change.objects.visible_to(user), pk=change_id)
    chosen = {"state": state, "ring__number": ring}
    rows = change.targets.visible_to(user).select_related("device", "ring")
    return rows.filter(**{name: value for name, value in chosen.items() if value is not None})


def _steer(request: HttpRequest, change_id: int, act: Callable[..., Change]) -> Change:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=change_id)
    try:
        act(change=change, by=_person(request))
    except DecisionError as error:
        raise Problem(409, policy_words.refusal(error)) from error
    return _detail(request, change_id)


@changes.post("/{int:change_id}/pause", response=ChangeDetailOut, summary="Begin no further step")
def pause(request: HttpRequest, change_id: int) -> Change:
    return _steer(request, change_id, services.pause)


@changes.post("/{int:change_id}/resume", response=ChangeDetailOut, summary="Go on")
def resume(request: HttpRequest, change_id: int) -> Change:
    return _steer(request, change_id, services.resume)


@changes.post("/{int:change_id}/retry-failed", response=ChangeDetailOut, summary="Try failed, unreachable and unknown again")
def retry_failed(request: HttpRequest, change_id: int) -> Change:
    return _steer(request, change_id, services.retry_failed)


@changes.post("/{int:change_id}/rollback", response=ChangeDetailOut, summary="Take back what was touched")
def rollback(request: HttpRequest, change_id: int) -> Change:
    """What is over is taken back when the school day allows it and as many others agree as had to agree to the change."""
    return _steer(request, change_id, services.roll_back)


@changes.get("/{int:change_id}/proposals", response=list[ProposalOut], summary="What others have to agree to")
def proposals(request: HttpRequest, change_id: int) -> list[dict[str, Any]]:
    user = _person(request)
    change = get_object_or_404(Change.objects.visible_to(user), pk=change_id)
    found = proposal_panel.of_change(change, user) if sees_whole(change, user) else []
    return [
        {
            "id": one["row"].pk,
            "act": one["row"].act,
            "ends_at": one["row"].ends_at,
            "asked_by": str(one["row"].asked_by),
            "asked_at": one["row"].asked_at,
            "left": one["left"],
        }
        for one in found
    ]


@changes.post("/{int:change_id}/proposals/{int:proposal_id}/agree", response=ChangeDetailOut, summary="Agree to it")
def agree(request: HttpRequest, change_id: int, proposal_id: int) -> Change:
    change = get_object_or_404(Change.objects.visible_to(request.user), pk=change_id)
    row = get_object_or_404(Proposal.objects.select_related("change"), pk=proposal_id, change=change)
    try:
        services.agree_to(proposal=row, by=_person(request))
    except DecisionError as error:
        raise Problem(409, policy_words.refusal(error)) from error
    return _detail(request, change_id)


@changes.post("/{int:change_id}/relaunch", response={201: ChangeDetailOut}, summary="Ask for the same as a new change")
def relaunch(request: HttpRequest, change_id: int) -> Status[Change]:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.REQUEST_CHANGE), pk=change_id)
    try:
        made = services.relaunch(change=change, by=_person(request))
    except DecisionError as error:
        raise Problem(409, words.refusal(error.key)) from error
    except services.OrderError as error:
        problems = {name: [problem] for name, problem in error.problems.items()}
        raise Problem(422, words.order_refused(), errors=problems) from error
    return Status(201, _detail(request, made.pk))
