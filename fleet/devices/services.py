"""Everything that writes device types, devices, interfaces, uplinks, prefixes and credentials."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext as _

from fleet.devices import rules
from fleet.devices.models import Credential, Device, DeviceType, Interface, Prefix, Uplink
from fleet.sites.models import Authority, Room, Site

SECRET_KEYS: dict[str, frozenset[str]] = {
    Credential.Kind.SNMP_V2C: frozenset({"community"}),
    Credential.Kind.SNMP_V3: frozenset({"user", "auth_protocol", "auth_key", "priv_protocol", "priv_key"}),
    Credential.Kind.SSH_KEY: frozenset({"username", "private_key"}),
    Credential.Kind.SSH_PASSWORD: frozenset({"username", "password"}),
}
SNMP_KINDS = frozenset({Credential.Kind.SNMP_V2C, Credential.Kind.SNMP_V3})


class DeviceError(Exception):
    """What was asked for cannot be; `field` is what to change, the text is for the person who asked."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class DeviceDetails:
    type: DeviceType
    name: str
    room: Room | None = None
    serial: str = ""
    asset_tag: str = ""
    lifecycle: Device.Lifecycle = Device.Lifecycle.ACTIVE
    address: str | None = None
    snmp_port: int = 161
    ssh_port: int = 22
    snmp_credential: Credential | None = None
    ssh_credential: Credential | None = None
    ssh_host_key: str = ""


@dataclass(frozen=True)
class InterfaceDetails:
    name: str
    if_index: int | None = None
    alias: str = ""
    mac: str = ""
    poe: bool = field(default=False, kw_only=True)


def ensure_type(*, manufacturer: str, model: str, kind: DeviceType.Kind, platform: str = "") -> DeviceType:
    """The type of that make and model; made if there is none yet."""
    row, _made = DeviceType.objects.get_or_create(
        manufacturer=manufacturer, model=model, defaults={"kind": kind, "platform": platform}
    )
    return row


def create_credential(*, authority: Authority, name: str, kind: Credential.Kind, secret: dict[str, Any]) -> Credential:
    """`secret` is encrypted at rest; its keys are SECRET_KEYS of the kind. Raises DeviceError."""
    _check_secret(kind, secret)
    return Credential.objects.create(authority=authority, name=name, kind=kind, secret=cast("Any", secret))


def replace_secret(*, credential: Credential, secret: dict[str, Any]) -> None:
    """Everything that uses the credential uses the new secret from its next contact on."""
    _check_secret(credential.kind, secret)
    credential.secret = secret
    credential.save(update_fields=["secret"])


def _check_secret(kind: str, secret: dict[str, Any]) -> None:
    if frozenset(secret) != SECRET_KEYS[kind]:
        raise DeviceError("secret", _("This kind of credential needs: %s.") % ", ".join(sorted(SECRET_KEYS[kind])))


@transaction.atomic
def create_prefix(*, site: Site, cidr: str, purpose: Prefix.Purpose) -> Prefix:
    """Raises DeviceError if the range overlaps another one of the authority."""
    network = _checked("cidr", rules.prefix, cidr)
    others = Prefix.objects.filter(authority_id=site.authority_id).exclude(cidr=network).values_list("cidr", flat=True)
    if common := rules.overlapping(network, others):
        raise DeviceError("cidr", _("This range shares addresses with %s.") % ", ".join(common))
    return Prefix.objects.create(authority_id=site.authority_id, site=site, cidr=network, purpose=purpose)


@transaction.atomic
def create_device(*, site: Site, details: DeviceDetails) -> Device:
    """Raises DeviceError: a room of another site, an address that is none, a community outside a management prefix."""
    device = Device(authority_id=site.authority_id, site=site, kind=details.type.kind, **vars(details))
    device.address = _checked("address", rules.address, details.address) if details.address else None
    _check(device)
    device.save()
    return device


@transaction.atomic
def move(*, device: Device, room: Room | None) -> None:
    device.room = room
    _check(device)
    device.save(update_fields=["room"])


@transaction.atomic
def set_snmp(*, device: Device, address: str | None, port: int, credential: Credential | None) -> None:
    """Where and how the device is asked. Raises DeviceError."""
    device.address = _checked("address", rules.address, address) if address else None
    device.snmp_port, device.snmp_credential = port, credential
    _check(device)
    device.save(update_fields=["address", "snmp_port", "snmp_credential"])


def retire(*, device: Device) -> bool:
    """Out of service for good: no longer polled or configured, its address free again. False if it already was."""
    living = Device.objects.filter(pk=device.pk).exclude(lifecycle=Device.Lifecycle.RETIRED)
    retired = living.update(lifecycle=Device.Lifecycle.RETIRED) == 1
    device.refresh_from_db(fields=["lifecycle"])
    return retired


def _check(device: Device) -> None:
    if device.room is not None and device.room.site_id != device.site_id:
        raise DeviceError("room", _("This room belongs to another site."))
    for name in ("snmp_credential", "ssh_credential"):
        credential = getattr(device, name)
        if credential is not None and credential.authority_id != device.authority_id:
            raise DeviceError(name, _("This credential belongs to another authority."))
    _check_snmp(device)


def _check_snmp(device: Device) -> None:
    credential = device.snmp_credential
    if credential is None:
        return
    if credential.kind not in SNMP_KINDS:
        raise DeviceError("snmp_credential", _("This credential is not for SNMP."))
    if credential.kind != Credential.Kind.SNMP_V2C or device.address is None:
        return
    management = Prefix.objects.filter(site_id=device.site_id, purpose=Prefix.Purpose.MANAGEMENT)
    refusal = rules.community_refusal(device.address, management.values_list("cidr", flat=True))
    if refusal is not None:
        raise DeviceError("snmp_credential", _refusal_text(refusal, device.address))


def _refusal_text(refusal: rules.SnmpRefusal, address: str) -> str:
    if refusal is rules.SnmpRefusal.NO_PREFIX:
        return _(
            "This site has no management prefix. SNMPv2c sends its community in clear and is allowed only inside one; "
            "create the prefix first, or use SNMPv3."
        )
    return _(
        "%(address)s lies outside the management prefixes of this site. SNMPv2c sends its community in clear and is "
        "allowed only inside them; choose an address there, or use SNMPv3."
    ) % {"address": address}


def add_interface(*, device: Device, details: InterfaceDetails) -> Interface:
    """Raises DeviceError if the MAC address is none."""
    return Interface.objects.create(device=device, **_columns(details))


def add_interfaces(*, device: Device, details: Iterable[InterfaceDetails]) -> list[Interface]:
    return Interface.objects.bulk_create(Interface(device=device, **_columns(one)) for one in details)


def _columns(details: InterfaceDetails) -> dict[str, Any]:
    return {**vars(details), "mac": _checked("mac", rules.mac, details.mac) if details.mac else ""}


@transaction.atomic
def learn_interfaces(*, device_id: int, said: Sequence[InterfaceDetails]) -> None:
    """Takes over what a device says of its interfaces: known ones (by ifIndex, else by name) are updated, new ones added.

    None is removed: a port that a device does not name today may carry an uplink tomorrow.
    """
    rows = list(Interface.objects.filter(device_id=device_id))
    by_index = {row.if_index: row for row in rows if row.if_index is not None}
    by_name = {row.name: row for row in rows}
    fresh: dict[str, Interface] = {}
    for details in said:
        row = by_index.get(details.if_index or 0) or by_name.get(details.name)
        if row is None:
            row = fresh.setdefault(details.name, Interface(device_id=device_id, name=details.name))
        row.if_index, row.alias = details.if_index, details.alias
        row.mac, row.poe = _columns(details)["mac"] or row.mac, details.poe or row.poe
    Interface.objects.bulk_create(fresh.values())
    Interface.objects.bulk_update(rows, ["if_index", "alias", "mac", "poe"])


@transaction.atomic
def connect(*, device: Device, port: Interface) -> Uplink:
    """`device` hangs on `port` of another device. Raises DeviceError on a cable to itself or in a circle."""
    if port.device_id == device.pk or device.pk in _above(port.device_id):
        raise DeviceError("port", _("A device cannot hang on itself, not even through others."))
    row, _made = Uplink.objects.get_or_create(device=device, port=port)
    return row


def disconnect(*, device: Device, port: Interface) -> None:
    Uplink.objects.filter(device=device, port=port).delete()


def _above(device_id: int) -> set[int]:
    """Everything on the way up from a device."""
    found: set[int] = set()
    edge = {device_id}
    while edge:
        found |= edge
        edge = set(Uplink.objects.filter(device_id__in=edge).values_list("port__device_id", flat=True)) - found
    return found


@transaction.atomic
def next_address(*, prefix: Prefix) -> str | None:
    """The lowest free host address of the prefix; None when it is full.

    Whoever takes it creates the device in the same transaction: the prefix's row is locked until then, so two people
    cannot be given the same one (and the database would refuse the second).
    """
    locked = Prefix.objects.select_for_update().get(pk=prefix.pk)
    taken = (
        Device.objects.filter(authority_id=locked.authority_id, address__isnull=False)
        .exclude(lifecycle=Device.Lifecycle.RETIRED)
        .values_list("address", flat=True)
    )
    return rules.next_free(locked.cidr, (one for one in taken if one))


def _checked(field: str, rule: Any, text: str) -> str:
    try:
        checked: str = rule(text)
    except rules.AddressError as error:
        raise DeviceError(field, _("“%s” cannot be read as an address.") % text) from error
    return checked
