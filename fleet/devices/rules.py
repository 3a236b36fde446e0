"""Addresses and what may be told to a device over them. Pure; netaddr does the reckoning."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from netaddr import EUI, AddrFormatError, IPAddress, IPNetwork, IPSet, mac_unix_expanded

MAC_DIGITS = 12
HEX = frozenset("0123456789abcdefABCDEF")
SEPARATORS = str.maketrans("", "", ":-. ")
LONGEST_HOST_PREFIX = {4: 31, 6: 127}
"""From these prefix lengths on there is no network or broadcast address to leave out (RFC 3021, RFC 6164)."""


PRIVATE = IPSet(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "127.0.0.0/8", "::1/128"])
"""Addresses that are nobody's outside (RFC 1918, RFC 4193), and the machine's own."""


class AddressError(ValueError):
    """Text that is no MAC address, no IP address or no prefix."""


class SnmpRefusal(StrEnum):
    """Why a device may not be asked with a community, which travels in clear."""

    NO_PREFIX = "no-prefix"
    OUTSIDE = "outside"
    PERMISSION_OVER = "permission-over"
    PERMISSION_TOO_LONG = "permission-too-long"


MOST_CLEAR_TEXT = timedelta(days=366)
"""Who needs it longer looks at it again once a year."""


@dataclass(frozen=True)
class ClearText:
    """Somebody answers for a community outside of the management prefixes, until that day (included)."""

    reason: str
    until: date


def mac(text: str) -> str:
    """A MAC-48 in any usual spelling (`0021.86b5.6e10`, `00-21-86-B5-6E-10`) as `00:21:86:b5:6e:10`. Raises AddressError."""
    digits = text.translate(SEPARATORS)
    if len(digits) != MAC_DIGITS or not HEX.issuperset(digits):
        raise AddressError(f"{text!r} is no MAC address")
    return str(EUI(digits, dialect=mac_unix_expanded))


def mac_part(text: str) -> str | None:
    """What a person typed of a MAC, as it stands in our columns: `0021.86` → `00:21:86`; None if it cannot be one."""
    digits = text.translate(SEPARATORS).lower()
    whole = len(digits) == MAC_DIGITS
    grouped = re.fullmatch(r"([0-9a-f]{2}[:-])+[0-9a-f]{0,2}|([0-9a-f]{4}\.)+[0-9a-f]{0,4}", text.strip().lower())
    if not (whole or grouped) or len(digits) > MAC_DIGITS or not HEX.issuperset(digits):
        return None
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def prefix(text: str) -> str:
    """CIDR in canonical form: `10.20.1.7/24` → `10.20.1.0/24`. Raises AddressError."""
    try:
        return str(IPNetwork(text).cidr)
    except (AddrFormatError, ValueError) as error:
        raise AddressError(f"{text!r} is no address range") from error


def address(text: str) -> str:
    """An IP address in canonical form. Raises AddressError."""
    try:
        return str(IPAddress(text))
    except (AddrFormatError, ValueError) as error:
        raise AddressError(f"{text!r} is no IP address") from error


def inside(one: str, prefixes: Iterable[str]) -> bool:
    return IPAddress(one) in IPSet(IPNetwork(cidr) for cidr in prefixes)


def private(cidr: str) -> bool:
    """Whether the whole prefix lies where nobody outside can have an address."""
    return IPNetwork(cidr) in PRIVATE


def next_free(cidr: str, taken: Iterable[str]) -> str | None:
    """The lowest host address of the prefix that nobody has; None when it is full."""
    network = IPNetwork(cidr)
    own = (IPAddress(one) for one in taken)
    free = IPSet(network) - IPSet(one for one in own if one in network) - IPSet(_not_for_hosts(network))
    return str(next(iter(free.iter_cidrs()[0]))) if free else None


def hosts(cidr: str) -> list[str]:
    """The host addresses of the prefix in ascending order."""
    network = IPNetwork(cidr)
    edge = set(_not_for_hosts(network))
    return [str(one) for one in network if one not in edge]


def size(cidr: str) -> int:
    return int(IPNetwork(cidr).size)


def _not_for_hosts(network: IPNetwork) -> list[IPAddress]:
    if network.prefixlen >= LONGEST_HOST_PREFIX[network.version]:
        return []
    edge = [IPAddress(network.first, network.version)]  # IPv6: the subnet-router anycast address (RFC 4291 §2.6.1)
    return [*edge, IPAddress(network.last, network.version)] if network.version == 4 else edge  # noqa: PLR2004


def overlapping(cidr: str, others: Iterable[str]) -> list[str]:
    """Those of `others` that share addresses with the prefix."""
    own = IPSet([IPNetwork(cidr)])
    return [other for other in others if not own.isdisjoint(IPSet([IPNetwork(other)]))]


def community_refusal(
    device_address: str, management: Iterable[str], permission: ClearText | None, today: date
) -> SnmpRefusal | None:
    """Whether a community may be sent to this address: inside a management prefix of the site, or with a permission that
    lasts and does not last too long. None if it may."""
    prefixes = list(management)
    if prefixes and inside(device_address, prefixes):
        return None
    if permission is None:
        return SnmpRefusal.OUTSIDE if prefixes else SnmpRefusal.NO_PREFIX
    if permission.until < today:
        return SnmpRefusal.PERMISSION_OVER
    return SnmpRefusal.PERMISSION_TOO_LONG if permission.until - today > MOST_CLEAR_TEXT else None
