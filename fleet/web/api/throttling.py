"""How often one person, or one address that nobody is known for, may ask the API; the rates are settings."""

import math
import threading

from django.http import HttpRequest
from ninja.errors import Throttled
from ninja.throttling import AnonRateThrottle, SimpleRateThrottle, UserRateThrottle


class _Refusing(SimpleRateThrottle):
    """For those who are not ninja's operations and ask by themselves."""

    def refused(self, request: HttpRequest) -> Throttled | None:
        return None if self.allow_request(request) else Throttled(wait=math.ceil(self.wait() or 1))


class PerPerson(threading.local, UserRateThrottle, _Refusing):
    """All tokens and sessions of a person count together.

    Ninja's throttles keep the request they look at in themselves: each thread of the web server has its own.
    """


class PerAddress(threading.local, AnonRateThrottle, _Refusing):
    """Requests that say nobody, or nobody who is known."""
