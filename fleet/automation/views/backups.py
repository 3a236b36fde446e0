"""Backups: how it stands with all devices, one device's versions, one version held against another. Secrets stay hidden."""

from datetime import timedelta
from typing import Any

from celery import current_app
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.automation import words
from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.forms_intent import BackupFilter, VersionForm
from fleet.automation.models import Backup
from fleet.automation.rules.configurations import Side, difference, masked, search
from fleet.automation.services import backups
from fleet.automation.services.ordering import OrderError
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site

PAGE_SIZE = 50
LATE_DAYS = 3
OTHERS = 100
SEEN, WORKED = Action.VIEW_DEVICE_DETAILS, Action.REQUEST_CHANGE


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Those that have waited longest first."""
    form = BackupFilter(request.GET, sites=Site.objects.allowing(request.user, SEEN))
    rows = _devices(request)
    since = timezone.now() - timedelta(days=LATE_DAYS)
    fresh = rows.filter(backup_state__succeeded_at__gte=since)
    late = rows.exclude(pk__in=fresh.values("pk"))
    shown = form.at_school(late if form.wanted("late") else rows)
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "late": late.count(), "total": rows.count(), "days": LATE_DAYS}
    context["rows"] = [{"device": one, "pill": pill(one)} for one in page]
    return render(request, "automation/intent/backups.html", context)


def covered(user: User) -> QuerySet[Device]:
    """The devices in service that can be backed up and that this person sees in detail."""
    try:
        platforms = get("backup").platforms
    except CatalogueError:
        platforms = frozenset()
    return Device.objects.allowing(user, SEEN).in_service().filter(type__platform__in=platforms)


def late_count(user: User) -> int:
    """How many of them have no fresh backup. One query."""
    since = timezone.now() - timedelta(days=LATE_DAYS)
    return covered(user).exclude(backup_state__succeeded_at__gte=since).count()


def _devices(request: HttpRequest) -> QuerySet[Device]:
    rows = covered(_person(request))
    changed = Backup.objects.filter(device=OuterRef("pk")).order_by("-fetched_at").values("fetched_at")[:1]
    rows = rows.select_related("site", "backup_state").annotate(changed_at=Subquery(changed))
    return rows.order_by(F("backup_state__succeeded_at").asc(nulls_first=True), "name")


def pill(device: Device) -> tuple[str, str]:
    """(state, word) of how it stands with a device's backups."""
    state = getattr(device, "backup_state", None)
    if state is None or state.succeeded_at is None:
        return (
            ("down", _("Could not be fetched")) if state and words.backup_error(state) else ("unknown", _("No backup yet"))
        )
    if timezone.now() - state.succeeded_at > timedelta(days=LATE_DAYS):
        return "watch", _("Old")
    return "ok", _("Up to date")


@require_safe
def of_device(request: HttpRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(Device.objects.allowing(request.user, SEEN).select_related("site", "type"), pk=pk)
    return render(request, "automation/intent/device_backups.html", versions(_person(request), device, PAGE_SIZE))


def versions(user: User, device: Device, most: int) -> dict[str, Any]:
    """What the device's panel and its page of versions show."""
    rows = Backup.objects.filter(device=device).select_related("configuration", "change")[:most]
    state = getattr(device, "backup_state", None)
    return {
        "device": device,
        "versions": rows,
        "state": state,
        "failure": words.backup_error(state) if state else "",
        "pill": pill(device),
        "may": user.access.may(WORKED, device.authority_id, device.site_id),
        "fetchable": bool(backups.fetchable([device.pk])),
    }


@require_safe
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """A version: all of it, what is found in it, or how it differs from another of the same device."""
    backup = _visible(request, pk, SEEN)
    others = Backup.objects.filter(device=backup.device_id).exclude(pk=pk)[:OTHERS]
    form = VersionForm(request.GET, [(one.pk, _moment(one)) for one in others])
    text, platform = backups.text_of(backup), backup.configuration.platform
    sought = form.wanted("search")
    return render(
        request,
        "automation/intent/version.html",
        {
            "backup": backup,
            "form": form,
            "text": masked(text, platform),
            "diff": _against(request, backup, form.wanted("against")),
            "sought": sought,
            "hits": search(text, sought, platform) if sought else [],
            "may": _person(request).access.may(WORKED, backup.authority_id, backup.site_id),
        },
    )


def _against(request: HttpRequest, backup: Backup, other_pk: str | None) -> str | None:
    """From the older to the newer, whichever was chosen."""
    if not other_pk:
        return None
    rows = Backup.objects.allowing(request.user, SEEN).filter(device=backup.device_id).select_related("configuration")
    other = get_object_or_404(rows, pk=other_pk)
    old, new = sorted((backup, other), key=lambda one: (one.fetched_at, one.pk))
    before, after = (Side(backups.text_of(one), _moment(one)) for one in (old, new))
    return difference(before, after, backup.configuration.platform)


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The shown text, secrets hidden, for whoever works on the device."""
    backup = _visible(request, pk, WORKED)
    text = masked(backups.text_of(backup), backup.configuration.platform)
    name = f"device-{backup.device_id}-backup-{backup.pk}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
def fetch(request: HttpRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(Device.objects.allowing(request.user, WORKED), pk=pk)
    current_app.send_task("fleet.automation.fetch_backups", args=[[device.pk]])
    messages.success(request, _("The configuration is being fetched. That takes a few seconds."))
    return redirect("automation:device-backups", pk)


@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    backup = _visible(request, pk, WORKED)
    try:
        change = backups.restore(backup=backup, by=_person(request))
    except OrderError as error:
        messages.error(request, " ".join(error.problems.values()))
        return redirect("automation:backup", pk)
    messages.success(request, _("Nothing has been changed yet. First you see here what restoring would change."))
    return redirect("automation:change", change.pk)


def _visible(request: HttpRequest, pk: int, action: Action) -> Backup:
    rows = Backup.objects.allowing(request.user, action).select_related("configuration", "device__site", "change")
    return get_object_or_404(rows, pk=pk)


def _moment(backup: Backup) -> str:
    return str(formats.date_format(timezone.localtime(backup.fetched_at), "SHORT_DATETIME_FORMAT"))


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
