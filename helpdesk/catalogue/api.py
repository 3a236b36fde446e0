"""/catalogue: what can be ordered, and ordering it."""

import secrets
from bisect import bisect_left
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Status
from ninja.pagination import paginate

from fleet.people.models import User
from fleet.web.api import CursorPage, Problem, conditional
from fleet.web.api.conditional import IfMatch
from fleet.web.once import IdempotencyKey, key_for
from helpdesk.catalogue import offers, services
from helpdesk.catalogue.forms import ANSWER, ARGUMENT, OrderForm
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.offers import Offer
from helpdesk.catalogue.schemas import AgreementOut, CommentIn, OfferOut, OrderedOut, OrderIn
from helpdesk.catalogue.views import offers_for
from helpdesk.tickets.models import Ticket

router = Router(tags=["catalogue"])


class OfferPage(CursorPage):
    """As all lists, though offers are files and no rows: ordered by slug, found again by it."""

    def paginate_queryset(self, queryset: Any, pagination: Any, request: HttpRequest, **_params: Any) -> dict[str, Any]:
        size, cursor = self._get_page_size(pagination.page_size), self.Cursor.from_encoded_param(pagination.cursor)
        slugs = [offer.slug for offer in queryset]
        at = bisect_left(slugs, cursor.p or "")
        begin, end = (max(0, at - size), at) if cursor.r else (at, min(at + size, len(slugs)))
        following = self.Cursor(p=slugs[end]) if end < len(slugs) else None
        before = self.Cursor(p=slugs[begin], r=True) if begin else None
        url = request.build_absolute_uri()
        return {
            "next": self._add_cursor_to_URL(url, following),
            "previous": self._add_cursor_to_URL(url, before),
            "results": [OfferOut.of(offer) for offer in queryset[begin:end]],
        }


@router.get("/", response=list[OfferOut], summary="What this person may order")
@paginate(OfferPage)
def list_offers(request: HttpRequest) -> list[Offer]:
    return sorted(offers_for(_person(request)), key=lambda offer: offer.slug)


@router.get("/agreements", response=list[AgreementOut], summary="Orders that wait for your agreement")
@paginate(CursorPage, ordering=("id",))
def list_agreements(request: HttpRequest) -> QuerySet[ServiceRequest]:
    return services.awaiting(_person(request))


@router.post("/agreements/{number}/agree", response=AgreementOut, summary="Agree to it")
def agree(request: HttpRequest, number: str, body: CommentIn, if_match: IfMatch = None) -> ServiceRequest:
    """403 for who does not decide on it, 409 where that is done or the ticket is finished (a merged one: where it goes on);
    412 where If-Match names another version."""
    return _decided(request, number, if_match, agreed=True, comment=body.comment)


@router.post("/agreements/{number}/refuse", response=AgreementOut, summary="Do not agree to it")
def refuse(request: HttpRequest, number: str, body: CommentIn, if_match: IfMatch = None) -> ServiceRequest:
    """As agreeing. Its ticket is resolved."""
    return _decided(request, number, if_match, agreed=False, comment=body.comment)


def _decided(request: HttpRequest, number: str, if_match: str | None, *, agreed: bool, comment: str) -> ServiceRequest:
    user = _person(request)
    with transaction.atomic():
        row = _agreement(request, number)
        if not services.entitled(request=row, offer=offers.get(row.slug), user=user):
            raise Problem(403, _("There is nothing for you to decide here."))
        version = Ticket.objects.select_for_update().values_list("version", flat=True).get(pk=row.ticket_id)
        conditional.check(if_match, version)
        try:
            services.decide(request=row, by=user, agreed=agreed, comment=comment.strip())
        except services.DecidedError as error:
            raise Problem(409, _("There is nothing for you to decide here, or somebody was quicker.")) from error
    return _agreement(request, number)


def _agreement(request: HttpRequest, number: str) -> ServiceRequest:
    rows = ServiceRequest.objects.exclude(agreement=ServiceRequest.Agreement.NONE).select_related("ticket")
    return get_object_or_404(rows, ticket__in=Ticket.objects.visible_to(request.user), ticket__number=number)


@router.get("/{slug}", response=OfferOut, summary="One offer, with what it asks for")
def get_offer(request: HttpRequest, slug: str) -> OfferOut:
    return OfferOut.of(_offer(request, slug))


@router.post("/{slug}/orders", response={201: OrderedOut}, summary="Order it")
def submit(request: HttpRequest, slug: str, body: OrderIn, idempotency_key: IdempotencyKey = None) -> Status[OrderedOut]:
    """The same Idempotency-Key by the same person is the same order: one ticket, one change."""
    user, offer = _person(request), _offer(request, slug)
    form = OrderForm(_data(offer, body, key_for(request, "order", idempotency_key)), offer=offer, user=user)
    if unknown := [name for name in body.arguments if _field(offer, name) not in form.fields]:
        raise Problem(422, _not_so(), errors={name: [_("This order does not ask for it.")] for name in unknown})
    if not form.is_valid():
        raise _refused(form)
    try:
        submitted = services.submit(submission=form.submission())
    except services.SubmissionError as error:
        form.fail(error.problems)
        raise _refused(form) from error
    keys = {name: secret.reveal() for name, secret in submitted.keys.items()}
    change_id = submitted.request.change_id
    return Status(201, OrderedOut(number=submitted.ticket.number, change_id=change_id, keys=keys))


def _field(offer: Offer, name: str) -> str:
    return (ANSWER if offer.question(name) else ARGUMENT) + name


def _data(offer: Offer, body: OrderIn, key: str | None) -> dict[str, Any]:
    given = {_field(offer, name): _as_typed(value) for name, value in body.arguments.items()}
    span = {"starts_at": body.starts_at, "ends_at": body.ends_at}
    place = {"site": body.site_id, "room": body.room_id, "device": body.device_id}
    return {**given, **span, **place, "note": body.note, "token": key or secrets.token_hex(16)}


def _as_typed(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list) else value


def _refused(form: OrderForm) -> Problem:
    names = {"site": "site_id", "room": "room_id", "device": "device_id", "__all__": ""}
    said = {name: [str(one) for one in errors] for name, errors in form.errors.items()}
    bare = {name: name.removeprefix(ARGUMENT).removeprefix(ANSWER) for name in said}
    return Problem(422, _not_so(), errors={names.get(name, bare[name]): errors for name, errors in said.items()})


def _not_so() -> str:
    return _("It cannot be ordered like this.")


def _offer(request: HttpRequest, slug: str) -> Offer:
    found = next((offer for offer in offers_for(_person(request)) if offer.slug == slug), None)
    if found is None:
        raise Http404
    return found


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
