"""The account of the person who is logged in, and the switch of language, theme and density that everybody has."""

from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from fleet.people import services
from fleet.people.browsers import browser_name
from fleet.people.forms import PreferencesForm, TokenForm
from fleet.people.models import ApiToken, User
from fleet.people.roles import role_label
from fleet.people.services import addresses
from fleet.secrets.types import Secret
from fleet.web.context import DENSITIES, THEMES, density

A_YEAR = timedelta(days=365)
SHOWN_ONCE = "people.fresh_token"


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who I am here, what I may do, how pages look to me."""
    user = _person(request)
    kept_here = {"density": density(request)}
    form = PreferencesForm(request.POST or None, instance=User.objects.get(pk=user.pk), initial=kept_here)
    if form.is_valid():
        services.set_preferences(user=user, preferences=form.preferences())
        with translation.override(user.language):
            messages.success(request, _("Your settings are saved."))
        response = redirect("account")
        _keep(response, "density", form.cleaned_data["density"])
        return response
    grants = user.grants.current(timezone.now()).select_related("scope").order_by("scope__name")
    roles = [(role_label(grant.role), grant.scope.name, grant.expires_at) for grant in grants]
    return render(request, "people/account.html", {"form": form, "roles": roles}, status=422 if form.errors else 200)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens of my programs. A new one's clear text is shown in the answer to its making and never again."""
    user = _person(request)
    form = TokenForm(request.POST or None)
    fresh: Secret | None = None
    if form.is_valid():
        data = form.cleaned_data
        _row, fresh = services.issue_token(
            user=user, name=data["name"], reach=ApiToken.Reach(data["reach"]), valid_for=form.valid_for
        )
        form = TokenForm()
    rows = user.api_tokens.filter(revoked_at__isnull=True).order_by("-created_at")
    context = {"form": form, "tokens": rows, "fresh": fresh.reveal() if fresh else "", "now": timezone.now()}
    return render(request, "people/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(_person(request).api_tokens, pk=pk)
    services.revoke_token(token=token)
    messages.success(request, _("The token “%s” no longer opens anything.") % token.name)
    return redirect("people:tokens")


@never_cache
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Where I am logged in, and the way out of everywhere but here."""
    user, here = _person(request), request.session.session_key
    if request.method == "POST":
        ended = services.end_other_sessions(user=user, keep=here)
        said = ngettext("%(count)d login elsewhere has ended.", "%(count)d logins elsewhere have ended.", ended)
        messages.success(request, said % {"count": ended})
        return redirect("people:sessions")
    rows = [
        {"row": row, "browser": browser_name(row.user_agent) or _("Unknown browser"), "here": row.session_key == here}
        for row in services.sessions(user=user)
    ]
    return render(request, "people/sessions.html", {"sessions": rows, "elsewhere": any(not row["here"] for row in rows)})


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest, token: str) -> HttpResponse:
    """By the link in the mail to a former address: whoever reads that says that the new one is theirs."""
    person = addresses.claimed(token=token)
    if person is not None and request.method == "POST":
        addresses.prove(person=person)
        messages.success(request, _("Thank you. You log in as %s from now on.") % person.email)
        return redirect("account_login")
    return render(request, "people/address.html", {"person": person}, status=200 if person else 404)


@login_not_required
@require_POST
def display(request: HttpRequest) -> HttpResponse:
    """Switch language, theme or density: kept in this browser, and the first two with the person who is logged in."""
    language, theme = request.POST.get("language"), request.POST.get("theme")
    response = HttpResponseRedirect(_way_back(request))
    if isinstance(request.user, User):
        services.set_display(user=request.user, language=language, theme=theme)
    if language in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, language)
    if theme in THEMES:
        _keep(response, "theme", theme)
    if (chosen := request.POST.get("density")) in DENSITIES:
        _keep(response, "density", chosen)
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=A_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, httponly=True)


def _way_back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return wanted if safe else "/"


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)
