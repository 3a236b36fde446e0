"""When a refused event is tried again; what webhooks are told, where to, and how it is signed."""

import hmac
import ipaddress
import re
from collections.abc import Iterable

LONGEST_S = 3600


def retry_delay_s(attempts: int) -> int:
    """Seconds until the next try after `attempts` failures: 2, 4, 8 … up to an hour."""
    return min(LONGEST_S, 1 << min(attempts, 12))


# --- webhooks ---------------------------------------------------------------------------------------------------------

MOST_ATTEMPTS = 15
"""With the pauses between them about nine hours."""
FIRST_PAUSE_S = 10


def webhook_pause_s(attempts: int) -> int | None:
    """Seconds until the next try after `attempts` failures: 10, 20, 40 … up to an hour; None: it is given up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(LONGEST_S, FIRST_PAUSE_S << min(attempts - 1, 12))


def wanted(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns names this event: itself, or its beginning before a star."""
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in patterns)


PATTERN = re.compile(r"\*|[a-z]+(\.[a-z-]+)*(\.\*)?")


def sign(key: str, body: bytes, at: int) -> str:
    """`t=<Unix time>,v1=<HMAC-SHA-256 (RFC 2104) of "<t>.<body>", hexadecimal>`."""
    mac = hmac.new(key.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    return f"t={at},v1={mac}"


def forbidden(address: str, *, allow_loopback: bool) -> bool:
    """Addresses behind which our own machine or its cloud's metadata may answer, not somebody's programme.

    Private networks (RFC 1918) are allowed: that is where a city's other systems stand.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            return forbidden(str(inner), allow_loopback=allow_loopback)
    if ip.is_loopback:
        return not allow_loopback
    return ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved
