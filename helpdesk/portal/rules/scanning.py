"""Reports by whoever scans a label: what can be said in one tap, and how often."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

FAULTS: Mapping[str, str] = {
    "wifi": "wifi",
    "screen": "tv",
    "device": "power",
    "other": "question-mark-circle",
}
"""{what is wrong: heroicon}"""

WINDOW_S = 300
PER_DEVICE = 8
PER_NETWORK = 40
"""Reports per window: of one device, and out of one network (a whole house may share an address)."""
SAID_AGAIN = timedelta(minutes=10)
"""Within it, the same fault said again is noted in its ticket once."""
FORM_VALID = timedelta(hours=12)

PICTURES: Mapping[str, str] = {
    "access-point": "wifi",
    "wireless-controller": "server-stack",
    "switch": "square-3-stack-3d",
    "router": "globe-alt",
    "firewall": "shield-check",
    "printer": "printer",
    "ups": "battery-100",
    "server": "server",
    "nas": "circle-stack",
}


def picture(kind: str) -> str:
    """The heroicon of a kind of device."""
    return PICTURES.get(kind, "computer-desktop")


def network_of(address: str) -> str:
    """The network that an address stands in, coarse enough to name no single client: a /24, of IPv6 a /56."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return network_of(str(found.ipv4_mapped))
        return str(ip_network((found, 56), strict=False))
    return str(ip_network((found, 24), strict=False))


def bucket(seconds: float, width: timedelta) -> int:
    """The number of the stretch of `width` in which an instant (seconds since 1970) lies."""
    return int(seconds // width.total_seconds())
