"""Where a host is that a person has named: looked up once, and spoken to there and nowhere else.

A name that leads elsewhere a moment later (DNS rebinding) leads nowhere; whoever connects goes to an address of these.
"""

import socket

from fleet.events.rules import forbidden


class UnsafeAddressError(Exception):
    """The name leads to an address that nobody is sent to: our own machine, or its cloud's metadata."""


def addresses(host: str, port: int | None = None, *, allow_loopback: bool) -> list[str]:
    """IPv4 first. Raises UnsafeAddressError if any is one that is not allowed; OSError and UnicodeError if there is none."""
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    for address in found:
        if forbidden(address, allow_loopback=allow_loopback):
            raise UnsafeAddressError(f"{host} leads to {address}")
    return sorted(found, key=lambda one: (":" in one, one))
