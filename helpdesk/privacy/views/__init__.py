"""Pages: how long what is kept, one's own data, and people who are erased."""

from typing import cast

from django.http import Http404, HttpRequest

from fleet.people.models import User
from fleet.people.rules import Action


def person_of(request: HttpRequest) -> User:
    return cast("User", request.user)


def manager_of(request: HttpRequest) -> User:
    """Whoever manages anything; for everybody else there is no such page."""
    user = person_of(request)
    if not user.access.anywhere(Action.MANAGE):
        raise Http404
    return user
