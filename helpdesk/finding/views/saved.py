"""Views above a list: open one, keep one, begin with one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.finding import counting, services
from helpdesk.finding.models import DefaultView, SavedView
from helpdesk.finding.rules import LISTS, TooLongError, kept
from helpdesk.finding.views import person
from helpdesk.knowledge.forms import authorities
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.words import PILLS


class KeepForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the view"), max_length=60)
    shared = forms.BooleanField(label=gettext_lazy("For all who work on tickets"), required=False)
    query = forms.CharField(widget=forms.HiddenInput, max_length=2000, required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.access.anywhere(Action.WORK_TICKETS):
            del self.fields["shared"]


@require_http_methods(["GET", "HEAD", "POST"])
def views(request: HttpRequest, name: str) -> HttpResponse:
    """GET: a fragment for HTMX, a page without; `of` is the query that the list shows now."""
    user = person(request)
    if name not in LISTS:
        raise Http404
    form = KeepForm(request.POST or None, user=user, initial={"query": _kept(request.GET.get("of", ""))})
    if request.method == "POST" and form.is_valid() and (answer := _keep(request, name, form)):
        return answer
    status = 422 if form.errors else 200
    template = "finding/pieces/views.html" if getattr(request, "htmx", False) else "finding/views.html"
    return render(request, template, _context(user, name, form), status=status)


def _keep(request: HttpRequest, name: str, form: KeepForm) -> HttpResponse | None:
    user, said = person(request), form.cleaned_data
    mine = authorities(user) if said.get("shared") else []
    keeping = services.Keeping(name, said["name"], said["query"], mine[0].pk if mine else None)
    try:
        view = services.keep(owner=user, keeping=keeping)
    except TooLongError:
        form.add_error("name", _("This filter has too many parts to be kept."))
        return None
    messages.success(request, _("The view “%(name)s” is kept.") % {"name": view.name})
    return redirect(_address(view))


def _kept(query: str) -> str:
    try:
        return kept(query)
    except TooLongError:
        return ""


def _context(user: User, name: str, form: KeepForm) -> dict[str, Any]:
    begins = DefaultView.objects.filter(person=user, list=name).values_list("view_id", flat=True).first()
    now = str(form["query"].value() or "")
    rows = SavedView.objects.visible_to(user).filter(list=name).select_related("owner")
    return {
        "list": name,
        "address": reverse(LISTS[name]),
        "label": SavedView.List(name).label,
        "form": form,
        "views": [
            {
                "view": view,
                "url": _address(view),
                "now": view.query == now,
                "begins": view.pk == begins,
                "own": view.owner_id == user.pk,
            }
            for view in rows
        ],
        "counts": _counts(user) if name == "tickets" else [],
    }


def _counts(user: User) -> list[dict[str, Any]]:
    by = counting.by_state(user)
    return [
        {"label": state.label, "state": PILLS[state.value], "count": by[state.value], "value": state.value}
        for state in Ticket.State
        if by.get(state.value)
    ]


def _address(view: SavedView) -> str:
    return f"{reverse(LISTS[view.list])}?{view.query}"


@require_POST
def begin_with(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)
    services.begin_with(person=person(request), view=view)
    messages.success(request, _("Saved."))
    return redirect(_address(view))


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.filter(owner=person(request)), pk=pk)
    services.discard(view=view)
    messages.success(request, _("The view is gone."))
    return redirect(LISTS[view.list])
