"""What the API says about devices and takes of them. What a credential holds is nowhere in it."""

from datetime import date, datetime
from typing import Any

from ninja import Field, Schema

from fleet.devices.models import Device, DeviceType
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


class DeviceIn(Schema):
    """What a device is and where it stands; `manufacturer` and `model` together name its type, made if it is new."""

    name: str = Field(min_length=1, max_length=100)
    kind: DeviceType.Kind
    manufacturer: str = Field(min_length=1, max_length=100)
    model: str = Field(min_length=1, max_length=100)
    room_id: int | None = None
    serial: str = Field("", max_length=100)
    asset_tag: str = Field("", max_length=60)
    lifecycle: Device.Lifecycle = Device.Lifecycle.ACTIVE


class NewDeviceIn(DeviceIn):
    site_id: int


class SnmpIn(Schema):
    """`credential_id` null with `follows_site`: what the site says; without it: the device is not asked.

    `clear_text_reason` and `clear_text_until` belong together: for a community outside of the management prefixes.
    """

    address: str | None = None
    port: int = Field(161, ge=1, le=65_535)
    credential_id: int | None = None
    follows_site: bool = False
    clear_text_reason: str = Field("", max_length=300)
    clear_text_until: date | None = None


class CredentialOut(Schema):
    id: int
    authority_id: int
    name: str
    kind: str
    secret_changed_at: datetime
