"""Pages of schools: what they are, their buildings and rooms, their calendar."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from fleet.people.models import User


class PageRequest(HttpRequest):
    """What reaches a view behind the login."""

    user: User
    htmx: HtmxDetails
