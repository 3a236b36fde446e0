"""The catalogue, the form of one offer, and the panel on its ticket."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.sites.models import Site
from helpdesk.catalogue import answers, offers, outlook, services, vouchers
from helpdesk.catalogue.forms import OrderForm, orderable
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.offers import Offer
from helpdesk.tickets import schools
from helpdesk.tickets.models import Ticket

FEW = 5
"""Schools whose rooms and devices fit into one list."""
PAGE_SIZE = 50
AGREEMENTS = {"none": "info", "wanted": "watch", "given": "ok", "refused": "unknown"}


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
        for offer in sorted(offers_for(_person(request)), key=lambda offer: _order(offer, language))
    ]
    return render(request, "catalogue/offers.html", {"tiles": tiles})


def _order(offer: Offer, language: str | None) -> tuple[bool, str]:
    return offer.slug == offers.ANYTHING, offer.title.in_language(language).casefold()


@require_http_methods(["GET", "HEAD", "POST"])
def order(request: HttpRequest, slug: str) -> HttpResponse:
    user, offer = _person(request), offers.get(slug)
    if offer is None or offer not in offers_for(user):
        raise Http404
    sites, posted = orderable(user, offer), request.method == "POST"
    first = list(sites[: FEW + 1])
    here = schools.chosen(request.GET, sites, first)
    if here is None and posted and len(first) > FEW:  # of a few, the form itself lets the school be changed
        here = schools.chosen(request.POST, sites, first)
    if here is None and not posted and len(first) > FEW:
        return _where(request, offer, sites)
    initial = {name: request.GET[name] for name in ("site", "room", "device") if name in request.GET}
    form = OrderForm(request.POST or None, offer=offer, user=user, here=here, initial=initial)
    if posted and form.is_valid():
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


def _where(request: HttpRequest, offer: Offer, sites: QuerySet[Site]) -> HttpResponse:
    """Rooms and devices of a whole city are no list to choose from: first the school."""
    which = schools.which(sites, request.GET.get("school", ""))
    return render(request, "catalogue/where.html", {"title": offer.title.in_language(get_language()), "which": which})


def _submit(form: OrderForm) -> services.Submitted | None:
    try:
        return services.submit(submission=form.submission())
    except services.SubmissionError as error:
        form.fail(error.problems)
        return None


def _thanks(request: HttpRequest, submitted: services.Submitted) -> HttpResponse:
    """Keys are shown on this answer alone: it is neither kept in the session nor in the browser's cache."""
    ticket = submitted.ticket
    if not Ticket.objects.visible_to(request.user).filter(pk=ticket.pk).exists():  # security people read it from here on
        told = _("Your report has arrived. Its number is %(number)s. Only the people responsible for security read it.")
        messages.success(request, told % {"number": ticket.number})
        return redirect("portal:home")
    if not submitted.keys:
        return redirect("tickets:ticket", ticket.number)
    keys = [secret.reveal() for secret in submitted.keys.values()]
    playbook = offers.playbook_of(offer) if (offer := offers.get(submitted.request.slug)) else None
    context = {"ticket": submitted.ticket, "keys": keys, "values": submitted.request.values}
    context["printable"] = bool(playbook and playbook.voucher)
    response = render(request, "catalogue/ordered.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def agreements(request: HttpRequest) -> HttpResponse:
    """All orders that wait for this person's agreement."""
    page = Paginator(services.awaiting(_person(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "catalogue/agreements.html", {"page": page, "rows": page})


def agreements_panel(user: User, pk: int) -> dict[str, Any] | None:
    """The first of them, where this person looks for what waits for their approval. `pk`: theirs."""
    rows = list(services.awaiting(user)[: FEW + 1]) if pk == user.pk else None
    return None if rows is None else {"rows": rows[:FEW], "more": len(rows) > FEW}


@require_POST
def agreement(request: HttpRequest, number: str) -> HttpResponse:
    """Agree to an order that people fulfil, or not."""
    user = _person(request)
    rows = ServiceRequest.objects.select_related("ticket").filter(ticket__in=Ticket.objects.visible_to(user))
    row = get_object_or_404(rows, ticket__number=number)
    if not services.may_decide(request=row, offer=offers.get(row.slug), user=user):
        messages.error(request, _("There is nothing for you to decide here, or somebody was quicker."))
        return redirect("tickets:ticket", number)
    try:
        comment = request.POST.get("comment", "").strip()[:2000]
        services.decide(request=row, by=user, agreed=request.POST.get("decision") == "agree", comment=comment)
    except services.DecidedError:
        messages.error(request, _("There is nothing for you to decide here, or somebody was quicker."))
    return redirect("tickets:ticket", number)


def ticket_panel(user: User, pk: int) -> dict[str, Any] | None:
    """The progress of the ticket's change, fetched from automation's own fragment; of what people fulfil the agreement."""
    ticket = Ticket.objects.visible_to(user).filter(pk=pk).first()
    if ticket is None:
        return None
    request = ServiceRequest.objects.select_related("ticket").filter(ticket=pk).first()
    if request is None:
        return {}
    if request.change_id:
        return {"change_id": request.change_id, **(vouchers.change_panel(user, request.change_id) or {})}
    offer = offers.get(request.slug)
    wanted = ServiceRequest.Agreement
    return {
        "number": ticket.number,
        "agreement": request.agreement if request.agreement != wanted.NONE else "",
        "agreement_word": request.get_agreement_display(),
        "agreement_state": AGREEMENTS[request.agreement],
        "may_decide": services.may_decide(request=request, offer=offer, user=user),
        "facts": _restricted(request, offer, user),
    }


def _restricted(request: ServiceRequest, offer: Offer | None, user: User) -> list[tuple[str, str]]:
    """What was said in a restricted order: for the security role there, and for who said it."""
    ticket = request.ticket
    here = {ticket.site_id, ticket.authority_id}
    reads = not here.isdisjoint(user.access.scopes_as([Role.SECURITY])) or ticket.requester_id == user.pk
    if offer is None or not offer.restricted or not reads:
        return []
    note = request.values.get("note")
    return answers.facts(offer, request.values) + ([(_("In their own words"), note)] if note else [])


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
