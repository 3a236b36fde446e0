"""SECOND_FACTOR_ROLES: whoever holds one of these roles sets up a second factor first, and does nothing else until then."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.web.api import problem_response

FIRST: Promise = _("Your role asks for a second factor. Please set one up here; then everything else is open to you.")
OF_FACTORS = "mfa_"
OPEN = frozenset({"account_logout", "account_reauthenticate", "display"})


def is_missing(user: User) -> bool:
    """Whether a role that this person holds now asks for a factor that they do not have. Recovery codes alone are none."""
    if settings.SECOND_FACTOR_ROLES.isdisjoint(user.access.roles() if settings.SECOND_FACTOR_ROLES else ()):
        return False
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return not factors.exists()


class SecondFactorFirst:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: tuple[Any, ...], _kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Pages lead to the factors; a fragment lets its whole page be led there; the API says why not."""
        if _is_open(request, view) or not isinstance(request.user, User) or not is_missing(request.user):
            return None
        if request.path.startswith("/api/"):
            return problem_response(403, str(FIRST))
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=403, headers={"HX-Refresh": "true"})
        messages.warning(request, str(FIRST))
        return redirect("mfa_index")


def _is_open(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """What nobody has to be logged in for, the way out, and the pages of factors. The API asks for a login by itself."""
    if request.path.startswith("/api/"):
        return False
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name in OPEN or name.startswith(OF_FACTORS) or not getattr(view, "login_required", True)
