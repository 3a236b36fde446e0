"""Wires a site: from a plan (which rooms, where an access point hangs) to devices with addresses and cables.

Cabling is the same everywhere, so that a person can guess it: the first switch hangs on the gateway's port 2 with its
own port 25, further switches hang on the first one's ports 26 and 24, access points take the PoE ports from 1 upwards,
printers 17 and up, the UPS 22.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import time

from fleet.lab.city.model import (
    Bell,
    Building,
    City,
    Device,
    Kind,
    Link,
    Period,
    Platform,
    Room,
    Site,
    SiteKind,
    SnmpV2c,
    SnmpV3,
)

GATEWAY_LAN_PORT = 2
SWITCH_UPLINK_PORT = 25
SWITCH_DOWNLINK_PORTS = (26, 24)
PRINTER_PORT, UPS_PORT = 17, 22
AP_PORT, HOST_PORT = 2, 1

MODELS: dict[Platform, tuple[str, str]] = {
    "openwrt": ("Musterfunk MF-620", "OpenWrt 23.05.3"),
    "labswitch": ("Musternetz MN-2426P", "LabSwitch 4.2.1"),
    "gateway": ("Musternetz GW-50", "LabGate 2.8.0"),
    "printer": ("Musterdruck MD-4200dn", "3.14"),
    "ups": ("Musterstrom MS-1500R", "1.9"),
}
NUMBERS = {"openwrt": 40, "labswitch": 10, "gateway": 1, "printer": 20, "ups": 30}
"""Where a platform's host numbers begin in 127.20.<site>.0/24."""

SECONDARY_BELL = Bell(
    (
        Period("1", time(8, 0), time(8, 45)),
        Period("2", time(8, 50), time(9, 35)),
        Period("3", time(9, 55), time(10, 40)),
        Period("4", time(10, 45), time(11, 30)),
        Period("5", time(11, 50), time(12, 35)),
        Period("6", time(12, 40), time(13, 25)),
        Period("7", time(14, 10), time(14, 55)),
        Period("8", time(15, 0), time(15, 45)),
    )
)


@dataclass(frozen=True)
class SitePlan:
    key: str
    number: int
    name: str
    kind: SiteKind
    buildings: tuple[Building, ...]
    ap_rooms: tuple[tuple[str, ...], ...]
    """Room numbers with an access point, one tuple per switch."""
    switch_rooms: tuple[str, ...]
    printer_rooms: tuple[str, ...] = ()
    ups_room: str | None = None
    snmp_v3: bool = False
    bell: Bell = field(default=SECONDARY_BELL)


def lab_secret(*parts: str) -> str:
    """A value that looks like a secret and is the same in every lab; it opens nothing but simulated devices."""
    return hashlib.sha256("·".join(("fleetdesk lab", *parts)).encode()).hexdigest()[:20]


def wire(plan: SitePlan) -> Site:
    return Site(plan.key, plan.number, plan.name, plan.kind, plan.bell, plan.buildings, tuple(_devices(plan)))


def large_city(devices: int = 500) -> City:
    """At least `devices` devices in sites of 20, for load tests; nobody works there."""
    sites = tuple(wire(_large_plan(number)) for number in range(1, -(-devices // 20) + 1))
    return City("grossmusterstadt", "Großmusterstadt", sites, ())


def _large_plan(number: int) -> SitePlan:
    key = f"site-{number:03d}"
    numbers = [str(100 + n) for n in range(14)]
    rooms = tuple(Room(f"{key}-{n}", n, f"Raum {n}", 1) for n in numbers)
    return SitePlan(
        key,
        number,
        f"Schule {number}",
        "school",
        (Building(f"{key}-haus", "Haus", f"Musterweg {number}", rooms),),
        ap_rooms=(tuple(numbers[:7]), tuple(numbers[7:])),
        switch_rooms=(numbers[0], numbers[7]),
        printer_rooms=(numbers[0], numbers[1]),
        ups_room=numbers[0],
    )


def _devices(plan: SitePlan) -> list[Device]:
    gateway = _device(plan, "gateway", "gw", plan.switch_rooms[0], None)
    switches = [_switch(plan, n, gateway.key) for n in range(len(plan.switch_rooms))]
    access_points = [
        _device(plan, "openwrt", f"ap-{room.lower()}", room, Link(switches[n].key, port, AP_PORT))
        for n, rooms in enumerate(plan.ap_rooms)
        for port, room in enumerate(rooms, start=1)
    ]
    printers = [
        _device(plan, "printer", f"printer-{n}", room, Link(switches[0].key, PRINTER_PORT - 1 + n, HOST_PORT))
        for n, room in enumerate(plan.printer_rooms, start=1)
    ]
    ups = [_device(plan, "ups", "ups", plan.ups_room, Link(switches[0].key, UPS_PORT, HOST_PORT))] if plan.ups_room else []
    return _numbered([gateway, *switches, *printers, *ups, *access_points], plan)


def _switch(plan: SitePlan, n: int, gateway: str) -> Device:
    uplink = (
        Link(gateway, GATEWAY_LAN_PORT, SWITCH_UPLINK_PORT)
        if n == 0
        else Link(f"{plan.key}-sw-1", SWITCH_DOWNLINK_PORTS[n - 1], SWITCH_UPLINK_PORT)
    )
    return _device(plan, "labswitch", f"sw-{n + 1}", plan.switch_rooms[n], uplink)


def _device(plan: SitePlan, platform: Platform, suffix: str, room: str, uplink: Link | None) -> Device:
    """A device that still lacks what counts through the site: address, MAC and serial."""
    model, firmware = MODELS[platform]
    return Device(
        key=f"{plan.key}-{suffix}",
        name=_name(platform, suffix, room),
        kind=_KINDS[platform],
        platform=platform,
        site=plan.key,
        room=f"{plan.key}-{room.lower()}",
        address="",
        mac="",
        serial="",
        model=model,
        firmware=firmware,
        uplink=uplink,
        snmp=_credential(plan),
        ssh_user=_SSH_USERS.get(platform),
    )


def _numbered(devices: list[Device], plan: SitePlan) -> list[Device]:
    used: dict[Platform, int] = {}
    result = []
    for device in devices:
        n = NUMBERS[device.platform] + used.get(device.platform, 0)
        used[device.platform] = used.get(device.platform, 0) + 1
        result.append(
            replace(
                device,
                address=f"127.20.{plan.number}.{n}",
                mac=f"02:fd:00:{plan.number:02x}:{n:02x}:00",
                serial=f"{_SERIALS[device.platform]}{plan.number:03d}{n:04d}",
            )
        )
    return result


def _credential(plan: SitePlan) -> SnmpV2c | SnmpV3:
    if plan.snmp_v3:
        return SnmpV3("fleetdesk", lab_secret(plan.key, "auth"), lab_secret(plan.key, "priv"))
    return SnmpV2c(lab_secret(plan.key, "community"))


def _name(platform: Platform, suffix: str, room: str) -> str:
    number = suffix.rpartition("-")[2]
    return {
        "openwrt": f"Access Point {room}",
        "labswitch": f"Switch {number}",
        "gateway": "Gateway",
        "printer": f"Drucker {room}",
        "ups": "USV",
    }[platform]


_KINDS: dict[Platform, Kind] = {
    "openwrt": "access-point",
    "labswitch": "switch",
    "gateway": "router",
    "printer": "printer",
    "ups": "ups",
}
_SSH_USERS: dict[Platform, str] = {"openwrt": "root", "labswitch": "admin"}
_SERIALS: dict[Platform, str] = {"openwrt": "MF", "labswitch": "MN", "gateway": "GW", "printer": "MD", "ups": "MS"}
