"""/sites and /rooms: where things are."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.pagination import paginate

from fleet.sites.models import Room, Site
from fleet.sites.schemas import RoomOut, SiteOut
from fleet.web.api import CursorPage

sites = Router(tags=["sites"])
rooms = Router(tags=["sites"])


@sites.get("/", response=list[SiteOut], summary="The sites I may see")
@paginate(CursorPage, ordering=("pk",))
def list_sites(request: HttpRequest) -> QuerySet[Site]:
    return Site.objects.visible_to(request.user)


@sites.get("/{int:site_id}", response=SiteOut, summary="One site")
def site(request: HttpRequest, site_id: int) -> Site:
    return get_object_or_404(Site.objects.visible_to(request.user), pk=site_id)


@rooms.get("/", response=list[RoomOut], summary="The rooms I may see")
@paginate(CursorPage, ordering=("id",))
def list_rooms(request: HttpRequest, site: int | None = None) -> QuerySet[Room]:
    rows = Room.objects.visible_to(request.user)
    return rows if site is None else rows.filter(site_id=site)


@rooms.get("/{int:room_id}", response=RoomOut, summary="One room")
def room(request: HttpRequest, room_id: int) -> Room:
    return get_object_or_404(Room.objects.visible_to(request.user), pk=room_id)
