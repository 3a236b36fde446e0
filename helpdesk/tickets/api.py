"""/tickets: list, read, open, answer, take, move on."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from ninja.pagination import paginate

from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Room
from fleet.web.api import CursorPage, Problem
from fleet.web.once import IdempotencyKey, key_for
from helpdesk.tickets import selectors, services
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.rules import may_reply, priority_of_report
from helpdesk.tickets.schemas import ArticleIn, TicketDetailOut, TicketFilter, TicketIn, TicketOut, TransitionIn

router = Router(tags=["tickets"])


@router.get("/", response=list[TicketOut], summary="Tickets, newest first")
@paginate(CursorPage, ordering=("-created_at", "-id"))
def list_tickets(request: HttpRequest, wanted: Query[TicketFilter]) -> QuerySet[Ticket]:
    rows = Ticket.objects.visible_to(request.user).select_related("requester", "owner")
    return selectors.searched(wanted.filter(rows), wanted.q.strip())


@router.post("/", response={201: TicketDetailOut}, summary="Report a problem")
def create_ticket(request: HttpRequest, body: TicketIn, idempotency_key: IdempotencyKey = None) -> Status[Ticket]:
    """The same Idempotency-Key by the same person gives the same ticket."""
    user = _person(request)
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
    return Status(201, _detail(request, ticket.number))


@router.get("/{slug:number}", response=TicketDetailOut, summary="One ticket with its articles")
def get_ticket(request: HttpRequest, number: str) -> Ticket:
    return _detail(request, number)


@router.post("/{slug:number}/articles", response={201: TicketDetailOut}, summary="Answer")
def add_article(
    request: HttpRequest, number: str, body: ArticleIn, idempotency_key: IdempotencyKey = None
) -> Status[Ticket]:
    """Internal notes only by those who work on tickets. The same Idempotency-Key gives the same article."""
    user = _person(request)
    ticket = get_object_or_404(Ticket.objects.visible_to(user), number=number)
    if not may_reply(user.access, ticket):
        raise Problem(403, _("Your role does not include this."))
    if body.internal and not user.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id):
        raise Problem(403, _("Internal notes are for those who work on tickets."))
    said = services.Reply(
        author=user,
        body=body.body,
        channel=Article.Channel.API,
        internal=body.internal,
        still_broken=body.still_broken,
        idempotency_key=key_for(request, "reply", idempotency_key),
    )
    services.reply(ticket=ticket, said=said)
    return Status(201, _detail(request, number))


@router.post("/{slug:number}/take", response=TicketDetailOut, summary="Become its owner")
def take(request: HttpRequest, number: str) -> Ticket:
    ticket = _workable(request, number)
    if ticket.owner != request.user and not services.take(ticket=ticket, by=_person(request), from_owner=None):
        raise Problem(409, _("Somebody else was faster and has taken it."))
    return _detail(request, number)


@router.post("/{slug:number}/transition", response=TicketDetailOut, summary="Move it to another state")
def transition(request: HttpRequest, number: str, body: TransitionIn) -> Ticket:
    """409 when the ticket is no longer at `seen_version`, and when the workflow does not lead there."""
    ticket = _workable(request, number)
    try:
        services.transition(ticket=ticket, to=Ticket.State(body.to), actor=_person(request), seen_version=body.seen_version)
    except services.StaleError as error:
        raise Problem(409, _("The ticket was changed meanwhile.")) from error
    except services.TransitionError as error:
        raise Problem(409, _("That is not possible from the ticket's present state.")) from error
    return _detail(request, number)


def _workable(request: HttpRequest, number: str) -> Ticket:
    """404 for what this person does not see, 403 for what they see and do not work on."""
    ticket = get_object_or_404(Ticket.objects.visible_to(request.user).select_related("owner"), number=number)
    if not _person(request).access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id):
        raise Problem(403, _("Your role does not include this."))
    return ticket


def _detail(request: HttpRequest, number: str) -> Ticket:
    rows = Ticket.objects.visible_to(request.user).select_related("requester", "owner").prefetch_related("devices")
    return get_object_or_404(rows, number=number)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
