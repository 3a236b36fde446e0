"""From a request PDU to a response PDU (RFC 3416 §4.2; RFC 1157 §4.1 for version 1)."""

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.snmp.agent import ber
from fleet.snmp.agent.model import View

GET, GET_NEXT, RESPONSE, SET, GET_BULK, INFORM, TRAP, REPORT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0xA6, 0xA7, 0xA8
TOO_BIG, NO_SUCH_NAME, NO_ACCESS = 1, 2, 6
V1 = 0
MAX_ANSWER = 1_400
"""Octets of bindings: below what one Ethernet frame carries, as real agents keep it."""
MAX_GET_ANSWER = 8_000
"""What was asked for by name may be longer: it then travels in fragments."""
MAX_REPETITIONS = 200


@dataclass(frozen=True, slots=True)
class Request:
    kind: int
    request_id: bytes
    """As it came, encoded."""
    second: int
    """error-status; non-repeaters in a GETBULK."""
    third: int
    """error-index; max-repetitions in a GETBULK."""
    oids: list[bytes]
    bindings: bytes
    """As they came, encoded."""


def parse(data: bytes, at: int = 0) -> Request:
    """Raises ber.Malformed."""
    kind, start, _ = ber.read(data, at)
    _, _, id_end = ber.read(data, start, ber.INTEGER)
    second, at = ber.read_integer(data, id_end)
    third, at = ber.read_integer(data, at)
    _, at, end = ber.read(data, at, ber.SEQUENCE)
    return Request(kind, data[start:id_end], second, third, list(_oids(data, at, end)), data[at:end])


def _oids(data: bytes, at: int, end: int) -> Iterator[bytes]:
    while at < end:
        _, start, at = ber.read(data, at, ber.SEQUENCE)
        _, oid_start, oid_end = ber.read(data, start, ber.OID)
        yield data[oid_start:oid_end]


def answer(request: Request, view: View, version: int) -> bytes | None:
    """The encoded response PDU; None for what no agent answers."""
    match request.kind:
        case 0xA0:
            return _named(request, view, version, following=False)
        case 0xA1:
            return _named(request, view, version, following=True)
        case 0xA5 if version != V1:
            return response(request.request_id, b"".join(_bulk(request, view)))
        case 0xA3:
            return _refuse(request, NO_SUCH_NAME if version == V1 else NO_ACCESS, 1)
        case _:
            return None


def response(request_id: bytes, bindings: bytes, status: int = 0, index: int = 0, kind: int = RESPONSE) -> bytes:
    return ber.tlv(kind, request_id + ber.integer(status) + ber.integer(index) + ber.tlv(ber.SEQUENCE, bindings))


def _refuse(request: Request, status: int, index: int) -> bytes:
    bindings = b"" if status == TOO_BIG else request.bindings
    return response(request.request_id, bindings, status, index)


def _named(request: Request, view: View, version: int, *, following: bool) -> bytes:
    out, size = [], 0
    for index, oid in enumerate(request.oids, start=1):
        found = _after(view, oid, version) if following else _at(view, oid, version)
        if found is None:
            if version == V1:
                return _refuse(request, NO_SUCH_NAME, index)
            found = oid, ber.END_OF_MIB_VIEW if following else _absent(view, oid)
        out.append(_binding(*found))
        size += len(out[-1])
    return _refuse(request, TOO_BIG, 0) if size > MAX_GET_ANSWER else response(request.request_id, b"".join(out))


def _at(view: View, oid: bytes, version: int) -> tuple[bytes, bytes] | None:
    value = view.get(oid)
    return None if value is None or (version == V1 and value[0] == ber.COUNTER64) else (oid, value)


def _after(view: View, oid: bytes, version: int) -> tuple[bytes, bytes] | None:
    """Version 1 has no Counter64: such objects are stepped over (RFC 3584 §4.2.2.1)."""
    found = view.after(oid)
    while found is not None and version == V1 and found[1][0] == ber.COUNTER64:
        found = view.after(found[0])
    return found


def _absent(view: View, oid: bytes) -> bytes:
    """noSuchInstance where the column exists, noSuchObject where nothing does."""
    path = ber.oid_arcs(oid)
    column = ber.oid_octets(path[:-1]) if len(path) > 2 else oid  # noqa: PLR2004  (an identifier has two arcs at least)
    sibling = view.after(column)
    known = sibling is not None and sibling[0].startswith(column)
    return ber.NO_SUCH_INSTANCE if known else ber.NO_SUCH_OBJECT


def _bulk(request: Request, view: View) -> Iterator[bytes]:
    """Bindings of a GETBULK until the answer is full; at least the first always fits."""
    once = max(0, request.second)
    left = MAX_ANSWER
    for oid, value in _steps(request.oids[:once], request.oids[once:], request.third, view):
        binding = _binding(oid, value)
        left -= len(binding)
        if left < 0:
            return
        yield binding


def _steps(once: list[bytes], again: list[bytes], repetitions: int, view: View) -> Iterator[tuple[bytes, bytes]]:
    for oid in once:
        yield view.after(oid) or (oid, ber.END_OF_MIB_VIEW)
    for _ in range(min(max(0, repetitions), MAX_REPETITIONS)):
        row = [view.after(oid) or (oid, ber.END_OF_MIB_VIEW) for oid in again]
        yield from row
        if all(value == ber.END_OF_MIB_VIEW for _, value in row):
            return
        again = [oid for oid, _ in row]


def _binding(oid: bytes, value: bytes) -> bytes:
    body = ber.tlv(ber.OID, oid) + value
    return ber.tlv(ber.SEQUENCE, body)
