"""What the API says about devices. No credentials, not even their names."""

from typing import Any

from ninja import Schema

from fleet.devices.models import Device
from fleet.people.rules import Action


class TypeOut(Schema):
    manufacturer: str
    model: str
    kind: str
    platform: str


def _details(device: Device, context: dict[str, Any]) -> bool:
    """Whether the asker may see more than a school's own people need."""
    access = context["request"].user.access
    return bool(access.may(Action.VIEW_DEVICE_DETAILS, device.authority_id, device.site_id))


class DeviceOut(Schema):
    """`address`, `serial` and `asset_tag` are null for whoever may not see device details."""

    id: int
    name: str
    kind: str
    lifecycle: str
    site_id: int
    room_id: int | None
    type: TypeOut
    address: str | None
    serial: str | None
    asset_tag: str | None

    @staticmethod
    def resolve_address(device: Device, context: dict[str, Any]) -> str | None:
        return device.address if _details(device, context) else None

    @staticmethod
    def resolve_serial(device: Device, context: dict[str, Any]) -> str | None:
        return device.serial if _details(device, context) else None

    @staticmethod
    def resolve_asset_tag(device: Device, context: dict[str, Any]) -> str | None:
        return device.asset_tag if _details(device, context) else None


class InterfaceOut(Schema):
    id: int
    name: str
    if_index: int | None
    alias: str
    mac: str
    poe: bool


class UplinkOut(Schema):
    """On which device and which of its ports the device hangs."""

    device_id: int
    port_id: int
    port: str


class CablesOut(Schema):
    interfaces: list[InterfaceOut]
    uplinks: list[UplinkOut]
