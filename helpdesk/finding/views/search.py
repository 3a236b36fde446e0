"""One page that looks through everything."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from helpdesk.finding import searching
from helpdesk.finding.views import person


class Wanted(forms.Form):
    """`in`: one kind of what is found, all of it where it is empty."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"autocomplete": "off"}),
        help_text=_("Words that all have to be there; several in quotation marks stand one after the other."),
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["in"] = forms.ChoiceField(
            required=False,
            choices=[("", ""), *((kind.name, kind.name) for kind in searching.KINDS)],
            widget=forms.HiddenInput,
        )


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    form = Wanted(request.GET)
    form.is_valid()
    wanted, only = form.cleaned_data.get("q") or "", form.cleaned_data.get("in") or ""
    context = {"form": form, "wanted": wanted, "only": only, "groups": searching.search(person(request), wanted, only)}
    return render(request, "finding/search.html", context)
