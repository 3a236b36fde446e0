from django.http import Http404, HttpRequest

from fleet.people.models import User


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
