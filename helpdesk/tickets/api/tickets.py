"""/tickets: list, read, open, change, take, move on, rate, come back to."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.devices.models import Device
from fleet.people.rules import Action
from fleet.sites.models import Room
from fleet.web.api import CursorPage, Problem, conditional
from fleet.web.api.conditional import IfMatch, validated
from fleet.web.once import IdempotencyKey, key_for
from helpdesk.tickets import selectors, services
from helpdesk.tickets.api.common import person, router, seen, shown, unchanged, visible, with_others, workable, works
from helpdesk.tickets.models import Article, Category, Queue, Rating, Ticket
from helpdesk.tickets.rules import FINISHED, priority_of_report
from helpdesk.tickets.schemas.shown import TicketDetailOut, TicketFilter, TicketOut
from helpdesk.tickets.schemas.wishes import FollowUpIn, RatingIn, TicketIn, TicketPatch, TransitionIn
from helpdesk.tickets.services import rating


@router.get("/", response=list[TicketOut], summary="Tickets, newest first")
@decorate_view(validated)
@paginate(CursorPage, ordering=("-created_at", "-id"))
def list_tickets(request: HttpRequest, wanted: Query[TicketFilter]) -> QuerySet[Ticket]:
    """With If-None-Match: 304 while this page of the list is as it was."""
    return selectors.searched(with_others(wanted.of(person(request)), person(request)), wanted.q.strip())


@router.post("/", response={201: TicketDetailOut}, summary="Report a problem")
@decorate_view(validated)
def create_ticket(
    request: HttpRequest, response: HttpResponse, body: TicketIn, idempotency_key: IdempotencyKey = None
) -> Status[Ticket]:
    """The same Idempotency-Key by the same person gives the same ticket."""
    user = person(request)
    room = Room.objects.allowing(user, Action.REPORT_PROBLEM).select_related("site").filter(pk=body.room_id).first()
    if room is None:
        raise Problem(422, _("There is no such room."), errors={"room_id": [_("There is no such room.")]})
    devices = list(Device.objects.visible_to(user).filter(site=room.site, pk__in=body.device_ids))
    if len(devices) != len(set(body.device_ids)):
        problem = _("There is no such device in this school.")
        raise Problem(422, problem, errors={"device_ids": [problem]})
    ticket = services.open_ticket(
        opening=services.Opening(
            site=room.site,
            subject=body.subject,
            body=body.body,
            channel=Article.Channel.API,
            priority=priority_of_report(blocks_lesson=body.blocks_lesson),
            blocks_lesson=body.blocks_lesson,
            room=room,
            devices=devices,
            requester=user,
            idempotency_key=key_for(request, "report", idempotency_key),
        )
    )
    return Status(201, shown(request, response, ticket.number))


@router.get("/{slug:number}", response=TicketDetailOut, summary="One ticket with its articles")
@decorate_view(validated)
def get_ticket(request: HttpRequest, response: HttpResponse, number: str) -> Ticket:
    """The answer's ETag is what every change takes as If-Match; with If-None-Match: 304 while nothing is new."""
    return shown(request, response, number)


@router.patch("/{slug:number}", response=TicketDetailOut, summary="Change subject, priority, owner, queue or category")
@decorate_view(validated)
def change_ticket(
    request: HttpRequest, response: HttpResponse, number: str, body: TicketPatch, if_match: IfMatch = None
) -> Ticket:
    """Wants If-Match (else 428); 412 when the ticket is no longer as it was read. What is left out stays."""
    ticket = workable(request, number)
    seen(if_match, ticket, needed=True)
    try:
        services.edit(ticket=ticket, wish=_wish(ticket, body), actor=person(request), seen_version=ticket.version)
    except services.StaleError as error:
        raise conditional.changed() from error
    return shown(request, response, number)


def _wish(ticket: Ticket, body: TicketPatch) -> services.Edit:
    said = body.dict(exclude_unset=True)
    owner = _named(selectors.workers(ticket.site), "owner_id", said, ticket.owner)
    queue = _named(Queue.objects.filter(authority=ticket.authority_id), "queue_id", said, ticket.queue)
    category = _named(Category.objects.filter(authority=ticket.authority_id), "category_id", said, ticket.category)
    subject, priority = said.get("subject") or ticket.subject, said.get("priority") or ticket.priority
    return services.Edit(subject, int(priority), owner, services.Sorting(queue, category))


def _named(rows: QuerySet[Any], name: str, said: dict[str, Any], now: Any) -> Any:
    if name not in said:
        return now
    if said[name] is None:
        return None
    row = rows.filter(pk=said[name]).first()
    if row is None:
        problem = _("There is no such choice here.")
        raise Problem(422, problem, errors={name: [problem]})
    return row


@router.post("/{slug:number}/take", response=TicketDetailOut, summary="Become its owner")
@decorate_view(validated)
def take(request: HttpRequest, response: HttpResponse, number: str, if_match: IfMatch = None) -> Ticket:
    ticket, user = workable(request, number), person(request)
    with unchanged(ticket, if_match):
        if ticket.owner != user and not services.take(ticket=ticket, by=user, from_owner=None):
            raise Problem(409, _("Somebody else was faster and has taken it."))
    return shown(request, response, number)


@router.post("/{slug:number}/transition", response=TicketDetailOut, summary="Move it to another state")
@decorate_view(validated)
def transition(
    request: HttpRequest, response: HttpResponse, number: str, body: TransitionIn, if_match: IfMatch = None
) -> Ticket:
    """Which version was seen is said with If-Match (412 when it is another one now) or as `seen_version` (409).

    409 too when the workflow does not lead there; 428 when neither is said.
    """
    ticket = workable(request, number)
    version = seen(if_match, ticket, needed=body.seen_version is None)
    if body.seen_version is not None:
        version = body.seen_version
    try:
        services.transition(ticket=ticket, to=Ticket.State(body.to), actor=person(request), seen_version=version)
    except services.StaleError as error:
        if body.seen_version is None:
            raise conditional.changed() from error
        raise Problem(409, _("The ticket was changed meanwhile.")) from error
    except services.TransitionError as error:
        raise Problem(409, _("That is not possible from the ticket's present state.")) from error
    return shown(request, response, number)


@router.put("/{slug:number}/rating", response={204: None}, summary="How it went, by whoever asked")
def rate(request: HttpRequest, number: str, body: RatingIn) -> Status[None]:
    """Whoever changes their mind says it again."""
    ticket = visible(request, number)
    if ticket.requester_id != person(request).pk:
        raise Problem(403, _("Whoever asked says how it went."))
    if ticket.state not in FINISHED:
        raise Problem(409, _("That is not possible from the ticket's present state."))
    rating.rate(ticket=ticket, grade=Rating.Grade(body.grade), comment=body.comment)
    return Status(204, None)


@router.post("/{slug:number}/follow-up", response={201: TicketDetailOut}, summary="The matter of a closed ticket is back")
@decorate_view(validated)
def follow_up(
    request: HttpRequest, response: HttpResponse, number: str, body: FollowUpIn, idempotency_key: IdempotencyKey = None
) -> Status[Ticket]:
    """Answers with the new ticket, which refers to the old one."""
    ticket, user = visible(request, number), person(request)
    scopes = (ticket.authority_id, ticket.site_id)
    if not works(request, ticket) and not user.access.may(Action.REPORT_PROBLEM, *scopes):
        raise Problem(403, _("Your role does not include this."))
    if ticket.state != Ticket.State.CLOSED:
        raise Problem(409, _("That is not possible from the ticket's present state."))
    key = key_for(request, "follow-up", idempotency_key)
    fresh = services.follow_up(ticket=ticket, said=services.Again(user, body.body, idempotency_key=key))
    return Status(201, shown(request, response, fresh.number))
