"""Receiving notifications: traps and informs of SNMPv1, v2c and v3. A trap is a hint to look sooner, never evidence."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntfrcv import NotificationReceiver

from fleet.snmp import values
from fleet.snmp.errors import SnmpUnreachable
from fleet.snmp.senders import Gate, Senders, add_user
from fleet.snmp.types import Credential, Oid, V3Credential, Value
from fleet.snmp.wire import Peer, is_v6, transport_to

SNMP_TRAP_OID = "1.3.6.1.6.3.1.1.4.1.0"  # SNMPv2-MIB, RFC 3418
V4_MAPPED = "::ffff:"
"""How a socket that hears both families tells of an IPv4 address (RFC 4291 §2.5.5.2)."""
SNMP_TRAP_COMMUNITY = "1.3.6.1.6.3.18.1.4.0"  # SNMP-COMMUNITY-MIB, RFC 3584: a secret, put in by the v1 translation


@dataclass(frozen=True, slots=True)
class Trap:
    """A notification as SNMPv2 would have sent it (v1 traps are translated, RFC 3584 §3.1).

    ``source_address`` is where the datagram came from; ``varbinds`` never holds the community; ``received_at`` is UTC.
    """

    source_address: str
    trap_oid: Oid
    varbinds: tuple[tuple[Oid, Value], ...]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class TrapListener:
    """Where we listen: useful when the port was chosen by the system (port 0)."""

    address: str
    port: int


@asynccontextmanager
async def listen(
    bind_address: str, port: int, on_trap: Callable[[Trap], None], accepted: Iterable[Credential] | None = None
) -> AsyncIterator[TrapListener]:
    """Receives while the context is open and calls `on_trap` in the event loop for each notification.

    Only what carries an accepted community or USM user gets through, everything else is dropped in silence. None accepts
    every community: enough where a trap is only a hint to look sooner, and no community need be decrypted for it.
    Informs are acknowledged. A v3 trap is authenticated with its sender's engine ID (RFC 3414 §1.5.1, which makes the sender
    authoritative): the keys of the users we accept are localised for it when it first speaks. Who sends more than the gate
    lets through is not even decoded. Raises SnmpUnreachable if the port is taken.
    """
    sock = _bound(bind_address, port)
    engine = SnmpEngine()
    if accepted is None:
        _accept_every_community(engine)
    users: dict[bytes, V3Credential] = {}
    for position, credential in enumerate(accepted or ()):
        _accept(engine, credential, position)
        if isinstance(credential, V3Credential):
            users[credential.user.encode()] = credential
    door = _Door(Gate(), Senders(engine, users))
    domain, careful = transport_to(bind_address)
    config.add_transport(engine, domain, careful(lets_in=door.lets_in).open_server_mode(sock=sock))
    receiver = _receive(engine, on_trap)
    engine.transport_dispatcher.job_started(1)
    try:
        yield TrapListener(*sock.getsockname()[:2])
    finally:
        receiver.close(engine)
        engine.close_dispatcher()
        sock.close()


def _bound(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if is_v6(address) else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise SnmpUnreachable(f"cannot receive traps at {address}, UDP port {port}: {error.strerror}") from error
    return sock


@dataclass(frozen=True)
class _Door:
    """What passes the gate is decoded, after a sender that speaks SNMPv3 has been made known."""

    gate: Gate
    senders: Senders

    def lets_in(self, datagram: bytes, peer: Peer) -> bool:
        source, _ = peer
        if not self.gate.lets_in(source, time.monotonic()):
            return False
        self.senders.meet(datagram, source)
        return True


def _accept(engine: SnmpEngine, credential: Credential, position: int) -> None:
    if isinstance(credential, V3Credential):
        add_user(engine, credential)
    else:
        config.add_v1_system(engine, f"accepted-{position}", credential.community)


def _accept_every_community(engine: SnmpEngine) -> None:
    """Writes one known name over whatever community arrives, the way pysnmp's authors foresee it."""
    config.add_v1_system(engine, "every", "every")

    def rename(_engine: Any, _point: str, seen: dict[str, Any], _context: Any) -> None:
        seen["communityName"] = seen["communityName"].clone("every")

    engine.observer.register_observer(rename, "rfc2576.processIncomingMsg:writable")


def _receive(engine: SnmpEngine, on_trap: Callable[[Trap], None]) -> NotificationReceiver:
    """Connects the engine with `on_trap`. pysnmp tells the sender's address only to observers, just before the call."""
    sender: list[str] = [""]

    def on_message(_engine: Any, _point: str, seen: dict[str, Any], _context: Any) -> None:
        sender[0] = str(seen["transportAddress"][0]).removeprefix(V4_MAPPED)

    def on_notification(_engine: Any, _state: Any, _id: Any, _name: Any, binds: Any, _context: Any) -> None:
        trap = _trap(sender[0], binds)
        if trap is not None:
            asyncio.get_running_loop().call_soon(on_trap, trap)  # its errors are not the wire's

    engine.observer.register_observer(on_message, "rfc3412.receiveMessage:request")
    return NotificationReceiver(engine, on_notification)


def _trap(source: str, binds: Any) -> Trap | None:
    """None for a notification without snmpTrapOID, which RFC 3416 §4.2.6 does not allow."""
    said = [(".".join(map(str, tuple(oid))), values.from_pysnmp(value)) for oid, value in binds]
    kept = [(oid, value) for oid, value in said if value is not None and oid != SNMP_TRAP_COMMUNITY]
    trap_oid = dict(kept).get(SNMP_TRAP_OID)
    if not isinstance(trap_oid, str):
        return None
    return Trap(source, trap_oid, tuple(pair for pair in kept if pair[0] != SNMP_TRAP_OID), datetime.now(UTC))
