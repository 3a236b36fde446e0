"""A list that is opened without a filter begins with the view that the person chose for it."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from helpdesk.finding.models import DefaultView, SavedView
from helpdesk.finding.rules import LISTS

Answer = Callable[[HttpRequest], HttpResponse]


class DefaultViews:
    """Not when coming from the list itself: "show all again" leads to the bare address too."""

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response
        self._lists: dict[str, str] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self._lists = self._lists or {reverse(url): name for name, url in LISTS.items()}
        name = self._lists.get(request.path)
        query = _begins_with(request, name) if name else ""
        return HttpResponseRedirect(f"{request.path}?{query}") if query else self._answer(request)


def _begins_with(request: HttpRequest, name: str) -> str:
    bare = request.method == "GET" and not request.META.get("QUERY_STRING") and "HX-Request" not in request.headers
    if not bare or urlsplit(request.headers.get("Referer", "")).path == request.path or not request.user.pk:
        return ""
    still_theirs = SavedView.objects.visible_to(request.user)
    rows = DefaultView.objects.filter(person=request.user.pk, list=name, view__in=still_theirs)
    return rows.values_list("view__query", flat=True).first() or ""
