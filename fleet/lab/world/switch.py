"""A managed PoE switch: ports, power, neighbours, a running and a startup configuration."""

from collections.abc import Hashable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeGuard

from fleet.lab.city import Device, SnmpV2c
from fleet.lab.world.machine import BOOT_S, Around, Machine

PORTS = 26
POE_PORTS = 24
WIRED_ROOM_PORTS = range(9, 13)
"""Ports with a wall socket and a computer on it: up, but nothing the fleet manages."""
CYCLE_OFF_S = 2.0
ZONES = {1: "default", 10: "verwaltung", 20: "paedagogik", 30: "gaeste", 99: "quarantaene"}


@dataclass
class PortConfig:
    description: str = ""
    shutdown: bool = False
    poe: bool = True
    vlan: int = 1
    trunk: bool = False
    """Carries several VLANs: the way up, and to access points and switches below."""


@dataclass
class SwitchConfig:
    """What `show running-config` shows."""

    hostname: str
    ntp: list[str] = field(default_factory=list)
    logging: list[str] = field(default_factory=list)
    communities: list[str] = field(default_factory=list, repr=False)
    snmp_location: str = ""
    snmp_contact: str = ""
    banner: str = ""
    lldp: bool = True
    vlans: dict[int, str] = field(default_factory=lambda: dict(ZONES))
    flags: list[str] = field(default_factory=list)
    """Lines of a vendor's own that are there or not, in the order in which they came."""
    enable_secret: str = field(default="", repr=False)
    """What `enable` asks for, on command lines that know it; empty: everybody is privileged at once."""
    ports: dict[int, PortConfig] = field(default_factory=dict)
    radius: dict[str, list[str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Neighbour:
    """What LLDP hears on a port (IEEE 802.1AB)."""

    chassis_mac: str
    port_id: str
    sys_name: str
    sys_desc: str


@dataclass(frozen=True)
class PortState:
    ifIndex: int  # noqa: N815  (the MIB's own word)
    name: str
    description: str
    admin_up: bool
    oper_up: bool
    poe_capable: bool
    poe_admin: bool
    delivering: bool
    """Power flows to a device that takes it (pethPsePortDetectionStatus 3)."""
    neighbour: Neighbour | None


class Switch(Machine):
    def __init__(self, device: Device, world: Around) -> None:
        super().__init__(device, world)
        self.running_config = self._factory_config()
        self.startup_config = deepcopy(self.running_config)
        self._poe_off_until: dict[int, datetime] = {}

    def _factory_config(self) -> SwitchConfig:
        device = self.device
        links = [(child.key, child.uplink) for child in self.world.city.devices if child.uplink]
        names = {link.port: key for key, link in links if link.device == device.key}
        if device.uplink:
            names[device.uplink.local_port] = device.uplink.device
        return SwitchConfig(
            hostname=device.key,
            communities=[device.snmp.community] if isinstance(device.snmp, SnmpV2c) else [],
            snmp_location=device.room,
            ports={n: PortConfig(names.get(n, ""), poe=n <= POE_PORTS, trunk=n in names) for n in range(1, PORTS + 1)},
        )

    # --- how it is ----------------------------------------------------------------------------------------------------

    @property
    def hostname(self) -> str:
        return self.running_config.hostname

    @property
    def location(self) -> str:
        return self.running_config.snmp_location

    @property
    def contact(self) -> str:
        return self.running_config.snmp_contact

    @property
    def communities(self) -> frozenset[str]:
        return frozenset() if self.faults.wrong_community else frozenset(self.running_config.communities)

    def shape(self) -> Hashable:
        """Who is up decides who is heard by LLDP and learnt, and in which VLAN; names travel with LLDP."""
        cabled = self._by_port()
        heard = tuple(cabled[port].hostname if self.oper_up(port) else None for port in cabled)
        up = tuple(machine.up for machine in self.world.all_behind(self.device.key))
        return (
            heard,
            up,
            tuple(self.running_config.vlans.items()),
            tuple(one.vlan for one in self.running_config.ports.values()),
        )

    @property
    def unsaved(self) -> bool:
        return self.running_config != self.startup_config

    def port(self, number: int) -> PortState:
        """Raises KeyError when the switch has no such port."""
        config = self.running_config.ports[number]
        machine = self._machine_on(number)
        return PortState(
            ifIndex=number,
            name=port_name(self.device, number),
            description=config.description,
            admin_up=not config.shutdown,
            oper_up=self.oper_up(number),
            poe_capable=number <= POE_PORTS,
            poe_admin=config.poe,
            delivering=machine is not None and machine.device.platform == "openwrt" and self.delivers(number),
            neighbour=_neighbour(machine, self) if self._hears(machine, number) else None,
        )

    def ports(self) -> list[PortState]:
        return [self.port(number) for number in sorted(self.running_config.ports)]

    def _hears(self, machine: Machine | None, number: int) -> TypeGuard[Machine]:
        return machine is not None and self.running_config.lldp and self.oper_up(number)

    def oper_up(self, number: int) -> bool:
        if self.running_config.ports[number].shutdown:
            return False
        machine = self._machine_on(number)
        return machine.up if machine else number in WIRED_ROOM_PORTS

    def delivers(self, number: int) -> bool:
        if number > POE_PORTS or not self.running_config.ports[number].poe:
            return False
        off_until = self._poe_off_until.get(number)
        return off_until is None or self.now >= off_until

    def carries(self, child: Machine) -> bool:
        link = child.device.uplink
        return link is not None and not self.running_config.ports[link.port].shutdown

    def forwarding(self) -> list[tuple[str, int]]:
        """(MAC, port) of everything heard, nearest first: what hangs here, what hangs behind it, wall sockets."""
        table = [(machine.device.mac, port) for port, machine in self._by_port().items() if machine.up]
        for port, machine in self._by_port().items():
            if machine.device != getattr(self.parent, "device", None):
                table += [(below.device.mac, port) for below in self.world.all_behind(machine.device.key) if below.up]
        prefix = self.device.mac.rpartition(":")[0]
        return table + [(f"{prefix}:{port:02x}", port) for port in WIRED_ROOM_PORTS if self.oper_up(port)]

    def _machine_on(self, number: int) -> Machine | None:
        return self._by_port().get(number)

    def _by_port(self) -> dict[int, Machine]:
        return self.world.cabling(self.device.key)

    # --- what can be done to it ---------------------------------------------------------------------------------------

    def set_poe(self, port: int, enabled: bool) -> None:
        """Switches a port's power. What hangs on it goes dark at once and boots when power returns."""
        config = self.running_config.ports[port]
        came_back = enabled and not config.poe
        config.poe = enabled
        if came_back:
            self._power_returns(port, BOOT_S)

    def cycle_poe(self, port: int, off_s: float = CYCLE_OFF_S) -> None:
        """Power off, wait, power on, by the switch itself."""
        if self.running_config.ports[port].poe:
            self._poe_off_until[port] = self.now + timedelta(seconds=off_s)
            self._power_returns(port, off_s + BOOT_S)

    def _power_returns(self, port: int, boot_s: float) -> None:
        machine = self._machine_on(port)
        if machine is not None and machine.device.platform == "openwrt":
            machine.reboot(boot_s)

    def save(self) -> None:
        """`write memory`: the running configuration survives the next restart."""
        self.startup_config = deepcopy(self.running_config)

    def reboot(self, down_s: float = BOOT_S) -> None:
        """Forgets what was not saved; its ports give no power meanwhile, so what they feed boots after it."""
        super().reboot(down_s)
        self.running_config = deepcopy(self.startup_config)
        for port in range(1, POE_PORTS + 1):
            self._power_returns(port, down_s + BOOT_S)

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"running": asdict(self.running_config), "startup": asdict(self.startup_config)}

    def restore(self, kept: dict[str, Any]) -> None:
        super().restore(kept)
        self.running_config = _config(kept["running"])
        self.startup_config = _config(kept["startup"])


def _config(kept: dict[str, Any]) -> SwitchConfig:
    ports = {int(number): PortConfig(**port) for number, port in kept["ports"].items()}
    vlans = {int(number): name for number, name in kept.get("vlans", ZONES).items()}
    return SwitchConfig(**(kept | {"ports": ports, "vlans": vlans}))


def _neighbour(machine: Machine, me: Switch) -> Neighbour:
    """What the other end tells about itself; its port is where its end of our cable is."""
    link = machine.device.uplink
    mine = link is not None and link.device == me.device.key
    port = link.local_port if mine and link else me.device.uplink.port if me.device.uplink else 1
    return Neighbour(machine.device.mac, port_name(machine.device, port), machine.hostname, machine.device.model)


def port_name(device: Device, index: int) -> str:
    """ifName of a device's port, by platform."""
    match device.platform:
        case "labswitch":
            return f"1/{index}"
        case "ios":
            return f"Gi1/0/{index}" if index <= POE_PORTS else f"Te1/1/{index - POE_PORTS}"
        case "aos-cx":
            return f"1/1/{index}"
        case "procurve":
            return f"{index}"
        case "gateway":
            return {1: "wan", 2: "lan1"}.get(index, f"lan{index - 1}")
        case _:
            return "eth0"
