"""An access point answers like net-snmp on OpenWrt, with the extend scripts people install there."""

from collections.abc import Callable, Iterator

from fleet.lab.mib import common
from fleet.lab.world import AccessPoint
from fleet.lab.world.machine import roll
from fleet.snmp.agent import Entry, ber

SYS_OBJECT_ID = "1.3.6.1.4.1.8072.3.2.10"
SYS_DESCR = "Linux OpenWrt 5.15.150 #0 SMP Fri Mar 22 22:09:42 2024 aarch64"
EXTEND_LINE = ber.arcs("1.3.6.1.4.1.8072.1.3.2.3.1.1")
"""NET-SNMP-EXTEND-MIB::nsExtendOutput1Line, indexed by the name with its length before it."""
DOT11_DESIRED_SSID = ber.arcs("1.2.840.10036.1.1.1.9")
DOT11_RESOURCE_TYPE = ber.arcs("1.2.840.10036.3.1.1.0")
UCD = ber.arcs("1.3.6.1.4.1.2021")
MEMORY_KB = 509_384


def objects(machine: AccessPoint) -> Iterator[Entry]:
    yield from common.system(machine, SYS_DESCR, SYS_OBJECT_ID)
    yield from common.interfaces(machine, _interfaces(machine))
    yield from _extends(machine)
    yield from _ucd(machine)
    yield DOT11_RESOURCE_TYPE, ber.text("RTID")
    for bss in machine.on_air:
        yield (*DOT11_DESIRED_SSID, bss.ifIndex), ber.text(bss.ssid)


def _interfaces(machine: AccessPoint) -> Iterator[common.Interface]:
    mac = machine.device.mac
    yield common.Interface(1, "lo", None, common.LOOPBACK, 10_000_000, 10)
    yield common.Interface(2, "eth0", mac, octets_per_s=90_000)
    yield common.Interface(3, "br-lan", mac, octets_per_s=90_000)
    for bss in machine.on_air:
        own = f"{mac.rpartition(':')[0]}:{bss.ifIndex:02x}"
        speed = 286_000_000 if bss.band == "2g" else 1_200_000_000
        yield common.Interface(bss.ifIndex, bss.ifname, own, common.WIFI, speed, 30_000, alias=_constant(bss.ssid))


def _constant(text: str) -> Callable[[], str]:
    return lambda: text


def _extends(machine: AccessPoint) -> Iterator[Entry]:
    yield _extend("distro", lambda: machine.firmware)
    yield _extend("hardware", machine.device.model)
    yield _extend("serial", machine.device.serial)
    yield _extend("clients-wlan", lambda: str(sum(machine.clients().values())))
    for bss in machine.on_air:
        yield _extend(f"clients-{bss.ifname}", _clients(machine, bss.ifname))
        yield _extend(f"frequency-{bss.ifname}", str(bss.frequency_mhz))


def _clients(machine: AccessPoint, ifname: str) -> Callable[[], str]:
    return lambda: str(machine.clients().get(ifname, 0))


def _extend(name: str, line: str | Callable[[], str]) -> Entry:
    path = (*EXTEND_LINE, len(name), *name.encode())
    if isinstance(line, str):
        return path, ber.text(line)
    return path, lambda: ber.text(line())


def _ucd(machine: AccessPoint) -> Iterator[Entry]:
    """UCD-SNMP-MIB: load and memory follow how many people are on it."""

    def load() -> float:
        return 0.05 + sum(machine.clients().values()) / 60

    def free_kb() -> int:
        return MEMORY_KB - 160_000 - 800 * sum(machine.clients().values()) - roll(4_000, machine.device.key, "memory")

    for index, minutes in enumerate((1, 5, 15), start=1):
        yield (*UCD, 10, 1, 1, index), ber.integer(index)
        yield (*UCD, 10, 1, 2, index), ber.text(f"Load-{minutes}")
        yield (*UCD, 10, 1, 3, index), lambda: ber.text(f"{load():.2f}")
        yield (*UCD, 10, 1, 5, index), lambda: ber.integer(int(100 * load()))
    yield (*UCD, 4, 5, 0), ber.integer(MEMORY_KB)
    yield (*UCD, 4, 6, 0), lambda: ber.integer(free_kb())
    yield (*UCD, 4, 14, 0), ber.integer(0)
    yield (*UCD, 4, 15, 0), ber.integer(21_216)
    yield (*UCD, 11, 11, 0), lambda: ber.integer(max(5, 97 - int(30 * load())))
