"""/devices: what there is and how it hangs together. How it is, is monitoring's to say (/health)."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router
from ninja.pagination import paginate

from fleet.devices.models import Device
from fleet.devices.schemas import CablesOut, DeviceOut
from fleet.people.rules import Action
from fleet.web.api import CursorPage

router = Router(tags=["devices"])


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
    uplinks = row.uplinks.select_related("port").order_by("pk")
    return {
        "interfaces": list(row.interfaces.order_by("if_index", "name")),
        "uplinks": [{"device_id": one.port.device_id, "port_id": one.port_id, "port": one.port.name} for one in uplinks],
    }
