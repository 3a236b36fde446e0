"""/tickets/macros and …/tags: canned replies with what is done along with them, and tags."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.api.conditional import IfMatch, validated
from fleet.web.once import IdempotencyKey, key_for
from helpdesk.tickets import services
from helpdesk.tickets.api.common import person, router, shown, unchanged, workable
from helpdesk.tickets.models import Macro, Tag, Ticket
from helpdesk.tickets.schemas.shown import FilledOut, MacroOut, TagOut, TicketDetailOut
from helpdesk.tickets.schemas.wishes import TagIn
from helpdesk.tickets.services import macros, tags


@router.get("/macros/", response=list[MacroOut], summary="Canned replies")
@decorate_view(validated)
@paginate(CursorPage, ordering=("name_de", "id"))
def list_macros(request: HttpRequest) -> QuerySet[Macro]:
    """Of every authority where this person works on tickets."""
    return Macro.objects.allowing(person(request), Action.WORK_TICKETS)


@router.get("/{slug:number}/macros/{int:macro_id}", response=FilledOut, summary="A canned reply as it would be said here")
def fill_macro(request: HttpRequest, number: str, macro_id: int) -> dict[str, str]:
    ticket = workable(request, number)
    return {"text": macros.text_for(ticket=ticket, macro=_macro(ticket, macro_id), by=person(request))}


@router.post("/{slug:number}/macros/{int:macro_id}", response=TicketDetailOut, summary="Say it, and do what goes with it")
@decorate_view(validated)
def apply_macro(
    request: HttpRequest,
    response: HttpResponse,
    number: str,
    macro_id: int,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Ticket:
    """All of it or nothing. The same Idempotency-Key says it once."""
    ticket = workable(request, number)
    macro, key = _macro(ticket, macro_id), key_for(request, "macro", idempotency_key)
    if services.said_before(by=person(request), key=key):
        return shown(request, response, number)
    if ticket.state == Ticket.State.CLOSED:
        raise Problem(409, _("That is not possible from the ticket's present state."))
    with unchanged(ticket, if_match):
        try:
            macros.apply(ticket=ticket, macro=macro, by=person(request), idempotency_key=key)
        except services.StaleError as error:
            raise Problem(409, _("The ticket was changed meanwhile.")) from error
        except services.TransitionError as error:
            raise Problem(409, _("That is not possible from the ticket's present state.")) from error
    return shown(request, response, number)


def _macro(ticket: Ticket, macro_id: int) -> Macro:
    rows = Macro.objects.filter(authority=ticket.authority_id).select_related("queue", "tag")
    return get_object_or_404(rows, pk=macro_id)


@router.get("/tags/", response=list[TagOut], summary="Tags in use")
@decorate_view(validated)
@paginate(CursorPage, ordering=("name", "id"))
def list_tags(request: HttpRequest) -> QuerySet[Tag]:
    """Of every authority where this person sees internal notes."""
    return Tag.objects.allowing(person(request), Action.VIEW_INTERNAL_NOTES)


@router.post("/{slug:number}/tags", response=TicketDetailOut, summary="Add a tag")
@decorate_view(validated)
def add_tag(request: HttpRequest, response: HttpResponse, number: str, body: TagIn, if_match: IfMatch = None) -> Ticket:
    """Made where there is none of that name; added twice, it is there once."""
    ticket = workable(request, number)
    with unchanged(ticket, if_match):
        tags.add(ticket=ticket, name=body.name, by=person(request))
    return shown(request, response, number)


@router.delete("/{slug:number}/tags/{int:tag_id}", response={204: None}, summary="Take a tag away")
def remove_tag(request: HttpRequest, number: str, tag_id: int, if_match: IfMatch = None) -> Status[None]:
    ticket = workable(request, number)
    get_object_or_404(ticket.tags, pk=tag_id)
    with unchanged(ticket, if_match):
        tags.remove(ticket=ticket, tag_id=tag_id)
    return Status(204, None)
