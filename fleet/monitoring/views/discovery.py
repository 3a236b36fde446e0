"""Looking through a site's address ranges, and making devices of what answered."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.devices.models import Credential, Prefix
from fleet.devices.services import DeviceError
from fleet.monitoring.models import Search
from fleet.monitoring.services import discovery
from fleet.monitoring.views import PageRequest
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.offers import offer_rows

SHOWN = 500


class SearchForm(forms.Form):
    addresses = forms.ModelChoiceField(Prefix.objects.none(), label=gettext_lazy("Address range"), empty_label=None)
    credential = forms.ModelChoiceField(Credential.objects.none(), label=gettext_lazy("Asked with"), empty_label=None)
    port = forms.IntegerField(label=gettext_lazy("SNMP port"), min_value=1, max_value=65_535, initial=161)

    def __init__(self, *args: Any, site: Site, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Credential.objects.offered_to(user, site).for_snmp().defer("secret").order_by("name")
        offer_rows(self, "addresses", Prefix.objects.filter(site=site).order_by("cidr"))
        offer_rows(self, "credential", known)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: PageRequest, pk: int) -> HttpResponse:
    """The searches of a site, and a new one."""
    site = get_object_or_404(Site.objects.allowing(request.user, Action.MANAGE), pk=pk)
    form = SearchForm(request.POST or None, site=site, user=request.user)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            search = discovery.start(
                prefix=chosen["addresses"], credential=chosen["credential"], port=chosen["port"], by=request.user
            )
        except DeviceError as error:
            form.add_error(error.field if error.field in form.fields else "addresses", error.reason)
        else:
            return redirect("monitoring:search", pk=search.pk)
    context = {
        "site": site,
        "form": form,
        "prefixes": Prefix.objects.filter(site=site).exists(),
        "searches": Search.objects.filter(site=site).select_related("prefix", "asked_by")[:20],
    }
    return render(request, "monitoring/searches.html", context, status=422 if form.errors else 200)


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """What answered so far; fetched anew by HTMX while the search runs."""
    search = _mine(request, pk)
    found = list(search.found.select_related("device").order_by("device_id", "pk")[:SHOWN])
    context = {
        "search": search,
        "site": search.site,
        "new": [one for one in found if one.device is None],
        "known": [one for one in found if one.device is not None],
        "left": search.total - search.asked,
    }
    return render(request, "monitoring/pieces/found.html" if request.htmx else "monitoring/search.html", context)


@require_POST
def stop(request: PageRequest, pk: int) -> HttpResponse:
    search = _mine(request, pk)
    if discovery.stop(search=search):
        messages.success(request, _("The search is stopped. What was found stays."))
    return redirect("monitoring:search", pk=search.pk)


@require_POST
def add(request: PageRequest, pk: int) -> HttpResponse:
    search = _mine(request, pk)
    chosen = [int(one) for one in request.POST.getlist("found") if one.isdecimal()]
    try:
        made = discovery.add(search=search, found_ids=chosen, by=request.user)
    except DeviceError as error:
        messages.error(request, _("Nothing was added: %s") % error.reason)
    else:
        said = ngettext(
            "%(n)d device is known now and is being asked.", "%(n)d devices are known now and are being asked.", len(made)
        )
        (messages.success if made else messages.info)(request, said % {"n": len(made)})
    return redirect("monitoring:search", pk=search.pk)


def _mine(request: PageRequest, pk: int) -> Search:
    rows = Search.objects.allowing(request.user, Action.MANAGE).select_related("prefix", "site", "credential")
    return get_object_or_404(rows.defer("credential__secret"), pk=pk)
