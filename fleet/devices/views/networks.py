"""A site's address ranges, and what its devices are spoken to with."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from fleet.devices import services
from fleet.devices.forms import PrefixForm, SiteCredentialForm
from fleet.devices.models import Credential, Device, Prefix, SiteCredential
from fleet.devices.services import DeviceError
from fleet.devices.views.credentials import manager
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest, pk: int) -> HttpResponse:
    """Ranges, and (posted here) a further one."""
    site = _mine(request, pk)
    form = PrefixForm(request.POST or None)
    if form.is_valid():
        try:
            prefix = services.create_prefix(
                site=site,
                cidr=form.cleaned_data["cidr"],
                purpose=Prefix.Purpose(form.cleaned_data["purpose"]),
                by=manager(request),
            )
        except DeviceError as error:
            form.refuse(error)
        else:
            messages.success(request, _("%s belongs to this site now.") % prefix.cidr)
            return redirect("inventory:network", pk=site.pk)
    return _page(request, site, prefix_form=form)


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    user = manager(request)
    prefix = get_object_or_404(Prefix.objects.allowing(user, Action.MANAGE), pk=pk)
    try:
        services.delete_prefix(prefix=prefix)
    except DeviceError as error:
        messages.error(request, error.reason)
    else:
        messages.success(request, _("%s no longer belongs to this site.") % prefix.cidr)
    return redirect("inventory:network", pk=prefix.site_id)


@require_POST
def credentials(request: HttpRequest, pk: int) -> HttpResponse:
    site = _mine(request, pk)
    form = _credential_form(request, site, request.POST)
    if form.is_valid():
        try:
            followers = _set(site, form, manager(request))
        except DeviceError as error:
            form.refuse(error)
        else:
            said = ngettext("Saved. %(n)d device follows it.", "Saved. %(n)d devices follow it.", followers)
            messages.success(request, said % {"n": followers})
            return redirect("inventory:network", pk=site.pk)
    return _page(request, site, credential_form=form)


@transaction.atomic
def _set(site: Site, form: SiteCredentialForm, by: User) -> int:
    """Both or none."""
    chosen = form.cleaned_data
    followers = [
        services.set_site_credential(site=site, use=use, credential=chosen[f"{use}_credential"], by=by)
        for use in SiteCredential.Use
    ]
    return max(followers)


def _page(request: HttpRequest, site: Site, **forms: Any) -> HttpResponse:
    prefixes = Prefix.objects.filter(site=site).order_by("cidr")
    context = {
        "site": site,
        "prefixes": prefixes,
        "following": Device.objects.in_service().filter(site=site, snmp_follows_site=True).count(),
        "prefix_form": PrefixForm(),
        "credential_form": forms.get("credential_form") or _credential_form(request, site),
    } | forms
    failed = any(form.errors for form in forms.values())
    return render(request, "devices/network.html", context, status=422 if failed else 200)


def _credential_form(request: HttpRequest, site: Site, data: Any = None) -> SiteCredentialForm:
    said = {f"{row.use}_credential": row.credential_id for row in SiteCredential.objects.filter(site=site)}
    known = Credential.objects.offered_to(manager(request), site).defer("secret").order_by("name")
    return SiteCredentialForm(data, known=known, initial=said)


def _mine(request: HttpRequest, pk: int) -> Site:
    return get_object_or_404(Site.objects.allowing(manager(request), Action.MANAGE), pk=pk)
