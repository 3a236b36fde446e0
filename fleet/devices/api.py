"""/devices: what there is and how it hangs together. How it is, is monitoring's to say (/health)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Status
from ninja.pagination import paginate

from fleet.devices import services
from fleet.devices.models import Credential, Device, DeviceType
from fleet.devices.rules import ClearText
from fleet.devices.schemas import CablesOut, CredentialOut, DeviceIn, DeviceOut, NewDeviceIn, SnmpIn
from fleet.devices.services import DeviceDetails, DeviceError, SnmpAccess, chosen_type
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Room, Site
from fleet.web.api import CursorPage, Problem

router = Router(tags=["devices"])
credentials = Router(tags=["devices"])


@router.get("/", response=list[DeviceOut], summary="The devices I may see")
@paginate(CursorPage, ordering=("id",))
def devices(
    request: HttpRequest, site: int | None = None, kind: str | None = None, lifecycle: str | None = None
) -> QuerySet[Device]:
    chosen = {"site_id": site, "kind": kind, "lifecycle": lifecycle}
    rows = Device.objects.visible_to(request.user).select_related("type")
    return rows.filter(**{name: value for name, value in chosen.items() if value is not None})


@router.get("/{int:device_id}", response=DeviceOut, summary="One device")
def device(request: HttpRequest, device_id: int) -> Device:
    return get_object_or_404(Device.objects.visible_to(request.user).select_related("type"), pk=device_id)


@router.get("/{int:device_id}/cables", response=CablesOut, summary="Its interfaces, and what it hangs on")
def cables(request: HttpRequest, device_id: int) -> dict[str, Any]:
    row = get_object_or_404(Device.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS), pk=device_id)
    uplinks = (
        row.uplinks.filter(port__device__in=Device.objects.visible_to(request.user)).select_related("port").order_by("pk")
    )
    return {
        "interfaces": list(row.interfaces.order_by("if_index", "name")),
        "uplinks": [{"device_id": one.port.device_id, "port_id": one.port_id, "port": one.port.name} for one in uplinks],
    }


@router.post("/", response={201: DeviceOut}, summary="A new device")
def create(request: HttpRequest, body: NewDeviceIn) -> Status[Device]:
    """It follows its site in how it is spoken to; give it an address with /devices/{id}/snmp."""
    site = get_object_or_404(Site.objects.allowing(request.user, Action.MANAGE), pk=body.site_id)
    with _refusals():
        details = _details(body, site, {"snmp_follows_site": True, "ssh_follows_site": True})
        return Status(201, services.create_device(site=site, details=details, by=_person(request)))


@router.put("/{int:device_id}", response=DeviceOut, summary="What it is and where it stands")
def change(request: HttpRequest, device_id: int, body: DeviceIn) -> Device:
    row = _mine(request, device_id)
    kept = {name: getattr(row, name) for name in ("ssh_port", "ssh_credential", "ssh_host_key", "ssh_follows_site")}
    with _refusals():
        services.change_device(device=row, details=_details(body, row.site, kept, row), by=_person(request))
    return row


@router.put("/{int:device_id}/snmp", response={204: None}, summary="Where and how it is asked")
def set_snmp(request: HttpRequest, device_id: int, body: SnmpIn) -> Status[None]:
    row = _mine(request, device_id)
    if bool(body.clear_text_reason) != bool(body.clear_text_until):
        reason = _("Reason and end belong together.")
        raise Problem(422, reason, {"clear_text_until": [reason]})
    known = Credential.objects.offered_to(_person(request), row.site, row.snmp_credential_id).defer("secret")
    own = get_object_or_404(known, pk=body.credential_id) if body.credential_id is not None else None
    permission = ClearText(body.clear_text_reason, body.clear_text_until) if body.clear_text_until else None
    access = SnmpAccess(body.address, body.port, own, follows_site=body.follows_site, clear_text=permission)
    with _refusals():
        services.set_snmp(device=row, access=access, by=_person(request))
    return Status(204, None)


@credentials.get("/", response=list[CredentialOut], summary="The credentials I manage, without what they hold")
@paginate(CursorPage, ordering=("id",))
def list_credentials(request: HttpRequest) -> QuerySet[Credential]:
    return Credential.objects.managed_by(request.user).defer("secret")


def _mine(request: HttpRequest, device_id: int) -> Device:
    return get_object_or_404(
        Device.objects.allowing(request.user, Action.MANAGE).select_related("type", "site"), pk=device_id
    )


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _details(body: DeviceIn, site: Site, kept: dict[str, Any], device: Device | None = None) -> DeviceDetails:
    """Raises DeviceError if the room is not the site's, or the kind not the type's."""
    room = Room.objects.filter(site=site, pk=body.room_id).first() if body.room_id is not None else None
    if body.room_id is not None and room is None:
        raise DeviceError("room_id", _("This room belongs to another site."))
    said = DeviceType.Kind(body.kind)
    kind = chosen_type(manufacturer=body.manufacturer, model=body.model, kind=said, device=device)
    plain: dict[str, Any] = {
        "serial": body.serial,
        "asset_tag": body.asset_tag,
        "lifecycle": Device.Lifecycle(body.lifecycle),
    }
    return DeviceDetails(kind, body.name, room, **plain, **kept)


@contextmanager
def _refusals() -> Iterator[None]:
    """What a service refuses, as a problem at the field that it is about."""
    try:
        yield
    except DeviceError as error:
        raise Problem(422, error.reason, errors={error.field: [error.reason]}) from error
