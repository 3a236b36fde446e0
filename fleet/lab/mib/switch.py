"""A switch: interfaces, LLDP, PoE, forwarding table."""

from collections.abc import Callable, Iterator

from fleet.lab.mib import common
from fleet.lab.world import Neighbour, PortState, Switch
from fleet.lab.world.switch import POE_PORTS, PORTS, WIRED_ROOM_PORTS, port_name
from fleet.snmp.agent import Entry, ber

SYS_OBJECT_ID = "1.3.6.1.4.1.8072.9999.9999.1"
LLDP = ber.arcs("1.0.8802.1.1.2.1")
POE_PORT = ber.arcs("1.3.6.1.2.1.105.1.1.1")
POE_MAIN = ber.arcs("1.3.6.1.2.1.105.1.3.1.1")
BRIDGE = ber.arcs("1.3.6.1.2.1.17")
TRUE, FALSE = 1, 2
DISABLED, SEARCHING, DELIVERING = 1, 2, 3
"""pethPsePortDetectionStatus (RFC 3621)."""
LEARNED = 3
ROW_ACTIVE = 1
PORT_LIST_OCTETS = (PORTS + 7) // 8
MAC_SUBTYPE, IFNAME_SUBTYPE = 4, 5
"""lldpRemChassisIdSubtype macAddress, lldpRemPortIdSubtype interfaceName (IEEE 802.1AB)."""
BUDGET_W, WATTS_PER_PORT = 370, 7


def objects(machine: Switch) -> Iterator[Entry]:
    device = machine.device
    descr = f"{device.model}, {device.firmware}"
    yield from common.system(machine, descr, SYS_OBJECT_ID)
    yield from common.interfaces(machine, (_interface(machine, port) for port in range(1, PORTS + 1)))
    yield from common.chassis(machine)
    yield from _lldp(machine)
    yield from _poe(machine)
    yield from _bridge(machine)


def _interface(machine: Switch, port: int) -> common.Interface:
    def config() -> tuple[str, bool]:
        found = machine.running_config.ports[port]
        return found.description, not found.shutdown

    used = port in WIRED_ROOM_PORTS or port in machine.world.cabling(machine.device.key)
    return common.Interface(
        port,
        port_name(machine.device, port),
        f"{machine.device.mac.rpartition(':')[0]}:{port:02x}",
        speed_bps=10_000_000_000 if port > POE_PORTS else 1_000_000_000,
        octets_per_s=(400_000 if port > POE_PORTS else 90_000) if used else 0,
        alias=lambda: config()[0],
        admin=lambda: config()[1],
        oper=lambda: machine.oper_up(port),
    )


def _lldp(machine: Switch) -> Iterator[Entry]:
    yield (*LLDP, 3, 1, 0), ber.integer(MAC_SUBTYPE)
    yield (*LLDP, 3, 2, 0), ber.octets(common.mac_octets(machine.device.mac))
    yield (*LLDP, 3, 3, 0), lambda: ber.text(machine.hostname)
    yield (*LLDP, 3, 4, 0), ber.text(machine.device.model)
    for port in machine.ports():
        yield (*LLDP, 3, 7, 1, 2, port.ifIndex), ber.integer(IFNAME_SUBTYPE)
        yield (*LLDP, 3, 7, 1, 3, port.ifIndex), ber.text(port.name)
        yield (*LLDP, 3, 7, 1, 4, port.ifIndex), ber.text(port.name)
        if port.neighbour:
            yield from _remote(port, port.neighbour)


def _remote(port: PortState, neighbour: Neighbour) -> Iterator[Entry]:
    columns = {
        4: ber.integer(MAC_SUBTYPE),
        5: ber.octets(common.mac_octets(neighbour.chassis_mac)),
        6: ber.integer(IFNAME_SUBTYPE),
        7: ber.text(neighbour.port_id),
        8: ber.text(neighbour.port_id),
        9: ber.text(neighbour.sys_name),
        10: ber.text(neighbour.sys_desc),
    }
    for column, value in columns.items():
        yield (*LLDP, 4, 1, 1, column, 0, port.ifIndex, 1), value


def _poe(machine: Switch) -> Iterator[Entry]:
    for port in range(1, POE_PORTS + 1):
        yield (*POE_PORT, 3, 1, port), _poe_admin(machine, port)
        yield (*POE_PORT, 6, 1, port), _poe_status(machine, port)
        yield (*POE_PORT, 10, 1, port), ber.integer(4)
    yield (*POE_MAIN, 2, 1), ber.gauge32(BUDGET_W)
    yield (*POE_MAIN, 3, 1), ber.integer(1)
    yield (*POE_MAIN, 4, 1), lambda: ber.gauge32(WATTS_PER_PORT * sum(port.delivering for port in machine.ports()))


def _poe_admin(machine: Switch, port: int) -> Callable[[], bytes]:
    return lambda: ber.integer(TRUE if machine.running_config.ports[port].poe else FALSE)


def _poe_status(machine: Switch, port: int) -> Callable[[], bytes]:
    def value() -> bytes:
        state = machine.port(port)
        if state.delivering:
            return ber.integer(DELIVERING)
        return ber.integer(SEARCHING if machine.delivers(port) else DISABLED)

    return value


def _bridge(machine: Switch) -> Iterator[Entry]:
    """Which VLANs there are, which each port is in, and what was learnt behind it (Q-BRIDGE-MIB, RFC 4363)."""
    for number, name in dict(machine.running_config.vlans).items():
        yield (*BRIDGE, 7, 1, 4, 3, 1, 1, number), ber.text(name)
        yield (*BRIDGE, 7, 1, 4, 3, 1, 2, number), _members(machine, number, tagged=True)
        yield (*BRIDGE, 7, 1, 4, 3, 1, 4, number), _members(machine, number, tagged=False)
        yield (*BRIDGE, 7, 1, 4, 3, 1, 5, number), ber.integer(ROW_ACTIVE)
    for port in range(1, PORTS + 1):
        yield (*BRIDGE, 1, 4, 1, 2, port), ber.integer(port)
        yield (*BRIDGE, 7, 1, 4, 5, 1, 1, port), _pvid(machine, port)
    for mac, port in dict(machine.forwarding()).items():
        row = (machine.running_config.ports[port].vlan, *common.mac_octets(mac))
        yield (*BRIDGE, 7, 1, 2, 2, 1, 2, *row), ber.integer(port)
        yield (*BRIDGE, 7, 1, 2, 2, 1, 3, *row), ber.integer(LEARNED)


def _pvid(machine: Switch, port: int) -> Callable[[], bytes]:
    return lambda: ber.gauge32(machine.running_config.ports[port].vlan)


def _members(machine: Switch, vlan: int, *, tagged: bool) -> Callable[[], bytes]:
    """A PortList (RFC 4363): dot1qVlanStaticEgressPorts, or those of them that get no tag."""

    def value() -> bytes:
        bits = 0
        for number, port in machine.running_config.ports.items():
            if port.vlan == vlan or (tagged and port.trunk):
                bits |= 1 << (8 * PORT_LIST_OCTETS - number)
        return ber.octets(bits.to_bytes(PORT_LIST_OCTETS))

    return value
