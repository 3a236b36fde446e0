"""Notifications that an agent sends unasked, as SNMPv2c traps (RFC 3416 §4.2.6, RFC 3418)."""

import itertools
from collections.abc import Iterable

from fleet.snmp.agent import ber, pdu

SYS_UPTIME, TRAP_OID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
_ids = itertools.count(1)


def notification(community: str, uptime_ticks: int, trap: str, bindings: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """A whole datagram. `trap` is snmpTrapOID's value; the values of `bindings` are encoded (`ber`)."""
    objects = ((SYS_UPTIME, ber.ticks(uptime_ticks)), (TRAP_OID, ber.oid(trap)), *bindings)
    encoded = b"".join(ber.tlv(ber.SEQUENCE, ber.oid(oid) + value) for oid, value in objects)
    body = pdu.response(ber.integer(next(_ids) & 0x7FFFFFFF), encoded, kind=pdu.TRAP)
    return ber.tlv(ber.SEQUENCE, ber.integer(1) + ber.octets(community.encode()) + body)
