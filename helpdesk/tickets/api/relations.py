"""/tickets/{number}/…: merge, split, link, larger incidents."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Status
from ninja.decorators import decorate_view

from fleet.people.rules import Action
from fleet.web.api import Problem, conditional
from fleet.web.api.conditional import IfMatch, validated
from fleet.web.once import IdempotencyKey, key_for
from helpdesk.tickets import selectors, services
from helpdesk.tickets.api.common import person, router, seen, shown, unchanged, workable
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.schemas.shown import LinkOut, TicketDetailOut
from helpdesk.tickets.schemas.wishes import OtherIn, ParentIn, SplitIn
from helpdesk.tickets.words import why_not


@router.post("/{slug:number}/merge", response=TicketDetailOut, summary="Goes on in another ticket of the same school")
@decorate_view(validated)
def merge(request: HttpRequest, response: HttpResponse, number: str, body: OtherIn, if_match: IfMatch = None) -> Ticket:
    """Answers with the ticket that goes on; 409 when the two cannot become one."""
    ticket, other = workable(request, number), _other(request, body.number)
    with _refusals():
        into = services.merge(source=ticket, into=other, by=person(request), seen_version=seen(if_match, ticket))
    return shown(request, response, into.number)


@router.get("/{slug:number}/links", response=list[LinkOut], summary="Tickets with which it has to do")
def list_links(request: HttpRequest, number: str) -> list[dict[str, Any]]:
    """As far as this person may see them."""
    ticket = workable(request, number)
    return [
        {
            "id": link.pk,
            "kind": link.kind,
            "from_here": link.source_id == ticket.pk,
            "number": other.number,
            "subject": other.subject,
            "state": other.state,
        }
        for link, other in selectors.linked(ticket, person(request))
    ]


@router.post("/{slug:number}/links", response=TicketDetailOut, summary="Has to do with another ticket")
@decorate_view(validated)
def link(request: HttpRequest, response: HttpResponse, number: str, body: OtherIn, if_match: IfMatch = None) -> Ticket:
    """Of any school of the authority; said twice, it is there once."""
    ticket, other = workable(request, number), _other(request, body.number)
    with unchanged(ticket, if_match), _refusals():
        services.link(ticket=ticket, other=other, by=person(request))
    return shown(request, response, number)


@router.delete("/{slug:number}/links/{int:link_id}", response={204: None}, summary="Has nothing to do with it after all")
def unlink(request: HttpRequest, number: str, link_id: int, if_match: IfMatch = None) -> Status[None]:
    ticket = workable(request, number)
    found = next((one for one, _ticket in selectors.linked(ticket, person(request)) if one.pk == link_id), None)
    if found is None:
        raise Http404
    with unchanged(ticket, if_match):
        services.unlink(link=found)
    return Status(204, None)


@router.put("/{slug:number}/parent", response=TicketDetailOut, summary="Belongs to a larger incident, or to none")
@decorate_view(validated)
def set_parent(
    request: HttpRequest, response: HttpResponse, number: str, body: ParentIn, if_match: IfMatch = None
) -> Ticket:
    """Wants If-Match (else 428)."""
    ticket = workable(request, number)
    version = seen(if_match, ticket, needed=True)
    parent = _other(request, body.number) if body.number else None
    with _refusals():
        services.set_parent(ticket=ticket, parent=parent, by=person(request), seen_version=version)
    return shown(request, response, number)


@router.post("/{slug:number}/split", response={201: TicketDetailOut}, summary="Some of its articles become a ticket")
@decorate_view(validated)
def split(
    request: HttpRequest,
    response: HttpResponse,
    number: str,
    body: SplitIn,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Status[Ticket]:
    """Of the same school. The same Idempotency-Key gives the same ticket."""
    ticket, key = workable(request, number), key_for(request, "split", idempotency_key)
    if known := services.split_before(ticket=ticket, by=person(request), key=key):
        return Status(201, shown(request, response, known.number))
    part = services.Part(body.article_ids, body.subject, seen(if_match, ticket), key)
    with _refusals():
        fresh = services.split(ticket=ticket, part=part, by=person(request))
    return Status(201, shown(request, response, fresh.number))


def _other(request: HttpRequest, number: str) -> Ticket:
    rows = Ticket.objects.allowing(person(request), Action.WORK_TICKETS)
    found = services.find_by_reference(number)
    if found is None or not rows.filter(pk=found.pk).exists():
        problem = _("There is no ticket with that number.")
        raise Problem(422, problem, errors={"number": [problem]})
    return get_object_or_404(rows, pk=found.pk)


@contextmanager
def _refusals() -> Iterator[None]:
    """409 says why two tickets cannot be brought together so; 412 that the first one was changed meanwhile."""
    try:
        yield
    except services.RelationError as error:
        raise Problem(409, why_not(error.key)) from error
    except services.StaleError as error:
        raise conditional.changed() from error
