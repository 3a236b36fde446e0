"""One page that looks through everything."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from helpdesk.finding import searching
from helpdesk.finding.views import person


class Wanted(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"autocomplete": "off"}),
        help_text=_("Words that all have to be there; several in quotation marks stand one after the other."),
    )


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    form, only = Wanted(request.GET), request.GET.get("in", "")
    wanted = form.cleaned_data.get("q", "") if form.is_valid() else ""
    known = {kind.name for kind in searching.KINDS}
    only = only if only in known else ""
    context = {"form": form, "wanted": wanted, "only": only, "groups": searching.search(person(request), wanted, only)}
    return render(request, "finding/search.html", context)
