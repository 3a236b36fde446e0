"""Devices: how they come into being, move, change and go."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fleet.devices import rules
from fleet.devices.models import Credential, Device, DeviceType, SiteCredential
from fleet.devices.services.credentials import (
    check_use,
    community_refusal,
    management_prefixes,
    manages_authority,
    of_site,
)
from fleet.devices.services.errors import DeviceError, checked
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites import services as sites
from fleet.sites.models import Room, Site


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
    snmp_follows_site: bool = False
    ssh_follows_site: bool = False
    clear_text: rules.ClearText | None = None
    controller: Device | None = None


def ensure_type(*, manufacturer: str, model: str, kind: DeviceType.Kind, platform: str = "") -> DeviceType:
    """The type of that make and model; made if there is none yet."""
    row, _made = DeviceType.objects.get_or_create(
        manufacturer=manufacturer, model=model, defaults={"kind": kind, "platform": platform}
    )
    return row


@transaction.atomic
def chosen_type(*, manufacturer: str, model: str, kind: DeviceType.Kind, device: Device | None = None) -> DeviceType:
    """As a person says it: types are everybody's, so the kind of one that other devices have stays. Raises DeviceError."""
    known = ensure_type(manufacturer=manufacturer, model=model, kind=kind)
    row = DeviceType.objects.select_for_update().get(pk=known.pk)
    if row.kind == kind:
        return row
    others = row.devices.exclude(pk=device.pk) if device else row.devices.all()
    if others.exists():
        said = {"model": str(row), "kind": row.get_kind_display()}
        raise DeviceError("kind", _("%(model)s is known as “%(kind)s”. Choose that, or correct the model.") % said)
    row.kind = kind
    row.save(update_fields=["kind"])
    return row


@transaction.atomic
def create_device(*, site: Site, details: DeviceDetails, by: User | None = None) -> Device:
    """Raises DeviceError: a closed school, a room elsewhere, no address, a community outside a management prefix."""
    _begin_at(site.pk, details.lifecycle)
    permission = details.clear_text
    columns = {name: value for name, value in vars(details).items() if name != "clear_text"}
    device = Device(authority_id=site.authority_id, site=site, kind=details.type.kind, **columns)
    device.clear_text_reason = permission.reason if permission else ""
    device.clear_text_until = permission.until if permission else None
    device.address = checked("address", rules.address, details.address) if details.address else None
    _settle(device)
    _save(device, None)
    emit(Fact("device.created", device, device.authority_id, device.site_id, by.pk if by else None))
    return device


@transaction.atomic
def move(*, device: Device, room: Room | None) -> None:
    """Raises DeviceError."""
    device.room = room
    _check_belonging(device)
    device.save(update_fields=["room"])


@dataclass(frozen=True)
class SnmpAccess:
    """Where and how a device is asked. `credential` None with `follows_site`: what the site says; without: not at all."""

    address: str | None
    port: int = 161
    credential: Credential | None = None
    follows_site: bool = False
    clear_text: rules.ClearText | None = None


@transaction.atomic
def set_snmp(*, device: Device, access: SnmpAccess, by: User | None = None) -> None:
    """Raises DeviceError. A permission to ask in clear text that is not needed is not kept, and is for those to give who
    manage the authority: the credential may be that of all its sites."""
    _lock_site(device.site_id)
    before = _in_clear(device)
    device.address = checked("address", rules.address, access.address) if access.address else None
    device.snmp_port, device.snmp_credential = access.port, access.credential
    device.snmp_follows_site = access.follows_site
    device.clear_text_reason = access.clear_text.reason if access.clear_text else ""
    device.clear_text_until = access.clear_text.until if access.clear_text else None
    _settle(device)
    if device.clear_text_until and _in_clear(device) != before and not manages_authority(by, device.authority_id):
        raise DeviceError("clear_text_until", _("Only who administers the whole authority may permit this."))
    _save(device, [*SNMP_COLUMNS])
    told = {"address": device.address, "credential_id": device.snmp_credential_id, "reason": device.clear_text_reason}
    emit(Fact("device.snmp_changed", device, device.authority_id, device.site_id, by.pk if by else None, told))


def _in_clear(device: Device) -> tuple[object, ...]:
    """What goes out readable, where to, and who answers for it how long."""
    return device.address, device.snmp_credential_id, device.clear_text_reason, device.clear_text_until


SNMP_COLUMNS = (
    "address",
    "snmp_port",
    "snmp_credential",
    "snmp_follows_site",
    "clear_text_reason",
    "clear_text_until",
)


@transaction.atomic
def change_device(*, device: Device, details: DeviceDetails, by: User | None = None) -> None:
    """What it is and where it stands; how it is asked stays `set_snmp`'s. Raises DeviceError."""
    _begin_at(device.site_id, details.lifecycle)
    device.type, device.kind, device.name, device.room = details.type, details.type.kind, details.name, details.room
    device.serial, device.asset_tag, device.lifecycle = details.serial, details.asset_tag, details.lifecycle
    device.ssh_port, device.ssh_credential = details.ssh_port, details.ssh_credential
    device.ssh_follows_site, device.ssh_host_key = details.ssh_follows_site, details.ssh_host_key
    _follow_site(device)
    _check_belonging(device)
    _save(device, None)
    emit(Fact("device.changed", device, device.authority_id, device.site_id, by.pk if by else None))


def retire(*, device: Device) -> bool:
    """Out of service for good: no longer polled or configured, its address free again. False if it already was."""
    living = Device.objects.filter(pk=device.pk).exclude(lifecycle=Device.Lifecycle.RETIRED)
    retired = living.update(lifecycle=Device.Lifecycle.RETIRED) == 1
    device.refresh_from_db(fields=["lifecycle"])
    return retired


def _lock_site(site_id: int) -> Site:
    """Whoever gives the site another credential waits: who follows it has the old one and is changed, or has the new one."""
    return Site.objects.select_for_update(no_key=True).get(pk=site_id)


def _begin_at(site_id: int, lifecycle: Device.Lifecycle) -> None:
    """Where a school is closed, or closes this moment, nothing comes into service. Raises DeviceError."""
    if _lock_site(site_id).closed_at is not None and lifecycle != Device.Lifecycle.RETIRED:
        raise DeviceError("lifecycle", _("This school is closed. Open it again first."))


def _settle(device: Device) -> None:
    """What the site says where the device follows it, and everything that must hold. Raises DeviceError."""
    _follow_site(device)
    _check_belonging(device)
    _check_clear_text(device)


def _follow_site(device: Device) -> None:
    for use in SiteCredential.Use:
        if getattr(device, f"{use}_follows_site"):
            setattr(device, f"{use}_credential", of_site(device.site_id, use))


def _check_belonging(device: Device) -> None:
    """Of what it has been given nothing is another site's or authority's. Raises DeviceError."""
    if device.room is not None:
        room = sites.hold_room(room_id=device.room.pk)
        if room is None:
            raise DeviceError("room", _("This room has just been removed."))
        if room.site_id != device.site_id:
            raise DeviceError("room", _("This room belongs to another site."))
    for use in SiteCredential.Use:
        credential = getattr(device, f"{use}_credential")
        if credential is not None:
            check_use(credential, use, device.authority_id)


def _check_clear_text(device: Device) -> None:
    credential = device.snmp_credential
    in_clear = credential is not None and credential.kind in Credential.IN_CLEAR and device.address is not None
    prefixes = management_prefixes(device.site_id) if in_clear else []
    refusal = community_refusal(device, prefixes) if in_clear else None
    if refusal is not None:
        raise DeviceError(_REFUSED_FIELD.get(refusal, "snmp_credential"), _refusal_text(refusal, str(device.address)))
    if not in_clear or rules.inside(str(device.address), prefixes):
        device.clear_text_reason, device.clear_text_until = "", None


_REFUSED_FIELD = {
    rules.SnmpRefusal.PERMISSION_OVER: "clear_text_until",
    rules.SnmpRefusal.PERMISSION_TOO_LONG: "clear_text_until",
}


def _refusal_text(refusal: rules.SnmpRefusal, address: str) -> str:
    texts = {
        rules.SnmpRefusal.NO_PREFIX: _(
            "This site has no management prefix. SNMPv1 and v2c send their community in clear and are allowed only inside "
            "one; create the prefix first, use SNMPv3, or say why and until when it must be."
        ),
        rules.SnmpRefusal.OUTSIDE: _(
            "%(address)s lies outside the management prefixes of this site. SNMPv1 and v2c send their community in clear "
            "and are allowed only inside them; choose an address there, use SNMPv3, or say why and until when it must be."
        ),
        rules.SnmpRefusal.PERMISSION_OVER: _("This day has passed. Choose a day on which it ends, or use SNMPv3."),
        rules.SnmpRefusal.PERMISSION_TOO_LONG: _("A year at most: then somebody should look at it again."),
    }
    return texts[refusal] % {"address": address}


def _save(device: Device, columns: list[str] | None) -> None:
    """Raises DeviceError where the database says that somebody else has this name, address or serial number."""
    try:
        with transaction.atomic():
            device.save(update_fields=columns)
    except IntegrityError as error:
        raise _taken(device) from error


def _taken(device: Device) -> DeviceError:
    others = Device.objects.filter(authority_id=device.authority_id).exclude(pk=device.pk)
    if others.filter(site=device.site_id, name=device.name).exists():
        return DeviceError("name", _("This site has a device of this name already."))
    if device.serial and others.filter(serial=device.serial).exists():
        return DeviceError("serial", _("Another device has this serial number."))
    return DeviceError("address", _("Another device in service has this address."))
