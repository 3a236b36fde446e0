"""/poll-groups: sites that workers of their own poll."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fleet.monitoring.models import PollGroup
from fleet.monitoring.services import groups
from fleet.monitoring.services.groups import GroupError
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import Problem

router = Router(tags=["monitoring"])


class GroupOut(Schema):
    """`site_ids`: those of its sites that the asker manages."""

    id: int
    name: str
    queue: str
    site_ids: list[int]


class GroupChange(Schema):
    name: str = Field(min_length=1, max_length=100)
    site_ids: list[int] = []


class GroupIn(GroupChange):
    queue: str = Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")


@router.get("", response=list[GroupOut], summary="Groups of sites that workers of their own poll")
def listed(request: HttpRequest) -> list[GroupOut]:
    user = _manager(request)
    return [_out(row, user) for row in PollGroup.objects.allowing(user, Action.MANAGE).order_by("name")]


@router.post("", response={201: GroupOut}, summary="A new group")
def create(request: HttpRequest, wish: GroupIn) -> Status[GroupOut]:
    user = _manager(request)
    try:
        row = groups.create(name=wish.name, queue=wish.queue, by=user)
        groups.change(group=row, name=row.name, site_ids=wish.site_ids, by=user)
    except GroupError as error:
        raise _problem(error) from error
    return Status(201, _out(row, user))


@router.put("/{int:group_id}", response=GroupOut, summary="Another name, other sites")
def change(request: HttpRequest, group_id: int, wish: GroupChange) -> GroupOut:
    user = _manager(request)
    row = get_object_or_404(PollGroup.objects.allowing(user, Action.MANAGE), pk=group_id)
    try:
        groups.change(group=row, name=wish.name, site_ids=wish.site_ids, by=user)
    except GroupError as error:
        raise _problem(error) from error
    return _out(row, user)


def _manager(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.access.anywhere(Action.MANAGE):
        raise Http404
    return request.user


def _problem(error: GroupError) -> Problem:
    return Problem(422, error.reason, {error.field: [error.reason]})


def _out(row: PollGroup, user: User) -> GroupOut:
    mine = row.sites.filter(site__in=groups.sites_of(user).order_by().values("pk"))
    return GroupOut(id=row.pk, name=row.name, queue=row.queue, site_ids=sorted(mine.values_list("site_id", flat=True)))
