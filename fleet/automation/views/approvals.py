"""What waits for somebody's agreement, and the way there from a mail."""

from typing import Any, cast

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, get_reauthentication_flows
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from fleet.automation import policy_words, proposal_panel, services, words
from fleet.automation.forms import DecisionForm
from fleet.automation.models import Approval, ApprovalLink, Change, PolicyRule
from fleet.automation.policy_forms import ApprovalFilter
from fleet.automation.services import approving, decisions, proposing
from fleet.automation.services.delegating import stands_in_for
from fleet.automation.services.policy import request_ends_at
from fleet.automation.views.changes import DECISIONS, title
from fleet.people.models import User

PAGE_SIZE = 50


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    """Oldest first, with how old it is, until when it is good, and a way to decide here."""
    user = cast("User", request.user)
    form = ApprovalFilter(request.GET, user=user)
    rows = approving.awaiting(user).select_related("site", "requested_by").defer("secret_arguments")
    if risk := form.wanted("risk"):
        rows = rows.filter(risk=risk)
    if (sites := form.sites_meant()) is not None:
        rows = rows.filter(site__in=sites)
    if name := form.wanted("asked_by"):
        rows = rows.filter(requested_by__name__icontains=name)
    counted = rows.annotate(devices=Count("targets", distinct=True)).prefetch_related("approvals").order_by("id")
    page = Paginator(counted, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [_row(change, user) for change in page], "form": form}
    context["proposals"] = [one | {"title": title(one["row"].change)} for one in proposal_panel.awaiting(user)]
    return render(request, "automation/approvals.html", context)


def _row(change: Any, user: User) -> dict[str, Any]:
    place, key = decisions.seat_at(change, user)
    votes = [one for one in change.approvals.all() if one.void_at is None]
    behalf = place.for_id if place else None
    return {
        "change": change,
        "title": title(change),
        "devices": change.devices,
        "risk": risk(change.risk),
        "until": request_ends_at(change),
        "votes": len(votes),
        "form": DecisionForm(initial={"digest": change.digest}, auto_id=f"id_{change.pk}_%s") if place else None,
        "in_name_of": next((one for one in stands_in_for(user) if one.pk == behalf), None) if behalf else None,
        "why_not": words.refusal(key) if key else "",
    }


def risk(word: str) -> dict[str, str]:
    """As a pill: a state and a word."""
    return {
        "state": {"low": "ok", "medium": "watch", "high": "down"}.get(word, "unknown"),
        "word": str(dict(PolicyRule.Risk.choices).get(word, word)),
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """One decision from a mail's link. Opening it decides nothing, and in other hands than the addressee's it never does."""
    user = cast("User", request.user)
    try:
        link = approving.opened(token=token, person=user)
    except approving.LinkError as error:
        return _no_link(request, error)
    if request.method == "POST":
        return _decided_by_mail(request, link)
    return _link_page(request, link, DecisionForm(initial={"digest": link.change_digest}))


def _no_link(request: HttpRequest, error: approving.LinkError) -> HttpResponse:
    text = policy_words.link_problem(error.key)
    if error.change_id is None:
        return render(request, "automation/link_dead.html", {"text": text}, status=404)
    messages.info(request, text)
    return redirect("automation:change", error.change_id)


def _link_page(request: HttpRequest, link: ApprovalLink, form: DecisionForm, status: int = 200) -> HttpResponse:
    change = link.change
    if link.proposal:
        link.proposal.change = change
        place, key = proposing.seat_at(link.proposal, link.person)
    else:
        place, key = decisions.seat_at(change, link.person)
    again = f"{reverse('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}"
    context = {
        "change": change,
        "title": title(change),
        "form": form,
        "proposal": proposal_panel.sentence(link.proposal) if link.proposal else "",
        "risk": risk(change.risk),
        "why_not": "" if place else words.refusal(key or "no-role"),
        "confirm_url": again if _must_confirm(request, change) else "",
        "cannot_confirm": _must_confirm(request, change) and not get_reauthentication_flows(link.person),
    }
    return render(request, "automation/link.html", context, status=status)


def _must_confirm(request: HttpRequest, change: Change) -> bool:
    """For a high risk the password (or the second factor) is asked again; who has neither decides on the change's page."""
    if change.risk in {"low", "medium"}:
        return False
    return not get_reauthentication_flows(request.user) or not did_recently_reauthenticate(request)


def _decided_by_mail(request: HttpRequest, link: ApprovalLink) -> HttpResponse:
    if link.proposal:
        return _agreed_by_mail(request, link)
    form = DecisionForm(request.POST)
    decision = DECISIONS.get(request.POST.get("decision", ""))
    if not form.is_valid() or decision is None or form.cleaned_data["digest"] != link.change_digest:
        return _link_page(request, link, form, status=422)
    if _must_confirm(request, link.change):
        messages.error(request, _("Please confirm first that it is you."))
        return _link_page(request, link, form, status=403)
    try:
        approving.decide_by_link(link=link, decision=decision, comment=form.cleaned_data["comment"])
    except decisions.DecisionError as error:
        messages.error(request, words.refusal(error.key))
    except approving.LinkError as error:
        return _no_link(request, error)
    else:
        approved = decision == Approval.Decision.APPROVED
        messages.success(request, _("You have approved this change.") if approved else _("You have rejected this change."))
    return redirect("automation:change", link.change_id)


def _agreed_by_mail(request: HttpRequest, link: ApprovalLink) -> HttpResponse:
    if _must_confirm(request, link.change):
        messages.error(request, _("Please confirm first that it is you."))
        return _link_page(request, link, DecisionForm(), status=403)
    try:
        services.agree_by_link(link=link)
        messages.success(request, _("You have agreed."))
    except decisions.DecisionError as error:
        messages.error(request, policy_words.refusal(error))
    except approving.LinkError as error:
        return _no_link(request, error)
    return redirect("automation:change", link.change_id)
