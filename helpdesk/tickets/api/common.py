"""What all operations on tickets share."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import Problem, conditional
from helpdesk.tickets.models import Ticket

router = Router(tags=["tickets"])
SHOWN = ("requester", "owner", "queue", "category")


def workable(request: HttpRequest, number: str) -> Ticket:
    """404 for what this person does not see, 403 for what they see and do not work on."""
    ticket = visible(request, number)
    if not works(request, ticket):
        raise Problem(403, _("Your role does not include this."))
    return ticket


def visible(request: HttpRequest, number: str) -> Ticket:
    return get_object_or_404(Ticket.objects.visible_to(request.user).select_related("site", *SHOWN), number=number)


def works(request: HttpRequest, ticket: Ticket) -> bool:
    return person(request).access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)


def shown(request: HttpRequest, response: HttpResponse, number: str) -> Ticket:
    """As it is now, with all that belongs to it; the answer's ETag says its version."""
    watchers = Prefetch("watchers", User.objects.order_by("name", "pk"))
    rows = with_others(Ticket.objects.visible_to(request.user), person(request))
    ticket = get_object_or_404(rows.prefetch_related("devices", "tags", watchers), number=number)
    response.headers["ETag"] = f'"{ticket.version}"'
    return ticket


def with_others(rows: QuerySet[Ticket], user: User) -> QuerySet[Ticket]:
    """As TicketOut shows them: other tickets are named only where this person sees those, too."""
    seen_by_them = Ticket.objects.visible_to(user)
    others = (Prefetch(name, seen_by_them) for name in ("parent", "merged_into"))
    return rows.select_related(*SHOWN).prefetch_related(*others)


def seen(if_match: str | None, ticket: Ticket, *, needed: bool = False) -> int | None:
    """The version that the caller has read, for a service to compare; None where they did not say. Problem 412 or 428."""
    conditional.check(if_match, ticket.version, needed=needed)
    return ticket.version if if_match else None


@contextmanager
def unchanged(ticket: Ticket, if_match: str | None) -> Iterator[None]:
    """Where If-Match names a version, nobody else changes this one ticket until the act inside is done. Problem 412."""
    with transaction.atomic():
        if if_match:
            locked = Ticket.objects.select_for_update().filter(pk=ticket.pk)
            conditional.check(if_match, locked.values_list("version", flat=True).get())
        yield


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
