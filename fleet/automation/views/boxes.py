"""Ending a time-boxed change at another time."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fleet.automation.models import Change
from fleet.automation.services import boxes
from fleet.automation.services.boxes import BoxError
from fleet.automation.views.outlook import person
from fleet.people.rules import Action

WHY_NOT = {
    "not-boxed": gettext_lazy("This change is not limited in time."),
    "over": gettext_lazy("Its time is over already."),
    "not-begun": gettext_lazy("It has not begun yet. It can be stopped instead."),
    "too-early": gettext_lazy("The end must lie in the future and after the beginning."),
}


class EndForm(forms.Form):
    ends_at = forms.DateTimeField()


@require_POST
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    change = _controlled(request, pk)
    form = EndForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This is no date with a time."))
        return redirect("automation:change", pk)
    try:
        boxes.extend(change=change, ends_at=form.cleaned_data["ends_at"], by=person(request))
        messages.success(request, _("The end is changed."))
    except BoxError as error:
        messages.error(request, str(WHY_NOT[error.key]))
    return redirect("automation:change", pk)


@require_POST
def end_now(request: HttpRequest, pk: int) -> HttpResponse:
    change = _controlled(request, pk)
    try:
        boxes.end_now(change=change, by=person(request))
        messages.success(request, _("It is being taken back."))
    except BoxError as error:
        messages.error(request, str(WHY_NOT[error.key]))
    return redirect("automation:change", pk)


def _controlled(request: HttpRequest, pk: int) -> Change:
    return get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
