"""Schools, buildings and rooms from a table: uploaded, looked at line by line, then taken in."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.sites import place_words
from fleet.sites.models import Authority, PlaceTable
from fleet.sites.rules.office_table import MistakesError
from fleet.sites.rules.place_table import COLUMNS
from fleet.sites.rules.told import MOST_NAMED
from fleet.sites.services import ChangedMeanwhileError, place_drafts
from fleet.sites.services.place_outcomes import Becomes, Outcome, digest
from fleet.sites.views import PageRequest
from fleet.sites.views.shared import authorities, edited
from fleet.web import uploads
from fleet.web.offers import offer_rows

PAGE_SIZE = 100


class TableForm(forms.Form):
    authority = forms.ModelChoiceField(Authority.objects.none(), label=gettext_lazy("Authority"), empty_label=None)
    file = forms.FileField(
        label=gettext_lazy("Table (CSV)"),
        help_text=gettext_lazy("As any office program saves it. Nothing changes yet: first you see what would."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv,text/plain"}),
    )

    def __init__(self, *args: Any, authorities: QuerySet[Authority], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._authorities = authorities
        offer_rows(self, "authority", authorities)
        if authorities[:2].count() == 1:
            del self.fields["authority"]

    @property
    def tenant(self) -> Authority:
        return self.cleaned_data.get("authority") or self._authorities[0]


class OutcomesFilter(forms.Form):
    show = forms.ChoiceField(
        label=gettext_lazy("Show"),
        required=False,
        choices=[
            ("", gettext_lazy("What is new or changes")),
            (Becomes.NEW.value, gettext_lazy("What is new")),
            (Becomes.CHANGED.value, gettext_lazy("What changes")),
            (Becomes.SAME.value, gettext_lazy("What stays as it is")),
        ],
    )

    def chosen(self, found: Sequence[Outcome]) -> list[Outcome]:
        wanted = self.cleaned_data.get("show") if self.is_valid() else ""
        return [one for one in found if (one.becomes == wanted if wanted else one.becomes is not Becomes.SAME)]


@edited
def upload(request: PageRequest) -> HttpResponse:
    offered = authorities(request.user)
    if not offered.exists():
        raise Http404
    data = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = TableForm(*data, authorities=offered)
    if uploads.refused(request):
        form.add_error("file", _("The file is too large to be uploaded. Divide the table by schools."))
    mistakes: list[Any] = []
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            table = place_drafts.keep(authority=form.tenant, file_name=file.name, data=file.read(), by=request.user)
        except MistakesError as error:
            mistakes = list(error.mistakes)
            form.add_error("file", _("Nothing was changed: there are mistakes in the table."))
        else:
            return redirect("places:table", pk=table.pk)
    context = {
        "form": form,
        "columns": place_words.columns(COLUMNS),
        "mistakes": place_words.mistakes(mistakes[:MOST_NAMED]),
        "more": max(0, len(mistakes) - MOST_NAMED),
    }
    return render(request, "sites/table_new.html", context, status=422 if form.errors else 200)


@edited
def preview(request: PageRequest, pk: int) -> HttpResponse:
    """What would come of each line; sent, it does."""
    mine = PlaceTable.objects.filter(authority__in=authorities(request.user), made_by=request.user)
    table = get_object_or_404(mine.select_related("authority"), pk=pk)
    try:
        if request.method == "POST":
            return _taken_in(request, table)
        found = place_drafts.look(table=table)
    except MistakesError as error:
        messages.warning(request, _("The table does not fit any more: %s") % error.mistakes[0])
        return redirect("places:table-new")
    form = OutcomesFilter(request.GET)
    page = Paginator(form.chosen(found), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "table": table,
        "form": form,
        "page": page,
        "rows": [place_words.outcome(one) for one in page],
        "counts": place_words.counts(Counter((one.kind, one.becomes) for one in found)),
        "nothing": all(one.becomes is Becomes.SAME for one in found),
        "digest": digest(found),
    }
    return render(request, "sites/table.html", context)


def _taken_in(request: PageRequest, table: PlaceTable) -> HttpResponse:
    pk = table.pk
    try:
        tally = place_drafts.take_in(table=table, seen=request.POST.get("seen", ""), by=request.user)
    except ChangedMeanwhileError:
        messages.warning(request, _("Something was changed meanwhile. Please look once more at what would come of it."))
        return redirect("places:table", pk=pk)
    messages.success(request, _("The table is taken in. %s") % place_words.tally(tally))
    return redirect("places:list")
