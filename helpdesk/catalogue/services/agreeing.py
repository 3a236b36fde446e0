"""Agreeing to an order that people fulfil: once, by somebody who may, never by who ordered it."""

from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from fleet.people.models import User
from helpdesk.catalogue import offers
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.offers import Offer
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED, may_become


def awaiting(user: User) -> QuerySet[ServiceRequest]:
    """Orders that wait for this person's agreement, the longest first. None for who agrees to nothing; otherwise one query,
    one for those that were merged, and one for each time that such a ticket went on in another."""
    asked = [offer for offer in offers.all_offers() if user.access.roles() & set(offer.approvers)]
    if not asked:
        return ServiceRequest.objects.none()
    wanted = ServiceRequest.objects.filter(
        reduce(or_, (_decidable(offer, user) for offer in asked)),
        agreement=ServiceRequest.Agreement.WANTED,
        ticket__in=Ticket.objects.visible_to(user),
    ).exclude(ticket__requester=user)
    merged = wanted.filter(ticket__merged_into__isnull=False).values_list("ticket_id", flat=True)
    still_open = Q(ticket__in=Ticket.objects.open()) | Q(ticket__in=tickets.open_where_they_go_on(merged))
    return wanted.filter(still_open).select_related("ticket__requester", "ticket__site").order_by("pk")


def _decidable(offer: Offer, user: User) -> Q:
    """As `entitled` says of one."""
    scopes = user.access.scopes_as(offer.approvers)
    return Q(slug=offer.slug) & (Q(ticket__site__in=scopes) | Q(ticket__authority__in=scopes))


class DecidedError(Exception):
    """Somebody was quicker, or the ticket is finished where it goes on."""


def may_decide(*, request: ServiceRequest, offer: Offer | None, user: User) -> bool:
    waits = request.agreement == ServiceRequest.Agreement.WANTED and entitled(request=request, offer=offer, user=user)
    return waits and tickets.current(request.ticket).state not in FINISHED


def entitled(*, request: ServiceRequest, offer: Offer | None, user: User) -> bool:
    """Whether this person is one of those who agree, as long as it waits."""
    if offer is None or request.ticket.requester_id == user.pk:
        return False
    here = {request.ticket.site_id, request.ticket.authority_id}
    return not here.isdisjoint(user.access.scopes_as(offer.approvers))


def decide(*, request: ServiceRequest, by: User, agreed: bool, comment: str = "") -> None:
    """Raises DecidedError. What is not agreed to is finished, where its ticket goes on; the comment is read by whoever
    ordered."""
    state = ServiceRequest.Agreement.GIVEN if agreed else ServiceRequest.Agreement.REFUSED
    with transaction.atomic():
        goes_on = tickets.current(request.ticket)
        open_still = Ticket.objects.open().select_for_update().filter(pk=goes_on.pk).exists()
        waiting = ServiceRequest.objects.filter(pk=request.pk, agreement=ServiceRequest.Agreement.WANTED)
        if not open_still or not waiting.update(agreement=state, decided_by=by, decided_at=timezone.now()):
            raise DecidedError
        notice = "order-agreed" if agreed else "order-refused"
        tickets.add_article(ticket=goes_on, contribution=tickets.Contribution(author=by, notice=notice, body=comment))
        ticket = Ticket.objects.get(pk=goes_on.pk)
        if not agreed and may_become(ticket.state, Ticket.State.RESOLVED):
            tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED, actor=by)
