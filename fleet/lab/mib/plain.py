"""Gateway, printer (Printer-MIB, RFC 3805; HOST-RESOURCES-MIB, RFC 2790) and UPS (UPS-MIB, RFC 1628)."""

from collections.abc import Callable, Iterator

from fleet.lab.mib import common
from fleet.lab.world import Gateway, Machine, Printer, Ups
from fleet.lab.world.switch import port_name
from fleet.snmp.agent import Entry, ber

PLAYPEN = "1.3.6.1.4.1.8072.9999.9999"
HOST = ber.arcs("1.3.6.1.2.1.25.3")
PRINTER = ber.arcs("1.3.6.1.2.1.43")
UPS = ber.arcs("1.3.6.1.2.1.33.1")
PERCENT = 19
SUPPLY_TYPES = {"toner": 3, "opc": 9}
IDLE, RUNNING = 3, 2
BATTERY_NORMAL, BATTERY_LOW = 2, 3
FROM_MAINS, FROM_BATTERY = 3, 5
LOW_PERCENT = 20

Value = bytes | Callable[[], bytes]


def gateway(machine: Gateway) -> Iterator[Entry]:
    yield from _base(machine, 2)
    yield from common.interfaces(machine, (_gateway_port(machine, index) for index in range(1, 5)))
    yield from common.chassis(machine)


def _gateway_port(machine: Gateway, index: int) -> common.Interface:
    behind = machine.world.cabling(machine.device.key).get(index)
    return common.Interface(
        index,
        port_name(machine.device, index),
        f"{machine.device.mac.rpartition(':')[0]}:{index:02x}",
        octets_per_s=900_000 if behind or index == 1 else 0,
        oper=(lambda: behind.up) if behind else (lambda: index == 1),
    )


def printer(machine: Printer) -> Iterator[Entry]:
    yield from _base(machine, 3)
    yield from common.interfaces(machine, [common.Interface(1, "eth0", machine.device.mac, octets_per_s=400)])
    yield (*HOST, 2, 1, 2, 1), ber.oid("1.3.6.1.2.1.25.3.1.5")
    yield (*HOST, 2, 1, 3, 1), ber.text(machine.device.model)
    yield (*HOST, 2, 1, 5, 1), ber.integer(RUNNING)
    yield (*HOST, 5, 1, 1, 1), ber.integer(IDLE)
    yield (*HOST, 5, 1, 2, 1), ber.octets(b"\0")
    yield (*PRINTER, 5, 1, 1, 17, 1), ber.text(machine.device.serial)
    yield (*PRINTER, 10, 2, 1, 4, 1, 1), lambda: ber.counter32(machine.pages())
    for n in range(len(machine.supplies())):
        yield from _supply(machine, n)


def _supply(machine: Printer, n: int) -> Iterator[Entry]:
    supply = machine.supplies()[n]
    columns: dict[int, Value] = {
        4: ber.integer(3),
        5: ber.integer(SUPPLY_TYPES[supply.kind]),
        6: ber.text(supply.name),
        7: ber.integer(PERCENT),
        8: ber.integer(supply.capacity),
        9: lambda: ber.integer(machine.supplies()[n].level),
    }
    for column, value in columns.items():
        yield (*PRINTER, 11, 1, 1, column, 1, n + 1), value


def ups(machine: Ups) -> Iterator[Entry]:
    yield from _base(machine, 4)
    yield from common.interfaces(machine, [common.Interface(1, "eth0", machine.device.mac, octets_per_s=100)])
    for path, value in (*_ups_identity(machine), *_ups_battery(machine), *_ups_lines(machine)):
        yield (*UPS, *ber.arcs(path)), value


def _ups_identity(machine: Ups) -> Iterator[tuple[str, Value]]:
    maker, _, model = machine.device.model.partition(" ")
    for path, text in (("1.1.0", maker), ("1.2.0", model), ("1.3.0", machine.device.firmware)):
        yield path, ber.text(text)
    yield "1.4.0", ber.text(machine.device.firmware)
    yield "1.5.0", lambda: ber.text(machine.hostname)


def _ups_battery(machine: Ups) -> Iterator[tuple[str, Value]]:
    def battery_status() -> bytes:
        return ber.integer(BATTERY_LOW if machine.charge_percent < LOW_PERCENT else BATTERY_NORMAL)

    yield "2.1.0", battery_status
    yield "2.2.0", lambda: ber.integer(machine.on_battery_s)
    yield "2.3.0", lambda: ber.integer(machine.runtime_s // 60)
    yield "2.4.0", lambda: ber.integer(machine.charge_percent)
    yield "2.5.0", lambda: ber.integer(540 if machine.on_battery else 552)
    yield "2.7.0", ber.integer(27)


def _ups_lines(machine: Ups) -> Iterator[tuple[str, Value]]:
    yield "3.2.0", ber.integer(1)
    yield "3.3.1.3.1", lambda: ber.integer(0 if machine.on_battery else 231)
    yield "4.1.0", lambda: ber.integer(FROM_BATTERY if machine.on_battery else FROM_MAINS)
    yield "4.3.0", ber.integer(1)
    yield "4.4.1.2.1", ber.integer(230)
    yield "4.4.1.5.1", lambda: ber.integer(machine.load_percent)
    yield "6.1.0", lambda: ber.gauge32(1 if machine.on_battery else 0)


def _base(machine: Machine, number: int) -> Iterator[Entry]:
    device = machine.device
    return common.system(machine, f"{device.model} {device.firmware}", f"{PLAYPEN}.{number}")
