"""What a device is, where it stands, and how it is asked."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet.devices import services
from fleet.devices.forms import AccessForm, DeviceForm, WhereForm, access_of, details_of
from fleet.devices.models import Credential, Device, SiteCredential
from fleet.devices.services import DeviceError
from fleet.devices.services.credentials import of_site
from fleet.devices.views.credentials import manager
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import by_id


def _where(request: HttpRequest, sites: QuerySet[Site]) -> HttpResponse:
    """Asked of whoever has several; it is typed, as there may be a thousand."""
    first = list(sites[:2])
    form = WhereForm(request.GET if "school" in request.GET else None, sites=sites)
    if len(first) == 1 or form.is_valid():
        site = first[0] if len(first) == 1 else form.cleaned_data["school"]
        return redirect(f"{request.path}?site={site.pk}")
    context = {"form": form, "any": bool(first)}
    return render(request, "devices/device_where.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """First the site, because rooms and credentials are its own; then the device."""
    user = manager(request)
    sites = Site.objects.allowing(user, Action.MANAGE)
    chosen = request.GET.get("site", "")
    if not chosen.isdecimal():
        return _where(request, sites)
    site = by_id(sites, chosen)
    if site is None:
        raise Http404
    form = DeviceForm(request.POST or None, site=site)
    if form.is_valid():
        try:
            device = services.create_device(site=site, details=form.details(), by=user)
        except DeviceError as error:
            form.refuse(error)
        else:
            messages.success(request, _("%s is known now. Where can it be asked?") % device.name)
            return redirect("inventory:access", pk=device.pk)
    return render(request, "devices/device_new.html", {"form": form, "site": site}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    device = _mine(request, pk)
    form = DeviceForm(request.POST or None, site=device.site, initial=details_of(device))
    if form.is_valid():
        try:
            services.change_device(device=device, details=form.details(device), by=manager(request))
        except DeviceError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("devices:detail", pk=device.pk)
    context = {"form": form, "device": Device.objects.get(pk=pk)}
    return render(request, "devices/device_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest, pk: int) -> HttpResponse:
    """SNMP: address, credential, and why in clear where it must be."""
    device = _mine(request, pk)
    offered = Credential.objects.offered_to(manager(request), device.site, device.snmp_credential_id)
    known = offered.defer("secret").order_by("name")
    said = of_site(device.site_id, SiteCredential.Use.SNMP)
    form = AccessForm(request.POST or None, known=known, of_site=said, initial=access_of(device))
    if form.is_valid():
        try:
            services.set_snmp(device=device, access=form.access(), by=manager(request))
        except DeviceError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved. It is asked this way from now on."))
            return redirect("devices:detail", pk=device.pk)
    context: dict[str, Any] = {"form": form, "device": Device.objects.get(pk=pk)}
    return render(request, "devices/access.html", context, status=422 if form.errors else 200)


@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    device = _mine(request, pk)
    if services.retire(device=device):
        messages.success(request, _("%s is out of service. Its history stays, its address is free again.") % device.name)
    return redirect("devices:detail", pk=device.pk)


def _mine(request: HttpRequest, pk: int) -> Device:
    rows = Device.objects.allowing(manager(request), Action.MANAGE).select_related("type", "site", "room")
    return get_object_or_404(rows, pk=pk)
