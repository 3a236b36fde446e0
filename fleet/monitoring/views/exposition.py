"""/metrics about ourselves and /metrics/devices, for Prometheus."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.devices.models import Device
from fleet.monitoring import exposition
from fleet.people.api import reader_of_metrics
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web import exposition as web
from fleet.web.api import PerPerson, problem_response, throttled, unauthenticated

DETAILS = Action.VIEW_DEVICE_DETAILS
MOST_DEVICES = 5000
"""More than this in one answer would keep a thread of the web server busy for seconds."""

per_person = PerPerson()
"""Counts together with what the person asks the API."""


def scraped(view: Callable[[HttpRequest, User], HttpResponse]) -> Callable[..., HttpResponse]:
    """A program's view: it is told 401 rather than sent to the login, and 429 when it asks too often."""

    @login_not_required
    @require_safe
    @wraps(view)
    def answer(request: HttpRequest, **_nothing: Any) -> HttpResponse:
        reader = reader_of_metrics(request)
        if reader is None:
            return unauthenticated(request)
        request.user = reader
        refused = per_person.refused(request)
        return throttled(request, refused) if refused else view(request, reader)

    return answer


@scraped
def ourselves(request: HttpRequest, reader: User) -> HttpResponse:
    """Numbers of the whole installation: for whoever runs it."""
    if not reader.access.anywhere(Action.MANAGE):
        return _nothing_here()
    return web.response(web.ourselves(), request.headers.get("Accept", ""))


@scraped
def devices(request: HttpRequest, reader: User) -> HttpResponse:
    """Of one site (`?site=<id>`), or of everything that the reader may see in detail."""
    if not reader.access.anywhere(DETAILS):
        return _nothing_here()
    found = Device.objects.allowing(reader, DETAILS)
    wanted = request.GET.get("site")
    if wanted is not None:
        if not wanted.isdecimal() or not Site.objects.allowing(reader, DETAILS).filter(pk=int(wanted)).exists():
            return _nothing_here()
        found = found.filter(site=int(wanted))
    if found.count() > MOST_DEVICES:
        return problem_response(422, _("These are too many devices for one answer: ask site by site (?site=)."))
    return web.response(exposition.devices(found), request.headers.get("Accept", ""))


def _nothing_here() -> HttpResponse:
    return problem_response(404, _("There is no such thing, or it is not yours to see."))
