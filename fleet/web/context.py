"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from fleet.web import navigation

THEMES = ("auto", "light", "dark")
DENSITIES = ("comfortable", "compact")
ON_THE_PHONE = 4
ON_THE_DESK = 9
"""How many entries the bar at the thumb and the one at the top have room for; the rest stand behind "More"."""


def page(request: HttpRequest) -> dict[str, Any]:
    """Navigation is found only when a page asks for it: fragments and error pages do not."""
    areas: Any = SimpleLazyObject(lambda: navigation.entries(request))
    return {
        "is_htmx": bool(getattr(request, "htmx", False)),
        "theme": theme(request),
        "density": density(request),
        "languages": settings.LANGUAGES,
        "areas": areas,
        "area_here": SimpleLazyObject(lambda: next((area for area in areas if area.current), None)),
        "search_address": SimpleLazyObject(lambda: navigation.search_address(request)),
        "desk_room": f":{ON_THE_DESK}",
        "desk_rest": f"{ON_THE_DESK}:",
        "thumb_room": f":{ON_THE_PHONE}",
        "thumb_rest": f"{ON_THE_PHONE}:",
    }


def theme(request: HttpRequest) -> str:
    """What the person chose, else what this browser chose, else what its system wishes."""
    chosen = getattr(getattr(request, "user", None), "theme", "") or request.COOKIES.get("theme", "")
    return chosen if chosen in THEMES else "auto"


def density(request: HttpRequest) -> str:
    """How close rows of lists stand in this browser: the same person wants it otherwise on the phone than at the desk."""
    chosen = request.COOKIES.get("density", "")
    return chosen if chosen in DENSITIES else "comfortable"
