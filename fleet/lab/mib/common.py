"""SNMPv2-MIB, IF-MIB and ENTITY-MIB, which every device has."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fleet.lab.world import Machine
from fleet.snmp.agent import Entry, ber

SYSTEM = ber.arcs("1.3.6.1.2.1.1")
IF_TABLE = ber.arcs("1.3.6.1.2.1.2.2.1")
IFX_TABLE = ber.arcs("1.3.6.1.2.1.31.1.1.1")
ENTITY = ber.arcs("1.3.6.1.2.1.47.1.1.1.1")
UP, DOWN = 1, 2
ETHERNET, LOOPBACK, WIFI = 6, 24, 71
"""IANAifType-MIB: ethernetCsmacd, softwareLoopback, ieee80211."""
PACKET_OCTETS = 700


@dataclass(frozen=True)
class Interface:
    index: int
    name: str
    mac: str | None
    type: int = ETHERNET
    speed_bps: int = 1_000_000_000
    octets_per_s: float = 20_000
    """Average of what comes in; half of it goes out."""
    alias: Callable[[], str] = str
    oper: Callable[[], bool] = lambda: True
    admin: Callable[[], bool] = lambda: True


def mac_octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def status(up: bool) -> bytes:
    return ber.integer(UP if up else DOWN)


def system(machine: Machine, descr: str, object_id: str) -> Iterator[Entry]:
    values: tuple[bytes | Callable[[], bytes], ...] = (
        ber.text(descr),
        ber.oid(object_id),
        lambda: ber.ticks(machine.uptime_ticks),
        lambda: ber.text(machine.contact),
        lambda: ber.text(machine.hostname),
        lambda: ber.text(machine.location),
        ber.integer(72),
    )
    for number, value in enumerate(values, start=1):
        yield (*SYSTEM, number, 0), value


def interfaces(machine: Machine, found: Iterable[Interface]) -> Iterator[Entry]:
    found = list(found)
    yield ber.arcs("1.3.6.1.2.1.2.1.0"), ber.integer(len(found))
    for interface in found:
        yield from _if_row(machine, interface)
        yield from _ifx_row(machine, interface)


def _if_row(machine: Machine, interface: Interface) -> Iterator[Entry]:
    columns: dict[int, bytes | Callable[[], bytes]] = {
        1: ber.integer(interface.index),
        2: ber.text(interface.name),
        3: ber.integer(interface.type),
        4: ber.integer(1500),
        5: ber.gauge32(interface.speed_bps),
        6: ber.octets(mac_octets(interface.mac) if interface.mac else b""),
        7: lambda: status(interface.admin()),
        8: lambda: status(interface.oper()),
        10: lambda: ber.counter32(_octets(machine, interface, "in")),
        11: lambda: ber.counter32(_octets(machine, interface, "in") // PACKET_OCTETS),
        13: ber.counter32(0),
        14: lambda: ber.counter32(_errors(machine, interface)),
        16: lambda: ber.counter32(_octets(machine, interface, "out")),
        17: lambda: ber.counter32(_octets(machine, interface, "out") // PACKET_OCTETS),
        19: ber.counter32(0),
        20: ber.counter32(0),
    }
    for column, value in columns.items():
        yield (*IF_TABLE, column, interface.index), value


def _ifx_row(machine: Machine, interface: Interface) -> Iterator[Entry]:
    columns: dict[int, bytes | Callable[[], bytes]] = {
        1: ber.text(interface.name),
        6: lambda: ber.counter64(_octets(machine, interface, "in")),
        7: lambda: ber.counter64(_octets(machine, interface, "in") // PACKET_OCTETS),
        10: lambda: ber.counter64(_octets(machine, interface, "out")),
        11: lambda: ber.counter64(_octets(machine, interface, "out") // PACKET_OCTETS),
        15: ber.gauge32(interface.speed_bps // 1_000_000),
        18: lambda: ber.text(interface.alias()),
    }
    for column, value in columns.items():
        yield (*IFX_TABLE, column, interface.index), value


def _octets(machine: Machine, interface: Interface, way: Literal["in", "out"]) -> int:
    rate = interface.octets_per_s if way == "in" else interface.octets_per_s / 2
    return machine.counted(rate, interface.name, way)


def _errors(machine: Machine, interface: Interface) -> int:
    return machine.counted(1 / 7_200, interface.name, "errors")


def chassis(machine: Machine) -> Iterator[Entry]:
    """The one row of entPhysicalTable that says make, model, serial number and software."""
    device = machine.device
    maker, _, model = device.model.partition(" ")
    version = device.firmware.rpartition(" ")[2]
    columns = {
        2: ber.text(f"{device.model} chassis"),
        3: ber.oid("0.0"),
        4: ber.integer(0),
        5: ber.integer(3),
        7: ber.text("Chassis"),
        9: ber.text(version),
        10: ber.text(version),
        11: ber.text(device.serial),
        12: ber.text(maker),
        13: ber.text(model),
    }
    for column, value in columns.items():
        yield (*ENTITY, column, 1), value
