"""/search over everything, /counts of what is not finished, /views that one may use."""

from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema, Status
from ninja.pagination import paginate

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from helpdesk.finding import counting, searching, services
from helpdesk.finding.models import SavedView
from helpdesk.finding.rules import TooLongError
from helpdesk.knowledge.forms import authorities

router = Router(tags=["search"])


class Asked(Schema):
    q: str = Field("", max_length=100)
    only: Literal["", "tickets", "knowledge", "devices", "people", "sites"] = ""


class HitOut(Schema):
    title: str
    text: str
    url: str


class GroupOut(Schema):
    """`count`: at most 100; `more`: there are more than that; `cut`: the words are too common, and only what is newest was
    looked through. Without `only` the first few hits of each."""

    name: str
    count: int
    more: bool
    cut: bool
    hits: list[HitOut]


class CountsOut(Schema):
    """Of tickets that are not finished; `site` (and `queue`) by id."""

    total: int
    by: dict[str, dict[str, int]]


class ViewOut(Schema):
    id: int
    list: str
    name: str
    query: str
    shared: bool
    own: bool

    @staticmethod
    def resolve_shared(view: SavedView) -> bool:
        return view.shared_with_id is not None

    @staticmethod
    def resolve_own(view: SavedView, context: dict[str, Any]) -> bool:
        return bool(view.owner_id == context["request"].user.pk)


class ViewIn(Schema):
    list: Literal["tickets", "devices", "faults"]
    name: str = Field(min_length=1, max_length=60)
    query: str = Field("", max_length=2000)
    shared: bool = False


@router.get("/search", response=list[GroupOut], summary="Look through everything")
def search(request: HttpRequest, asked: Query[Asked]) -> Any:
    return searching.search(_person(request), asked.q, asked.only)


@router.get("/counts", response=CountsOut, summary="How many tickets are not finished")
def counts(request: HttpRequest) -> dict[str, Any]:
    found = counting.unfinished(_person(request))
    by = {name: {str(value): number for value, number in numbers.items()} for name, numbers in found.by.items()}
    return {"total": found.total, "by": by}


@router.get("/views", response=list[ViewOut], summary="Kept filters: one's own and shared ones")
@paginate(CursorPage, ordering=("name", "id"))
def views(request: HttpRequest) -> QuerySet[SavedView]:
    return SavedView.objects.visible_to(_person(request))


@router.post("/views", response={201: ViewOut}, summary="Keep a filter; one's own of that name is replaced")
def keep(request: HttpRequest, body: ViewIn) -> Status[SavedView]:
    user = _person(request)
    if body.shared and not user.access.anywhere(Action.WORK_TICKETS):
        raise Problem(403)
    mine = authorities(user) if body.shared else []
    keeping = services.Keeping(body.list, body.name, body.query, mine[0].pk if mine else None)
    try:
        view = services.keep(owner=user, keeping=keeping)
    except TooLongError as error:
        raise Problem(422, errors={"query": ["too long"]}) from error
    return Status(201, view)


@router.delete("/views/{int:view_id}", response={204: None}, summary="Let go of a filter")
def discard(request: HttpRequest, view_id: int) -> Status[None]:
    services.discard(view=get_object_or_404(SavedView.objects.filter(owner=_person(request)), pk=view_id))
    return Status(204, None)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
