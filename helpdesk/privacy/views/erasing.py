"""People whose data an administrator hands out, and people who are erased."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.people.models import User
from helpdesk.privacy import words
from helpdesk.privacy.forms import EraseForm, PeopleFilter
from helpdesk.privacy.models import Erasure, Export
from helpdesk.privacy.rules.refusals import may_agree
from helpdesk.privacy.services import erasing, exporting, looking
from helpdesk.privacy.views import manager_of
from helpdesk.privacy.views.mine import shown

PAGE_SIZE = 50
PILLS = {"asked": "watch", "running": "info", "stopped": "watch", "done": "ok", "withdrawn": "unknown"}


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    found = exporting.people_of(manager_of(request)).order_by("name", "pk")
    form = PeopleFilter(request.GET)
    if form.is_valid() and (wanted := form.cleaned_data["q"]):
        found = found.filter(name__icontains=wanted) | found.filter(email__icontains=wanted)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "privacy/people.html", {"page": page, "form": form})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """What is kept of a person, and the export for somebody who asks for it."""
    user = manager_of(request)
    one = get_object_or_404(exporting.people_of(user), pk=pk)
    if request.method == "POST":
        exporting.ask(person=one, by=user)
        messages.success(request, _("The data are being gathered. This takes some minutes; they will be here then."))
        return redirect("privacy:person", pk=pk)
    exports = Export.objects.readable_by(user).filter(person=one)
    underway = looking.erasures_of(user).filter(person=one).first()
    context = {"person": one, "touched": looking.touched(one, user), "exports": shown(exports), "underway": underway}
    return render(request, "privacy/person.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Names what it touches and what stands against it, and asks a second administrator."""
    user = manager_of(request)
    one = get_object_or_404(exporting.people_of(user), pk=pk)
    form = EraseForm(request.POST if request.method == "POST" else None, person=one)
    reasons = looking.reasons(one, user)
    if form.is_valid() and not reasons:
        try:
            return redirect("privacy:erasure", pk=erasing.ask(person=one, by=user).pk)
        except erasing.RefusedError as error:
            reasons = error.reasons
    context = {"person": one, "form": form, "touched": looking.touched(one, user), "reasons": said(reasons)}
    return render(request, "privacy/erase.html", context, status=422 if form.errors or (form.is_bound and reasons) else 200)


def said(reasons: list[str]) -> list[str]:
    return [str(words.REFUSALS[key]) for key in reasons]


@require_safe
def erasure(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is; `?part=progress` is the part that the page fetches anew."""
    user = manager_of(request)
    row = get_object_or_404(looking.erasures_of(user), pk=pk)
    part = request.GET.get("part") == "progress"
    return render(request, "privacy/pieces/progress.html" if part else "privacy/erasure.html", _shown(row, user))


def _shown(row: Erasure, user: User) -> dict[str, Any]:
    agreeing = may_agree(asked_by_id=row.asked_by_id, agreeing_id=user.pk, person_id=row.person_id)
    asked = row.state == Erasure.State.ASKED
    done = min(row.done, row.total)
    return {
        "row": row,
        "pill": PILLS[row.state],
        "may_agree": asked and agreeing,
        "touched": looking.touched(row.person, user) if asked else [],
        "reasons": said(looking.reasons(row.person, user, erasure=row)) if asked and agreeing else [],
        "done": done,
        "failed": 0,
        "total": max(row.total, 1),
        "left": row.total - done,
        "live": row.state == Erasure.State.RUNNING,
    }


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    user = manager_of(request)
    row = get_object_or_404(looking.erasures_of(user), pk=pk)
    wanted = request.POST.get("act", "")
    if wanted == "agree":
        _agree(request, row, user)
    elif wanted in {"withdraw", "stop", "resume"} and not getattr(erasing, wanted)(erasure=row, by=user):
        messages.warning(request, _("It is in another state by now. Please look at it again."))
    return redirect("privacy:erasure", pk=pk)


def _agree(request: HttpRequest, row: Erasure, user: User) -> None:
    if request.POST.get("final") != "yes":
        messages.error(request, _("Please confirm that you know that this cannot be undone."))
        return
    try:
        erasing.agree(erasure=row, by=user)
    except erasing.RefusedError as error:
        for text in said(error.reasons):
            messages.error(request, text)
    else:
        messages.success(request, _("This person is being erased. It goes on without this page."))
