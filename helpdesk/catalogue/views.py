"""The catalogue, the form of one offer, and the panel on its ticket."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.catalogue import offers, outlook, services
from helpdesk.catalogue.forms import OrderForm
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.offers import Offer
from helpdesk.tickets.models import Ticket


def offers_for(user: User) -> list[Offer]:
    roles = user.access.roles()
    if not user.access.anywhere(Action.ORDER_SERVICE):
        return []
    return [offer for offer in offers.all_offers() if roles & set(offer.roles)]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    language = get_language()
    tiles = [
        {"offer": offer, "title": offer.title.in_language(language), "summary": offer.summary.in_language(language)}
        for offer in offers_for(_person(request))
    ]
    return render(request, "catalogue/offers.html", {"tiles": tiles})


@require_http_methods(["GET", "HEAD", "POST"])
def order(request: HttpRequest, slug: str) -> HttpResponse:
    user, offer = _person(request), offers.get(slug)
    if offer is None or offer not in offers_for(user):
        raise Http404
    initial = {name: request.GET[name] for name in ("room", "device") if name in request.GET}
    form = OrderForm(request.POST or None, offer=offer, user=user, initial=initial)
    if request.method == "POST" and form.is_valid():
        submitted = _submit(form)
        if submitted is not None:
            return _thanks(request, submitted)
    language = get_language()
    context = {
        "form": form,
        "offer": offer,
        "title": offer.title.in_language(language),
        "summary": offer.summary.in_language(language),
        "outlook": outlook.of(offer),
    }
    return render(request, "catalogue/order.html", context, status=422 if form.errors else 200)


def _submit(form: OrderForm) -> services.Submitted | None:
    try:
        return services.submit(submission=form.submission())
    except services.SubmissionError as error:
        form.fail(error.problems)
        return None


def _thanks(request: HttpRequest, submitted: services.Submitted) -> HttpResponse:
    """Keys are shown on this answer alone: it is neither kept in the session nor in the browser's cache."""
    if not submitted.keys:
        return redirect("tickets:ticket", submitted.ticket.number)
    keys = [secret.reveal() for secret in submitted.keys.values()]
    context = {"ticket": submitted.ticket, "keys": keys, "values": submitted.request.values}
    response = render(request, "catalogue/ordered.html", context)
    response["Cache-Control"] = "no-store"
    return response


def ticket_panel(user: User, pk: int) -> dict[str, Any] | None:
    """The progress of the ticket's change, fetched from automation's own fragment."""
    if not Ticket.objects.visible_to(user).filter(pk=pk).exists():
        return None
    request = ServiceRequest.objects.filter(ticket=pk, change__isnull=False).first()
    return {"change_id": request.change_id} if request else {}


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
