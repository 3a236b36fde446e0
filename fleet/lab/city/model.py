"""The words of the synthetic city, as frozen values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cached_property
from typing import Literal

Kind = Literal["access-point", "switch", "router", "printer", "ups"]
Platform = Literal["openwrt", "labswitch", "ios", "aos-cx", "procurve", "gateway", "printer", "ups"]
Role = Literal["coordinator", "technician", "administrator", "approver", "auditor", "security"]
SiteKind = Literal["school", "kindergarten"]
Phase = Literal["lesson", "break", "afternoon", "night"]

SATURDAY = 5


@dataclass(frozen=True)
class LabPorts:
    """Where the lab listens: the same two ports on every device's own loopback address."""

    snmp: int = 16161
    ssh: int = 2200


@dataclass(frozen=True)
class SnmpV2c:
    community: str = field(repr=False)


@dataclass(frozen=True)
class SnmpV3:
    """authPriv; passwords as a person types them, keys are localised per engine (RFC 3414, A.2)."""

    user: str
    auth_password: str = field(repr=False)
    priv_password: str = field(repr=False)
    auth_protocol: Literal["SHA", "SHA-256"] = "SHA"
    priv_protocol: Literal["AES-128"] = "AES-128"


@dataclass(frozen=True)
class Link:
    """One cable seen from below: my `local_port` goes into `port` of `device`; both are ifIndex values."""

    device: str
    port: int
    local_port: int


@dataclass(frozen=True)
class Device:
    key: str
    """Slug, unique in the city; also the host name the device is born with."""
    name: str
    kind: Kind
    platform: Platform
    site: str
    room: str
    """Key of the room it hangs or stands in."""
    address: str
    mac: str
    serial: str
    model: str
    firmware: str
    uplink: Link | None
    """None: the site's gateway, nothing of ours is above it."""
    snmp: SnmpV2c | SnmpV3
    ssh_user: str | None


@dataclass(frozen=True)
class Room:
    key: str
    number: str
    name: str
    floor: int
    kind: Literal["classroom", "office", "technical", "hall", "group"] = "classroom"


@dataclass(frozen=True)
class Building:
    key: str
    name: str
    street: str
    rooms: tuple[Room, ...]


@dataclass(frozen=True)
class Period:
    name: str
    start: time
    end: time


@dataclass(frozen=True)
class Bell:
    """Lesson times on Monday to Friday, local time of the city."""

    periods: tuple[Period, ...]
    last_leave: time = time(17, 0)
    """From the last bell until here a few people are still in the house."""

    def phase(self, local: datetime) -> Phase:
        """What the house is doing at `local`, a datetime in the city's own time zone."""
        clock = local.time().replace(tzinfo=None)
        if local.weekday() >= SATURDAY or clock < self.periods[0].start or clock >= self.last_leave:
            return "night"
        if any(period.start <= clock < period.end for period in self.periods):
            return "lesson"
        return "break" if clock < self.periods[-1].end else "afternoon"


@dataclass(frozen=True)
class Site:
    key: str
    number: int
    name: str
    kind: SiteKind
    bell: Bell
    buildings: tuple[Building, ...]
    devices: tuple[Device, ...]

    @property
    def rooms(self) -> Iterator[Room]:
        for building in self.buildings:
            yield from building.rooms


@dataclass(frozen=True)
class Person:
    key: str
    first_name: str
    last_name: str
    email: str
    role: Role
    sites: tuple[str, ...] = ()
    """Keys of the sites the role holds for; empty: the whole authority."""
    language: Literal["de", "en"] = "de"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True)
class City:
    key: str
    name: str
    sites: tuple[Site, ...]
    people: tuple[Person, ...]
    time_zone: str = "Europe/Berlin"

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        return tuple(device for site in self.sites for device in site.devices)

    @cached_property
    def by_key(self) -> dict[str, Device]:
        return {device.key: device for device in self.devices}

    @cached_property
    def rooms(self) -> dict[str, Room]:
        return {room.key: room for site in self.sites for room in site.rooms}

    @cached_property
    def site_by_key(self) -> dict[str, Site]:
        return {site.key: site for site in self.sites}
