"""Credentials of an authority. What they hold is typed here and shown nowhere."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.devices import services
from fleet.devices.forms import CredentialForm, SecretForm
from fleet.devices.models import Credential, Device
from fleet.devices.services import DeviceError
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority

ENDING_SOON_DAYS = 30


def manager(request: HttpRequest) -> User:
    """Whoever manages nothing finds nothing here."""
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.MANAGE):
        raise Http404
    return user


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = manager(request)
    rows = Credential.objects.managed_by(user).defer("secret").select_related("authority").order_by("authority", "name")
    used = rows.annotate(
        snmp_count=Count("snmp_devices", distinct=True),
        ssh_count=Count("ssh_devices", distinct=True),
        site_count=Count("sites", distinct=True),
    )
    permitted = Device.objects.allowing(user, Action.MANAGE).in_service().filter(clear_text_until__isnull=False)
    context = {
        "credentials": used,
        "kinds": Credential.Kind.choices,
        "permitted": permitted.select_related("site").order_by("clear_text_until", "name"),
        "today": timezone.localdate(),
    }
    return render(request, "devices/credentials.html", context)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, kind: str) -> HttpResponse:
    user = manager(request)
    if kind not in Credential.Kind.values:
        raise Http404
    authority = _authority(user)
    form = CredentialForm(request.POST or None, kind=kind)
    form.order_fields(["name"])
    if form.is_valid():
        try:
            name, secret = form.cleaned_data["name"], form.secret()
            services.create_credential(authority=authority, name=name, kind=Credential.Kind(kind), secret=secret, by=user)
        except DeviceError as error:
            form.refuse(error)
        else:
            messages.success(request, _("“%s” is kept, encrypted.") % name)
            return redirect("inventory:credentials")
    context = {"form": form, "kind": Credential.Kind(kind).label, "in_clear": kind in Credential.IN_CLEAR}
    return render(request, "devices/credential_new.html", context, status=422 if form.errors else 200)


def _authority(user: User) -> Authority:
    """The one that this person manages; whoever manages several makes credentials for the first."""
    return get_object_or_404(Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE)).order_by("pk")[:1])


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Who uses it, and a new secret for all of them."""
    user = manager(request)
    credential = get_object_or_404(Credential.objects.managed_by(user).defer("secret"), pk=pk)
    form = SecretForm(request.POST or None, kind=credential.kind)
    if form.is_valid():
        services.replace_secret(credential=credential, secret=form.secret(), by=user)
        messages.success(request, _("From its next contact on, everything that uses “%s” uses the new one.") % credential)
        return redirect("inventory:credential", pk=credential.pk)
    context = _uses(credential) | {"credential": credential, "form": form}
    return render(request, "devices/credential.html", context, status=422 if form.errors else 200)


SHOWN = 50


def _uses(credential: Credential) -> dict[str, Any]:
    use = "snmp" if credential.kind in Credential.SNMP_KINDS else "ssh"
    devices = Device.objects.filter(**{f"{use}_credential": credential}).exclude(lifecycle=Device.Lifecycle.RETIRED)
    count, sites = devices.count(), list(credential.sites.select_related("site").order_by("site__name"))
    return {
        "devices": devices.select_related("site").order_by("site__name", "name")[:SHOWN],
        "device_count": count,
        "more": max(0, count - SHOWN),
        "sites": sites,
    }


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    user = manager(request)
    credential = get_object_or_404(Credential.objects.managed_by(user).defer("secret"), pk=pk)
    try:
        services.delete_credential(credential=credential, by=user)
    except DeviceError as error:
        messages.error(request, error.reason)
        return redirect("inventory:credential", pk=pk)
    messages.success(request, _("“%s” is deleted.") % credential)
    return redirect("inventory:credentials")
