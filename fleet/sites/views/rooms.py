"""Buildings and rooms of a school: for whoever manages it, be it that school alone."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from fleet.sites import hanging, services
from fleet.sites.models import Building, Room, Site
from fleet.sites.place_forms import BuildingForm, RoomForm, RoomsForm
from fleet.sites.services import ChangedMeanwhileError, InUseError
from fleet.sites.views import PageRequest
from fleet.sites.views.shared import MANAGE, edited, kept, shown, written


def _building(request: PageRequest, pk: int) -> Building:
    return get_object_or_404(Building.objects.allowing(request.user, MANAGE).select_related("site"), pk=pk)


def _room(request: PageRequest, pk: int) -> Room:
    return get_object_or_404(Room.objects.allowing(request.user, MANAGE).select_related("site", "building"), pk=pk)


def _back(site_id: int) -> HttpResponse:
    return redirect("places:school", pk=site_id)


@edited
def create_building(request: PageRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.allowing(request.user, MANAGE), pk=pk)
    form = BuildingForm(request.POST if request.method == "POST" else None, site=site)
    if form.is_valid() and written(
        form, lambda: services.create_building(site=site, name=form.cleaned_data["name"], by=request.user)
    ):
        messages.success(request, _("The building is added."))
        return _back(site.pk)
    return shown(request, form, site=site, title=_("A new building"), button=_("Add"))


@edited
def building(request: PageRequest, pk: int) -> HttpResponse:
    row = _building(request, pk)
    name, site = row.name, row.site
    data = request.POST if request.method == "POST" else None
    form = BuildingForm(data, site=site, row=row, initial={"version": row.version})
    if form.is_valid() and written(
        form, lambda: services.rename_building(building=form.seen(), name=form.cleaned_data["name"], by=request.user)
    ):
        messages.success(request, _("Saved."))
        return _back(site.pk)
    removing = (reverse("places:building-remove", args=[pk]), _("Remove the building"))
    return shown(request, form, site=site, title=name, removing=removing, hanging=hanging.on(hanging.BUILDING, pk))


@require_POST
def remove_building(request: PageRequest, pk: int) -> HttpResponse:
    row = _building(request, pk)
    try:
        services.remove_building(building=row, by=request.user)
    except (InUseError, ChangedMeanwhileError):
        return _stays(request, row.name, hanging.BUILDING, pk)
    messages.success(request, _("%s is removed.") % row.name)
    return _back(row.site_id)


def _stays(request: PageRequest, name: str, place: str, pk: int) -> HttpResponse:
    there = kept(hanging.on(place, pk))
    said = _("%(name)s stays: there is still something in it (%(what)s).") % {"name": name, "what": there}
    messages.warning(request, said if there else _("It has changed meanwhile. Please look again."))
    return redirect(f"places:{place}", pk=pk)


@edited
def create_room(request: PageRequest, pk: int) -> HttpResponse:
    house = _building(request, pk)
    form = RoomForm(request.POST if request.method == "POST" else None, site=house.site, initial={"building": house})
    if form.is_valid() and written(
        form,
        lambda: services.create_room(building=form.cleaned_data["building"], details=form.details, by=request.user),
    ):
        messages.success(request, _("Room %s is added.") % form.details.number)
        return _back(house.site_id)
    return shown(request, form, site=house.site, title=_("A new room"), button=_("Add"))


@edited
def create_rooms(request: PageRequest, pk: int) -> HttpResponse:
    house = _building(request, pk)
    form = RoomsForm(request.POST if request.method == "POST" else None)
    made: list[Room] = []
    if form.is_valid() and written(
        form, lambda: made.extend(services.create_rooms(building=house, rooms=form.rooms, by=request.user))
    ):
        messages.success(request, _added(len(made), len(form.rooms) - len(made)))
        return _back(house.site_id)
    title = _("Several rooms in %s") % house.name
    return shown(request, form, site=house.site, title=title, button=_("Add"))


def _added(made: int, there: int) -> str:
    said = ngettext("%d room is added.", "%d rooms are added.", made) % made
    if not there:
        return said
    return said + " " + ngettext("%d was there already.", "%d were there already.", there) % there


@edited
def room(request: PageRequest, pk: int) -> HttpResponse:
    row = _room(request, pk)
    title, site = _("Room %s") % row, row.site
    data = request.POST if request.method == "POST" else None
    form = RoomForm(data, site=site, row=row, initial={"version": row.version})
    if form.is_valid() and written(
        form,
        lambda: services.update_room(
            room=form.seen(), details=form.details, building=form.cleaned_data["building"], by=request.user
        ),
    ):
        messages.success(request, _("Saved."))
        return _back(site.pk)
    removing = (reverse("places:room-remove", args=[pk]), _("Remove the room"))
    return shown(request, form, site=site, title=title, removing=removing, hanging=hanging.on(hanging.ROOM, pk))


@require_POST
def remove_room(request: PageRequest, pk: int) -> HttpResponse:
    row = _room(request, pk)
    name = _("Room %s") % row
    try:
        services.remove_room(room=row, by=request.user)
    except (InUseError, ChangedMeanwhileError):
        return _stays(request, name, hanging.ROOM, pk)
    messages.success(request, _("%s is removed.") % name)
    return _back(row.site_id)
