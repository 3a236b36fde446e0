"""/tickets/{number}/…: who watches, who has it open, whom one may call or hand it to; all of it for those who work on it."""

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Status
from ninja.pagination import paginate

from fleet.people.models import User
from fleet.web.api import CursorPage
from helpdesk.tickets import selectors, services
from helpdesk.tickets.api.common import person, router, workable
from helpdesk.tickets.models import Presence
from helpdesk.tickets.schemas.shown import PersonOut, PresentOut
from helpdesk.tickets.schemas.wishes import PresenceIn
from helpdesk.tickets.services import presence


@router.get("/{slug:number}/watchers", response=list[PersonOut], summary="Who is told what happens")
@paginate(CursorPage, ordering=("name", "id"))
def list_watchers(request: HttpRequest, number: str) -> QuerySet[User]:
    return workable(request, number).watchers.all()


@router.put("/{slug:number}/watch", response={204: None}, summary="Be told what happens")
def watch(request: HttpRequest, number: str) -> Status[None]:
    services.watch(ticket=workable(request, number), by=person(request))
    return Status(204, None)


@router.delete("/{slug:number}/watch", response={204: None}, summary="Be told no more")
def unwatch(request: HttpRequest, number: str) -> Status[None]:
    services.unwatch(ticket=workable(request, number), by=person(request))
    return Status(204, None)


@router.get("/{slug:number}/workers", response=list[PersonOut], summary="Who may own it, and whom a message calls by @name")
@paginate(CursorPage, ordering=("name", "id"))
def list_workers(request: HttpRequest, number: str) -> QuerySet[User]:
    return selectors.workers(workable(request, number).site)


@router.get("/{slug:number}/presence", response=list[PresentOut], summary="Who else has it open now")
def list_present(request: HttpRequest, number: str) -> QuerySet[Presence]:
    return presence.others(ticket=workable(request, number), user=person(request))


@router.put("/{slug:number}/presence", response=list[PresentOut], summary="Say that one has it open, and hear who else has")
def say_present(request: HttpRequest, number: str, body: PresenceIn) -> QuerySet[Presence]:
    """To be said again at least every 45 s. What is being typed is not kept."""
    ticket, user = workable(request, number), person(request)
    presence.say(ticket=ticket, user=user, typing=body.typing)
    return presence.others(ticket=ticket, user=user)


@router.delete("/{slug:number}/presence", response={204: None}, summary="Have it open no more")
def leave(request: HttpRequest, number: str) -> Status[None]:
    presence.leave(ticket=workable(request, number), user=person(request))
    return Status(204, None)
