"""Panels for slots, the health address, error pages and the living style guide."""

import logging
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from fleet.web import design as guide
from fleet.web import slots

log = logging.getLogger(__name__)


@require_safe
def panel(request: HttpRequest, slot: str, name: str, pk: int) -> HttpResponse:
    """One panel of a slot: a fragment for HTMX, a page without. 404 for whoever may not see it."""
    found = slots.panel(slot, name)
    context = found.context(request.user, pk) if found is not None else None
    if found is None or context is None:
        raise Http404
    if getattr(request, "htmx", False):
        return render(request, found.template, context)
    page = {"panel_template": found.template, "panel_title": found.title or _("Details")}
    return render(request, "web/panel.html", context | page)


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """For load balancers: 200 while the database answers, 503 otherwise. Says nothing more to strangers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.exception("the database does not answer")
        return JsonResponse({"status": "unavailable"}, status=503)
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Every piece in every state, to look at while changing one."""
    return render(request, "web/design.html", guide.examples(timezone.now()))


@login_not_required
@require_safe
def design_log(request: HttpRequest) -> HttpResponse:
    return render(request, "web/pieces/log_lines.html", {"lines": guide.log_lines(timezone.now())})


# --- error pages: what happened, what stays safe, what to do ---------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _error(
        request,
        400,
        _("This request could not be read"),
        _("Something in the address or in the form was not as expected. Nothing was changed."),
        _("Please go back, check what you typed and try once more."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(
        request,
        403,
        _("This is not open to you"),
        str(exception) or _("Your role does not allow this here. Nothing was changed."),
        _("If you need it for your work, please ask your administrator."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    return _error(
        request,
        403,
        _("The form was open for too long"),
        _(
            "For your protection it was not accepted: it belongs to an earlier login, or cookies "
            "are switched off. Nothing was sent."
        ),
        _(
            "Please go back: what you typed is still there. Copy longer texts, load the page "
            "again and send the form once more."
        ),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _error(
        request,
        404,
        _("There is nothing here"),
        _("The address is wrong, the thing is gone, or it belongs to a school that is not yours."),
        _("Please check the address, or begin again on the start page."),
    )


def wrong_method(request: HttpRequest) -> HttpResponse:
    return _error(
        request,
        405,
        _("There is no page at this address"),
        _("It only takes what a form sends. If your login had ended in between, nothing was sent."),
        _("Please go back to the page with the form, or begin again on the start page."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(
        request,
        500,
        _("This was our mistake"),
        _("Fleetdesk could not finish what you asked for. Half-done things were taken back; what was saved before is safe."),
        _("Please go back: what you typed is still there. Try again in a minute; the mistake has been recorded."),
    )


def _error(request: HttpRequest, status: int, title: str, happened: str, advice: str) -> HttpResponse:
    texts: dict[str, Any] = {"status": status, "title": title, "happened": happened, "advice": advice}
    return render(request, "web/error.html", texts, status=status)
