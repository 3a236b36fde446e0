"""Writes the demo city into the product's own rooms, through their services. Doing it again changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, DeviceType, Interface, Prefix, SiteCredential
from fleet.devices.services.credentials import of_site
from fleet.lab import city as lab
from fleet.lab.city.year import Upkeep
from fleet.lab.ssh.keys import Keys
from fleet.lab.world.switch import POE_PORTS, PORTS, port_name
from fleet.monitoring.models import MaintenanceWindow
from fleet.monitoring.services import maintenance
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Authority, BellPeriod, Building, ExamPeriod, FreePeriod, Room, Site
from fleet.sites.rules.table import bell

DEMO_PASSWORD = "school-bell-at-eight"  # noqa: S105  (opens invented accounts of an invented city, never in production)
CONFIGURED = ("openwrt", "labswitch")
"""Platforms that playbooks can configure; the others are only looked at."""
TEACHING = ("classroom", "group", "hall")
AUTH_PROTOCOLS = {"SHA": "sha1", "SHA-256": "sha256"}
GATEWAY_PORTS = 4
NAP = (time(12), time(14))
SSH_USERS = ("root", "admin")


@dataclass(frozen=True)
class Surroundings:
    """Where this lab answers and which keys it holds: facts of this machine rather than of the city."""

    ports: lab.LabPorts
    keys: Keys


def demo_logins() -> list[tuple[str, str]]:
    """(mail address, role and where it holds) of everybody in the demo city, in words."""
    city = lab.demo_city()
    return [
        (person.email, ", ".join([person.role, *(city.site_by_key[key].name for key in person.sites)]))
        for person in city.people
    ]


@transaction.atomic
def load_city(*, city: lab.City, around: Surroundings) -> None:
    """Everything that is missing is made. What people changed since stays, but ports and host keys follow the lab."""
    authority = _authority(city)
    rows = {site.key: _site(authority, city, site) for site in city.sites}
    loader = _Devices(authority, around)
    for site in city.sites:
        loader.load(rows[site.key], site)
    loader.follow_keys()
    _people(city, authority, rows)
    _Year(city, rows).load()


# --- sites ------------------------------------------------------------------------------------------------------------


def _authority(city: lab.City) -> Authority:
    return Authority.objects.filter(name=city.name).first() or sites.create_authority(name=city.name)


def _site(authority: Authority, city: lab.City, site: lab.Site) -> Site:
    row = Site.objects.filter(authority=authority, slug=site.key).first()
    if row is None:
        details = sites.SiteDetails(
            Site.Kind(site.kind), site.name, site.key, street=site.buildings[0].street, city=city.name
        )
        row = sites.create_site(authority=authority, details=details)
    for building in site.buildings:
        _building(row, building)
    if not BellPeriod.objects.filter(site=row).exists():
        lessons = [sites.Lesson(n, period.start, period.end) for n, period in enumerate(site.bell.periods, start=1)]
        sites.set_bell(site=row, lessons=lessons)
        if site.kind == "kindergarten":
            _nap(row)
    return row


def _nap(site: Site) -> None:
    """At noon, from Monday to Friday."""
    naps = [bell("nap", weekday, 1, *NAP) for weekday in range(5)]
    sites.set_week(site=site, told=[*sites.week(site=site), *naps], by=None)


def _building(site: Site, building: lab.Building) -> None:
    row = Building.objects.filter(site=site, name=building.name).first()
    row = row or sites.create_building(site=site, name=building.name)
    known = set(Room.objects.filter(building=row).values_list("number", flat=True))
    for room in building.rooms:
        if room.number not in known:
            name = "" if room.name.endswith(f" {room.number}") else room.name
            details = sites.RoomDetails(room.number, name, room.floor, room.kind in TEACHING)
            sites.create_room(building=row, details=details)


# --- devices ----------------------------------------------------------------------------------------------------------


class _Devices:
    """Loads the devices of one site after the other, with the credentials they share."""

    def __init__(self, authority: Authority, around: Surroundings) -> None:
        self._authority = authority
        self._around = around
        self._private_key = around.keys.client_private_key()

    def load(self, site: Site, plan: lab.Site) -> None:
        self._prefix(site, plan)
        self._spoken_to(site, plan)
        rooms = {room.number: room for room in Room.objects.filter(site=site)}
        numbers = {room.key: room.number for room in plan.rooms}
        known = {row.name: row for row in Device.objects.filter(site=site)}
        rows: dict[str, Device] = {}
        for device in plan.devices:
            row = known.get(device.name)
            if row is None:
                row = self._create(site, device, rooms[numbers[device.room]])
                _plug_in(row, device, rows)
            self._follow_lab(row, device)
            rows[device.key] = row

    def _prefix(self, site: Site, plan: lab.Site) -> None:
        cidr = f"127.20.{plan.number}.0/24"
        if not Prefix.objects.filter(authority=self._authority, cidr=cidr).exists():
            devices.create_prefix(site=site, cidr=cidr, purpose=Prefix.Purpose.MANAGEMENT)

    def _spoken_to(self, site: Site, plan: lab.Site) -> None:
        """What the site says its devices are asked with: the first one's, whom most are like."""
        if plan.devices and of_site(site.pk, SiteCredential.Use.SNMP) is None:
            common = self._snmp(site, plan.devices[0].snmp)
            devices.set_site_credential(site=site, use=SiteCredential.Use.SNMP, credential=common)

    def _create(self, site: Site, device: lab.Device, room: Room) -> Device:
        manufacturer, _, model = device.model.partition(" ")
        kind = devices.ensure_type(
            manufacturer=manufacturer,
            model=model,
            kind=DeviceType.Kind(device.kind),
            platform=device.platform if device.platform in CONFIGURED else "",
        )
        own = self._snmp(site, device.snmp)
        details = devices.DeviceDetails(
            kind,
            device.name,
            room,
            serial=device.serial,
            address=device.address,
            snmp_port=self._around.ports.snmp,
            ssh_port=self._around.ports.ssh,
            snmp_credential=own,
            snmp_follows_site=own == of_site(site.pk, SiteCredential.Use.SNMP),
            ssh_credential=self._ssh(device.ssh_user),
        )
        return devices.create_device(site=site, details=details)

    def _follow_lab(self, row: Device, device: lab.Device) -> None:
        """Ports move when others are taken, host keys are made anew with a fresh lab."""
        ports = self._around.ports
        facts = {
            "snmp_port": ports.snmp,
            "ssh_port": ports.ssh,
            "ssh_host_key": self._around.keys.host_public_key(device.key) if device.ssh_user else "",
        }
        if any(getattr(row, name) != value for name, value in facts.items()):
            Device.objects.filter(pk=row.pk).update(**facts)

    def _snmp(self, site: Site, snmp: lab.SnmpV2c | lab.SnmpV3) -> Credential:
        match snmp:
            case lab.SnmpV2c(community):
                return self._credential(f"SNMP {site.name}", Credential.Kind.SNMP_V2C, {"community": community})
            case lab.SnmpV3():
                secret = {
                    "user": snmp.user,
                    "auth_protocol": AUTH_PROTOCOLS[snmp.auth_protocol],
                    "auth_key": snmp.auth_password,
                    "priv_protocol": "aes128",
                    "priv_key": snmp.priv_password,
                }
                return self._credential(f"SNMPv3 {site.name}", Credential.Kind.SNMP_V3, secret)

    def _ssh(self, user: str | None) -> Credential | None:
        if user is None:
            return None
        secret = {"username": user, "private_key": self._private_key}
        return self._credential(_ssh_name(user), Credential.Kind.SSH_KEY, secret)

    def follow_keys(self) -> None:
        """A lab that was thrown away makes itself a new key pair; its devices know no other."""
        names = [_ssh_name(user) for user in SSH_USERS]
        for row in Credential.objects.filter(authority=self._authority, name__in=names):
            if row.secret["private_key"] != self._private_key:
                devices.replace_secret(credential=row, secret={**row.secret, "private_key": self._private_key})

    def _credential(self, name: str, kind: Credential.Kind, secret: dict[str, Any]) -> Credential:
        row = Credential.objects.filter(authority=self._authority, name=name).first()
        return row or devices.create_credential(authority=self._authority, name=name, kind=kind, secret=secret)


def _ssh_name(user: str) -> str:
    return f"SSH {user}"


def _plug_in(row: Device, device: lab.Device, rows: dict[str, Device]) -> None:
    """Its ports, and the cable upwards; what is above has been loaded before."""
    devices.add_interfaces(device=row, details=_interfaces(device))
    if device.uplink:
        port = Interface.objects.get(device=rows[device.uplink.device], if_index=device.uplink.port)
        devices.connect(device=row, port=port)


def _interfaces(device: lab.Device) -> Iterator[devices.InterfaceDetails]:
    prefix = device.mac.rpartition(":")[0]
    match device.platform:
        case "labswitch":
            for n in range(1, PORTS + 1):
                name, mac = port_name(device, n), f"{prefix}:{n:02x}"
                yield devices.InterfaceDetails(name, n, mac=mac, poe=n <= POE_PORTS)
        case "gateway":
            for n in range(1, GATEWAY_PORTS + 1):
                yield devices.InterfaceDetails(port_name(device, n), n, mac=f"{prefix}:{n:02x}")
        case _:
            index = device.uplink.local_port if device.uplink else 1
            yield devices.InterfaceDetails(port_name(device, index), index, mac=device.mac)


# --- the year ---------------------------------------------------------------------------------------------------------


class _Year:
    """Closures, exams, naps and upkeep, where a site has none yet: what people entered stays as it is."""

    def __init__(self, city: lab.City, rows: dict[str, Site]) -> None:
        self._zone = ZoneInfo(city.time_zone)
        self._rows = rows
        self._year = lab.school_year(city, timezone.localdate(timezone=self._zone))

    def load(self) -> None:
        closed, tested, upheld = (
            set(kept.objects.values_list("site_id", flat=True)) for kept in (FreePeriod, ExamPeriod, MaintenanceWindow)
        )
        for closure in self._year.closures:
            if self._rows[closure.site].pk not in closed:
                details = sites.Closure(closure.name, closure.first_day, closure.last_day)
                sites.enter_closure(where=sites.Where(self._rows[closure.site]), closure=details, by=None)
        for exam in self._year.exams:
            if self._rows[exam.site].pk not in tested:
                held = sites.Exam(exam.name, self._instant(exam.begins), self._instant(exam.ends), exam.buffer_days)
                sites.enter_exam(where=sites.Where(self._rows[exam.site]), exam=held, by=None)
        for upkeep in self._year.upkeep:
            if self._rows[upkeep.site].pk not in upheld:
                self._plan(self._rows[upkeep.site], upkeep)

    def _plan(self, site: Site, upkeep: Upkeep) -> None:
        planned = maintenance.Planned(
            covers=MaintenanceWindow.Covers.KIND,
            kind=upkeep.kind,
            site=site,
            starts_at=self._instant(upkeep.begins),
            ends_at=self._instant(upkeep.ends),
            repeats=MaintenanceWindow.Repeating.WEEKLY,
            reason=upkeep.reason,
        )
        maintenance.plan(authority_id=site.authority_id, planned=planned, by=None)

    def _instant(self, clock: datetime) -> datetime:
        return clock.replace(tzinfo=self._zone)


# --- people -----------------------------------------------------------------------------------------------------------


def _people(city: lab.City, authority: Authority, rows: dict[str, Site]) -> None:
    known = set(User.objects.filter(email__in=[person.email for person in city.people]).values_list("email", flat=True))
    for person in city.people:
        if person.email not in known:
            user = User.objects.create_user(person.email, DEMO_PASSWORD, name=person.name, language=person.language)
            for scope in [rows[key].pk for key in person.sites] or [authority.pk]:
                people.grant(user=user, role=Role(person.role), scope_id=scope)
