"""How often one person, or one address that nobody is known for, may ask the API; the rates are settings."""

import math
import threading
from ipaddress import IPv4Address, ip_address, ip_network

from django.http import HttpRequest
from ninja.errors import Throttled
from ninja.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle

ONE_HOUSE = 64
"""The prefix that one subscriber has at least (RFC 6177)."""


class _Refusing(SimpleRateThrottle):
    """For those who are not ninja's operations and ask by themselves."""

    def refused(self, request: HttpRequest) -> Throttled | None:
        return None if self.allow_request(request) else Throttled(wait=math.ceil(self.wait() or 1))


class PerPerson(threading.local, UserRateThrottle, _Refusing):
    """All tokens and sessions of a person count together.

    Ninja's throttles keep the request they look at in themselves: each thread of the web server has its own.
    """


class PerAddress(threading.local, AnonRateThrottle, _Refusing):
    """Requests that say nobody, or nobody who is known. Of IPv6 a network counts as one: every house has 2^64 addresses."""

    def get_ident(self, request: HttpRequest) -> str | None:
        said = super().get_ident(request)
        try:
            address = ip_address(said or "")
        except ValueError:
            return said
        if isinstance(address, IPv4Address):
            return said
        return str(address.ipv4_mapped or ip_network((address, ONE_HOUSE), strict=False))
