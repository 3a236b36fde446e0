"""Who speaks to the API: a token of a program, or the browser's session; and who that is (`/me`)."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router
from ninja.security import HttpBearer, SessionAuth

from fleet.people import second_factor, services
from fleet.people.models import ApiToken, User
from fleet.people.rules import ACTIONS
from fleet.people.schemas import Me, RoleHeld
from fleet.web.api import Problem

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class TokenAuth(HttpBearer):
    """`Authorization: Bearer fdk_…`. A token that may only read is refused (403) on every writing method."""

    openapi_description = "A token made on the account page. Its reach is reading, or reading and writing."

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        found = services.use_token(clear=token, now=timezone.now())
        if found is None:
            return None
        if found.reach == ApiToken.Reach.METRICS:
            raise Problem(403, _("This token opens /metrics alone. Make another one on your account page."))
        if request.method not in READING and found.reach != ApiToken.Reach.WRITE:
            raise Problem(403, _("This token may only read. Make one that may also write on your account page."))
        if second_factor.is_missing(found.user):
            raise Problem(403, str(second_factor.FIRST))
        request.user = found.user
        return found.user


def reader_of_metrics(request: HttpRequest) -> User | None:
    """Who asks for /metrics: the holder of a token of any reach, or somebody who is logged in and wants to look.

    None also for whoever has to set up a second factor first.
    """
    reader = _asking(request)
    return None if reader is None or second_factor.is_missing(reader) else reader


def _asking(request: HttpRequest) -> User | None:
    scheme, _space, clear = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        token = services.use_token(clear=clear.strip(), now=timezone.now())
        return token.user if token is not None else None
    return request.user if isinstance(request.user, User) and request.user.is_active else None


class BrowserAuth(SessionAuth):
    """The session of somebody who is logged in; writing asks for the CSRF token in X-CSRFToken."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:  # noqa: ARG002
        return request.user if isinstance(request.user, User) and request.user.is_active else None


router = Router(tags=["people"])


@router.get("/me", response=Me, summary="Who I am and what I may do where")
def me(request: HttpRequest) -> Me:
    user = request.user
    assert isinstance(user, User)  # noqa: S101  (both kinds of auth give one)
    grants = user.grants.current(timezone.now()).select_related("scope").order_by("scope_id", "role")
    roles = [RoleHeld(role=grant.role, scope_id=grant.scope_id, scope=grant.scope.name) for grant in grants]
    actions = sorted({action.value for held in user.access.roles() for action in ACTIONS[held]})
    return Me(id=user.pk, name=user.name, email=user.email, language=user.language, roles=roles, actions=actions)
