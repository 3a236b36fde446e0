"""How objects are shared out over requests, so that no datagram is split on its way."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from fleet.snmp import values
from fleet.snmp.types import Oid

REQUEST_OCTETS = 900
"""Of bindings in a request. The answer adds the values: up to 9 octets for a counter, so it stays below 1,400 as well."""
BINDING_OCTETS = 6
"""Of a binding beside its object identifier: three headers."""
ARC_BITS = 7

SYS_UP_TIME: Oid = "1.3.6.1.2.1.1.3.0"
"""SNMPv2-MIB (RFC 3418): every agent has it. It goes along in every request: an answer without anything was an
error-status, which gufo does not tell, and not just objects that are missing."""


@dataclass(frozen=True)
class Cut:
    requests: tuple[list[Oid], ...]
    """Each with sysUpTime. Lists, because gufo takes nothing else; nobody changes them."""
    wanted: frozenset[Oid]


@functools.lru_cache(maxsize=8_192)
def cut(oids: tuple[Oid, ...]) -> Cut:
    """Devices of one model are asked for the same: this is worked out once."""
    octets = sum(map(_octets, oids))
    parts = max(1, -(-octets // REQUEST_OCTETS)) if oids else 0
    size = -(-len(oids) // parts) if parts else 1
    requests = tuple(with_uptime(oids[start : start + size]) for start in range(0, len(oids), size))
    return Cut(requests, frozenset(oids))


def with_uptime(oids: Sequence[Oid]) -> list[Oid]:
    return list(oids) if SYS_UP_TIME in oids else [*oids, SYS_UP_TIME]


def halves(request: Sequence[Oid]) -> list[list[Oid]]:
    """For a request that was answered with an error. An object alone goes without sysUpTime, so that this ends."""
    oids = [oid for oid in request if oid != SYS_UP_TIME] if len(request) > 1 else list(request)
    middle = len(oids) // 2
    parts = [oids[:middle], oids[middle:]] if middle else [oids]
    return [with_uptime(part) if len(part) > 1 else part for part in parts]


def _octets(oid: Oid) -> int:
    return BINDING_OCTETS + sum(max(1, -(-arc.bit_length() // ARC_BITS)) for arc in values.arcs(oid)[1:])
