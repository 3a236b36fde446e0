"""How an authority sorts, promises and answers: queues, categories, agreements, steps, canned replies."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority
from helpdesk.tickets import arrangements as forms
from helpdesk.tickets.models import Agreement, Category, EscalationStep, Macro, Queue
from helpdesk.tickets.services import arranging
from helpdesk.tickets.views.common import person


@dataclass(frozen=True)
class Kind:
    title: str | Promise
    one: str | Promise
    model: type[models.Model]
    form: Any
    authority: str = "authority"
    """The path to the authority that it belongs to."""


KINDS: dict[str, Kind] = {
    "queue": Kind(gettext_lazy("Queues"), gettext_lazy("Queue"), Queue, forms.QueueForm),
    "category": Kind(gettext_lazy("Categories"), gettext_lazy("Category"), Category, forms.CategoryForm),
    "agreement": Kind(gettext_lazy("Agreements"), gettext_lazy("Agreement"), Agreement, forms.AgreementForm),
    "step": Kind(
        gettext_lazy("Escalation steps"),
        gettext_lazy("Escalation step"),
        EscalationStep,
        forms.StepForm,
        "agreement__authority",
    ),
    "macro": Kind(gettext_lazy("Canned replies and macros"), gettext_lazy("Canned reply"), Macro, forms.MacroForm),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    authorities = _authorities(request)
    shown = [
        {"name": name, "kind": kind, "rows": [(row, forms.summary(row)) for row in _rows(kind, authorities)]}
        for name, kind in KINDS.items()
    ]
    return render(request, "tickets/arrangements.html", {"kinds": shown})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, kind: str) -> HttpResponse:
    return _edit(request, kind, None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, kind: str, arrangement: int) -> HttpResponse:
    found = _kind(kind)
    return _edit(request, kind, get_object_or_404(_rows(found, _authorities(request)), pk=arrangement))


def _edit(request: HttpRequest, name: str, row: models.Model | None) -> HttpResponse:
    kind, authorities = _kind(name), _authorities(request)
    form: Any = kind.form(request.POST or None, instance=row, authorities=authorities)
    if request.method == "POST" and "delete" in request.POST and row is not None:
        return _delete(request, row)
    if request.method == "POST" and form.is_valid():
        arranging.save(form=form, by=person(request))
        messages.success(request, _("Saved."))
        return redirect("tickets:arrangements")
    context = {"kind": kind, "form": form, "row": row}
    return render(request, "tickets/arrange.html", context, status=422 if request.method == "POST" else 200)


def _delete(request: HttpRequest, row: models.Model) -> HttpResponse:
    if arranging.delete(row=row, by=person(request)):
        messages.success(request, _("Deleted."))
    else:
        messages.error(request, _("It is still in use, so it stays."))
    return redirect("tickets:arrangements")


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise Http404
    return KINDS[name]


def _rows(kind: Kind, authorities: list[Authority]) -> models.QuerySet[Any]:
    return kind.model._default_manager.filter(**{f"{kind.authority}__in": authorities})


def _authorities(request: HttpRequest) -> list[Authority]:
    """Where this person may arrange things for everybody; 404 for the others."""
    user: User = person(request)
    found = list(Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE)).order_by("name"))
    if not found:
        raise Http404
    return found
