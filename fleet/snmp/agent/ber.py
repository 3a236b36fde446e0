"""BER as SNMP uses it (X.690, RFC 3417 §8): definite lengths, low tags. Flat and quick: offsets instead of objects."""

from functools import lru_cache

from fleet.snmp.errors import SnmpProtocolError

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIME_TICKS, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x46
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = b"\x80\x00", b"\x81\x00", b"\x82\x00"

MAX_U32 = 2**32 - 1
SHORT = 0x80
"""Lengths below are one octet; also the bit that says "more to come" in lengths and arcs."""

Arcs = tuple[int, ...]


class Malformed(SnmpProtocolError):  # noqa: N818  (SnmpError's tree says what happened)
    """Octets that are no BER, or not what stands there in SNMP."""


def tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < SHORT:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, SHORT | len(length))) + length + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Two's complement in as few octets as it takes; also for the unsigned types, whose top bit needs a zero octet."""
    return tlv(tag, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True))


def counter32(value: int) -> bytes:
    return integer(value & MAX_U32, COUNTER32)


def gauge32(value: int) -> bytes:
    return integer(min(max(value, 0), MAX_U32), GAUGE32)


def counter64(value: int) -> bytes:
    return integer(value & (2**64 - 1), COUNTER64)


def ticks(value: int) -> bytes:
    return integer(value & MAX_U32, TIME_TICKS)


def text(value: str) -> bytes:
    return tlv(OCTETS, value.encode())


def octets(value: bytes) -> bytes:
    return tlv(OCTETS, value)


def ip(address: str) -> bytes:
    return tlv(IP_ADDRESS, bytes(int(part) for part in address.split(".")))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER as a value."""
    return tlv(OID, oid_octets(arcs(dotted)))


def arcs(dotted: str) -> Arcs:
    return tuple(map(int, dotted.split(".")))


def oid_octets(path: Arcs) -> bytes:
    """The content octets of an object identifier."""
    out = bytearray()
    for arc in (path[0] * 40 + path[1], *path[2:]):
        out += _base128(arc)
    return bytes(out)


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(SHORT | arc & 0x7F)
    return bytes(reversed(groups))


@lru_cache(maxsize=65_536)
def oid_arcs(content: bytes) -> Arcs:
    """Inverse of `oid_octets`; the form in which identifiers are compared."""
    if not content or content[-1] & SHORT:
        raise Malformed("object identifier ends in the middle of an arc")
    path, arc = [], 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if not octet & SHORT:
            path.append(arc)
            arc = 0
    first = min(path[0] // 40, 2)
    return (first, path[0] - 40 * first, *path[1:])


def read(data: bytes, at: int, tag: int | None = None) -> tuple[int, int, int]:
    """(tag, start of content, end of content) of the value at `at`. Raises Malformed."""
    try:
        found, size = data[at], data[at + 1]
        start = at + 2
        if size & SHORT:
            octets_of_length = size & 0x7F
            size = int.from_bytes(data[start : start + octets_of_length], "big")
            start += octets_of_length
    except IndexError:
        raise Malformed("cut off") from None
    if start + size > len(data) or tag not in (None, found):
        raise Malformed(f"tag {found:#x} of {size} octets at {at}")
    return found, start, start + size


def read_integer(data: bytes, at: int) -> tuple[int, int]:
    """(value, end)."""
    _, start, end = read(data, at, INTEGER)
    return int.from_bytes(data[start:end], "big", signed=True), end


def read_octets(data: bytes, at: int) -> tuple[bytes, int]:
    """(content, end)."""
    _, start, end = read(data, at, OCTETS)
    return data[start:end], end
