"""Pages: faults now, devices, sites."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from fleet.people.models import User


class PageRequest(HttpRequest):
    """What reaches a view behind the login, as the type checker should see it."""

    user: User
    htmx: HtmxDetails
