"""How the portal shows itself: Leichte Sprache on and off, and as an app on a phone's start screen."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from fleet.people import services as people
from helpdesk.portal.views import person

PAPER, ACCENT = "#f8f5ef", "#0b5d63"
"""The tokens --paper and --accent of the stylesheet; a manifest knows no custom properties."""


@require_POST
def plain_language(request: HttpRequest) -> HttpResponse:
    user = person(request)
    wanted = request.POST.get("plain") == "on"
    preferences = people.Preferences(name=user.name, language=user.language, plain_language=wanted, theme=user.theme)
    people.set_preferences(user=user, preferences=preferences)
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if safe else "/")


@login_not_required
@cache_control(max_age=86_400)
@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """https://www.w3.org/TR/appmanifest/: browsers ask for it without a login."""
    icon = {"src": static("web/mark.svg"), "type": "image/svg+xml", "sizes": "any", "purpose": "any"}
    content = {
        "name": "Fleetdesk",
        "short_name": "Fleetdesk",
        "description": _("Report problems and order services at your school."),
        "lang": getattr(request, "LANGUAGE_CODE", "de"),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": ACCENT,
        "icons": [icon],
        "shortcuts": [
            {"name": _("Report a problem"), "url": "/report/", "icons": [icon]},
            {"name": _("Scan a QR code"), "url": "/scan/", "icons": [icon]},
        ],
    }
    return JsonResponse(content, content_type="application/manifest+json")
