"""/buildings and /rooms: list, read, make, change, remove."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.sites import hanging, services
from fleet.sites.api.common import MANAGE, managed, person, right, tagged, writing
from fleet.sites.models import Building, Room, Site
from fleet.sites.place_forms import BuildingForm, RoomForm
from fleet.sites.schemas import BuildingIn, BuildingOut, BuildingPatch, RoomIn, RoomOut, RoomPatch
from fleet.web.api import CursorPage
from fleet.web.api.conditional import IfMatch, validated

buildings = Router(tags=["sites"])
rooms = Router(tags=["sites"])
NAMES = {"building": "building_id"}


@buildings.get("/", response=list[BuildingOut], summary="The buildings I may see")
@decorate_view(validated)
@paginate(CursorPage, ordering=("id",))
def list_buildings(request: HttpRequest, site: int | None = None) -> QuerySet[Building]:
    rows = Building.objects.visible_to(request.user)
    return rows if site is None else rows.filter(site_id=site)


@buildings.post("/", response={201: BuildingOut}, summary="Add a building")
@decorate_view(validated)
def create_building(request: HttpRequest, response: HttpResponse, body: BuildingIn) -> Status[Building]:
    site = get_object_or_404(Site.objects.allowing(request.user, MANAGE), pk=body.site_id)
    form = BuildingForm(body.dict(), site=site)
    right(form)
    with writing():
        row = services.create_building(site=site, name=form.cleaned_data["name"], by=person(request))
    return Status(201, tagged(response, row))


def _building(request: HttpRequest, pk: int) -> Building:
    return get_object_or_404(Building.objects.visible_to(request.user).select_related("site"), pk=pk)


@buildings.get("/{int:building_id}", response=BuildingOut, summary="One building")
@decorate_view(validated)
def building(request: HttpRequest, response: HttpResponse, building_id: int) -> Building:
    return tagged(response, _building(request, building_id))


@buildings.patch("/{int:building_id}", response=BuildingOut, summary="Rename a building")
@decorate_view(validated)
def rename_building(
    request: HttpRequest, response: HttpResponse, building_id: int, body: BuildingPatch, if_match: IfMatch = None
) -> Building:
    """Wants If-Match (else 428); 412 when it is no longer as it was read. So do all changes here."""
    row = managed(request, _building(request, building_id), if_match)
    form = BuildingForm(body.dict(), site=row.site, row=row)
    right(form)
    with writing():
        services.rename_building(building=row, name=form.cleaned_data["name"], by=person(request))
    return tagged(response, row)


@buildings.delete("/{int:building_id}", response={204: None}, summary="Remove an empty building")
def remove_building(request: HttpRequest, building_id: int, if_match: IfMatch = None) -> Status[None]:
    """409 while there are rooms in it."""
    row = managed(request, _building(request, building_id), if_match)
    with writing(hanging.BUILDING, row.pk):
        services.remove_building(building=row, by=person(request))
    return Status(204, None)


@rooms.get("/", response=list[RoomOut], summary="The rooms I may see")
@decorate_view(validated)
@paginate(CursorPage, ordering=("id",))
def list_rooms(request: HttpRequest, site: int | None = None, building: int | None = None) -> QuerySet[Room]:
    rows = Room.objects.visible_to(request.user)
    rows = rows if site is None else rows.filter(site_id=site)
    return rows if building is None else rows.filter(building_id=building)


@rooms.post("/", response={201: RoomOut}, summary="Add a room")
@decorate_view(validated)
def create_room(request: HttpRequest, response: HttpResponse, body: RoomIn) -> Status[Room]:
    mine = Building.objects.allowing(request.user, MANAGE).select_related("site")
    house = get_object_or_404(mine, pk=body.building_id)
    form = RoomForm(body.dict() | {"building": house.pk}, site=house.site)
    right(form, NAMES)
    with writing():
        row = services.create_room(building=house, details=form.details, by=person(request))
    return Status(201, tagged(response, row))


def _room(request: HttpRequest, pk: int) -> Room:
    return get_object_or_404(Room.objects.visible_to(request.user).select_related("site", "building"), pk=pk)


@rooms.get("/{int:room_id}", response=RoomOut, summary="One room")
@decorate_view(validated)
def room(request: HttpRequest, response: HttpResponse, room_id: int) -> Room:
    return tagged(response, _room(request, room_id))


@rooms.patch("/{int:room_id}", response=RoomOut, summary="Change or move a room")
@decorate_view(validated)
def change_room(
    request: HttpRequest, response: HttpResponse, room_id: int, body: RoomPatch, if_match: IfMatch = None
) -> Room:
    row = managed(request, _room(request, room_id), if_match)
    wished = body.dict(exclude_unset=True)
    said = vars(services.RoomDetails.of(row)) | wished | {"building": wished.get("building_id", row.building_id)}
    form = RoomForm(said, site=row.site, row=row)
    right(form, NAMES)
    house = form.cleaned_data["building"]
    with writing():
        services.update_room(room=row, details=form.details, building=house, by=person(request))
    return tagged(response, row)


@rooms.delete("/{int:room_id}", response={204: None}, summary="Remove an empty room")
def remove_room(request: HttpRequest, room_id: int, if_match: IfMatch = None) -> Status[None]:
    """409 while devices stand in it or tickets name it."""
    row = managed(request, _room(request, room_id), if_match)
    with writing(hanging.ROOM, row.pk):
        services.remove_room(room=row, by=person(request))
    return Status(204, None)
