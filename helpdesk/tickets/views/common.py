"""Who asks, and for which ticket."""

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets import selectors
from helpdesk.tickets.models import Ticket


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def visible(request: HttpRequest, number: str) -> Ticket:
    return get_object_or_404(selectors.with_all(Ticket.objects.visible_to(request.user)), number=number)


def workable(request: HttpRequest, number: str) -> Ticket:
    rows = Ticket.objects.allowing(request.user, Action.WORK_TICKETS)
    return get_object_or_404(rows.select_related("owner", "site", "queue", "category"), number=number)


def works(user: User, ticket: Ticket) -> bool:
    return user.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)
