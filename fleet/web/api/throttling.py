"""How often one person, or one address that nobody is known for, may ask the API; the rates are settings."""

import math
import threading

from django.http import HttpRequest
from ninja.errors import Throttled
from ninja.throttling import AnonRateThrottle, UserRateThrottle


class PerPerson(threading.local, UserRateThrottle):
    """All tokens and sessions of a person count together.

    Ninja's throttles keep the request they look at in themselves: each thread of the web server has its own.
    """


class PerAddress(threading.local, AnonRateThrottle):
    """Requests that say nobody, or nobody who is known."""

    def refused(self, request: HttpRequest) -> Throttled | None:
        return None if self.allow_request(request) else Throttled(wait=math.ceil(self.wait() or 1))
