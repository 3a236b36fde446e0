"""Pure conversions of fetched values: what arrives on the wire to what a Reading holds. None means "not said"."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import math
import re
import struct
from typing import Any

from pyasn1.type import univ
from pysnmp.proto import rfc1902, rfc1905

from fleet.snmp.types import Oid, Value

_MAC_OCTETS = 6
_IPV4_OCTETS = 4
_FAMILY_OCTETS = {b"\x01": _IPV4_OCTETS, b"\x02": 16}
_OPAQUE_FLOAT = b"\x9f\x78\x04"
_OPAQUE_DOUBLE = b"\x9f\x79\x08"


@functools.lru_cache(maxsize=65_536)
def arcs(oid: Oid) -> tuple[int, ...]:
    """``"1.3.6"`` as ``(1, 3, 6)``, the form in which object identifiers are compared."""
    return tuple(map(int, oid.split(".")))


def from_pysnmp(value: Any) -> Value | None:
    """A pysnmp value as a plain one; None for noSuchObject, noSuchInstance, endOfMibView and NULL."""
    if isinstance(value, (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView, univ.Null)):
        return None
    if value.tagSet == rfc1902.IpAddress.tagSet:  # the class differs between SNMPv1 and later, the tag does not
        return ".".join(map(str, bytes(value)))
    if value.tagSet == rfc1902.Opaque.tagSet:
        return opaque(bytes(value))
    if isinstance(value, univ.ObjectIdentifier):
        return ".".join(map(str, tuple(value)))
    if isinstance(value, univ.Integer):
        return int(value)
    return bytes(value)


def opaque(raw: bytes) -> Value:
    """net-snmp wraps floats into Opaque (NET-SNMP-TC)."""
    for head, form in ((_OPAQUE_FLOAT, ">f"), (_OPAQUE_DOUBLE, ">d")):
        if raw.startswith(head) and len(raw) == len(head) + struct.calcsize(form):
            return float(struct.unpack(form, raw[len(head) :])[0])
    return raw


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # of these, padding and garbage; tabs and line ends may stay


def text(value: Value) -> str | None:
    """Text without padding; None if empty. Agents that do not know UTF-8 are read as UTF-16 or Latin-1."""
    if isinstance(value, bytes):
        value = _decode(value)
    return _CONTROL.sub("", str(value)).strip() or None


_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def _decode(octets: bytes) -> str:
    """What stands behind the end of a C string is no text any more."""
    if encoding := _UTF_16.get(octets[:2]) or _wide(octets):
        return octets.decode(encoding, "replace")
    octets = octets.strip(b"\0").partition(b"\0")[0]
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _wide(octets: bytes) -> str | None:
    """UTF-16 without a byte order mark: every other octet is zero, and none of the others."""
    even, odd = octets[::2], octets[1::2]
    if len(octets) < _WIDE_OCTETS or len(even) != len(odd):
        return None
    if not any(odd) and all(even):
        return "utf-16-le"
    return "utf-16-be" if not any(even) and all(odd) else None


_WIDE_OCTETS = 4  # less may be padding


def number(value: Value) -> float | int | None:
    """A finite number, also where the agent sends it as text (``b" 42"``); None if it is none."""
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    written = text(value) or ""
    if "_" in written:  # which Python would read over
        return None
    try:
        return int(written)
    except ValueError:
        pass
    try:
        parsed = float(written)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def mac(value: Value) -> str | None:
    """``aa:bb:cc:dd:ee:ff`` from six octets or from text; None for anything else and for all zeros."""
    octets = value if isinstance(value, bytes) and len(value) == _MAC_OCTETS else _mac_octets(text(value) or "")
    if octets is None or not any(octets):
        return None
    return octets.hex(":")


def _mac_octets(written: str) -> bytes | None:
    written = written.removeprefix("0x")
    parts = written.replace("-", ":").replace(" ", ":").split(":")
    if len(parts) == _MAC_OCTETS:
        written = "".join(part.rjust(2, "0") for part in parts)
    try:
        octets = bytes.fromhex(written.replace(".", ""))
    except ValueError:
        return None
    return octets if len(octets) == _MAC_OCTETS else None


def address(value: Value) -> str | None:
    """A dotted IPv4 address from four octets or from text."""
    if isinstance(value, bytes) and len(value) == _IPV4_OCTETS:
        return ".".join(map(str, value))
    return text(value)


def network_address(value: Value) -> str | None:
    """An address behind the octet of its family (IANA's Address Family Numbers: 1 IPv4, 2 IPv6), as in IEEE 802.1AB."""
    if not isinstance(value, bytes) or _FAMILY_OCTETS.get(value[:1]) != len(value) - 1:
        return None
    return str(ipaddress.ip_address(value[1:]))


def hexadecimal(value: Value) -> str | None:
    """Octets as hexadecimal digits; None for anything else, and for none."""
    return value.hex() or None if isinstance(value, bytes) else None


def capitals(value: Value) -> str | None:
    """Text with the first letter of each word as a capital, the others as they are."""
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), text(value) or "") or None


_DATE_OCTETS = 7


def date(value: Value) -> str | None:
    """A DateAndTime (SNMPv2-TC, RFC 2579: year in two octets, month, day, hour, minute, second, …) as ``2024-05-31``."""
    if not isinstance(value, bytes) or len(value) < _DATE_OCTETS:
        return None
    try:
        return dt.date(int.from_bytes(value[:2], "big"), value[2], value[3]).isoformat()
    except ValueError:
        return None
