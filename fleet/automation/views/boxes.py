"""Ending a time-boxed change at another time."""

from collections.abc import Callable
from functools import partial

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fleet.automation import policy_words
from fleet.automation.models import Change
from fleet.automation.services import boxes
from fleet.automation.services.boxes import BoxError
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.outlook import person
from fleet.people.rules import Action
from fleet.web.instants import InstantField

WHY_NOT = {
    "not-boxed": gettext_lazy("This change is not limited in time."),
    "over": gettext_lazy("Its time is over already."),
    "not-begun": gettext_lazy("It has not begun yet. It can be stopped instead."),
    "too-early": gettext_lazy("The end must lie in the future and after the beginning."),
}


class EndForm(forms.Form):
    ends_at = InstantField(
        error_messages=dict.fromkeys(("required", "invalid"), gettext_lazy("This is no date with a time."))
    )


@require_POST
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    change = _controlled(request, pk)
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["ends_at"])))
        return redirect("automation:change", pk)
    return _said(request, change, partial(boxes.extend, ends_at=form.cleaned_data["ends_at"]), _("The end is changed."))


@require_POST
def end_now(request: HttpRequest, pk: int) -> HttpResponse:
    return _said(request, _controlled(request, pk), boxes.end_now, _("It is being taken back."))


def _said(request: HttpRequest, change: Change, act: Callable[..., bool], done: str) -> HttpResponse:
    try:
        messages.success(request, done if act(change=change, by=person(request)) else _("Noted. It waits for others."))
    except (BoxError, DecisionError) as error:
        messages.error(request, refused(error))
    return redirect("automation:change", change.pk)


def refused(error: BoxError | DecisionError) -> str:
    """Why its end is not changed, as a sentence."""
    return str(WHY_NOT[error.key]) if isinstance(error, BoxError) else policy_words.refusal(error)


def _controlled(request: HttpRequest, pk: int) -> Change:
    return get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
