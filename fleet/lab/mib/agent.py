"""Puts the machines of the world behind the SNMP responder, and their traps on the wire."""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime

from fleet.lab.city import SnmpV3
from fleet.lab.mib.tables import objects
from fleet.lab.world import Announcement, Machine, World
from fleet.snmp.agent import Engine, Responder, Table, ber, notification
from fleet.snmp.types import Auth, Priv, V3Credential

ENGINE_PREFIX = bytes.fromhex("80001f8803")
"""RFC 3411's SnmpEngineID, format 3 (MAC address), under net-snmp's enterprise number 8072."""
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
AUTH = {"SHA": Auth.SHA1, "SHA-256": Auth.SHA256}
TRAPS = {"coldStart": "1.3.6.1.6.3.1.1.5.1", "linkDown": "1.3.6.1.6.3.1.1.5.3", "linkUp": "1.3.6.1.6.3.1.1.5.4"}
IF_ENTRY = "1.3.6.1.2.1.2.2.1"
TRAP_COMMUNITY = "lab-trap"
"""What a device that speaks only SNMPv3 puts into its traps; nobody may believe a trap's community anyway."""


class MachineAgent:
    """`fleet.snmp.agent.Agent` over one machine. Values are computed when asked; rows are laid out anew when they change."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._table = Table(())
        self._shape: Hashable = None

    @property
    def reachable(self) -> bool:
        return self.machine.reachable

    @property
    def delay_s(self) -> float:
        return self.machine.faults.delay_s

    @property
    def loss(self) -> float:
        return self.machine.faults.loss

    @property
    def communities(self) -> frozenset[bytes]:
        return frozenset(community.encode() for community in self.machine.communities)

    @property
    def user(self) -> V3Credential | None:
        snmp = self.machine.device.snmp
        if not isinstance(snmp, SnmpV3) or self.machine.faults.wrong_community:
            return None
        return V3Credential(snmp.user, AUTH[snmp.auth_protocol], snmp.auth_password, Priv.AES128, snmp.priv_password)

    @property
    def engine(self) -> Engine:
        """snmpEngineBoots grows with every boot, as it must: it is the second of booting."""
        boots = int((self.machine.booted_at - EPOCH).total_seconds())
        mac = bytes.fromhex(self.machine.device.mac.replace(":", ""))
        return Engine(ENGINE_PREFIX + mac, boots, int(self.machine.uptime_s))

    def view(self) -> Table:
        shape = self.machine.shape()
        if shape != self._shape:
            self._table, self._shape = Table(objects(self.machine)), shape
        return self._table


def agents(world: World) -> Callable[[str], MachineAgent | None]:
    """`find` for the responder."""
    by_address = {machine.device.address: MachineAgent(machine) for machine in world.machines}
    return by_address.get


class TrapSender:
    """Sends what machines announce as SNMPv2c traps, each from its own address (RFC 3418, IF-MIB)."""

    def __init__(self, responder: Responder, receiver: tuple[str, int]) -> None:
        self._responder = responder
        self._receiver = receiver

    def send(self, said: Announcement) -> None:
        machine = said.machine
        community = next(iter(machine.communities), TRAP_COMMUNITY)
        bindings = []
        if said.ifIndex is not None:
            oper = ber.integer(1 if said.kind == "linkUp" else 2)
            bindings = [
                (f"{IF_ENTRY}.1.{said.ifIndex}", ber.integer(said.ifIndex)),
                (f"{IF_ENTRY}.8.{said.ifIndex}", oper),
            ]
        trap = notification(community, machine.uptime_ticks, TRAPS[said.kind], bindings)
        self._responder.send(trap, machine.device.address, self._receiver)
