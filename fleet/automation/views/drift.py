"""Where devices differ from what is wanted, what is decided about it, and what the nightly checks have found."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.declared import keys
from fleet.automation.forms_intent import AdoptForm, DriftFilter, IgnoreForm, labels
from fleet.automation.models import Baseline, Drift, SiteCheck
from fleet.automation.rules.drifts import CHECK, SSID, WIFI, subject
from fleet.automation.rules.intent import WIFIS
from fleet.automation.services import drift as drifts
from fleet.automation.services.intent import IntentError
from fleet.automation.services.ordering import OrderError
from fleet.automation.views.outlook import person
from fleet.devices.models import Device
from fleet.people.rules import Action
from fleet.sites.models import Site

PAGE_SIZE = 50
SEEN, WORKED = Action.VIEW_DEVICE_DETAILS, Action.REQUEST_CHANGE
DRIFT_PILLS = {"open": "watch", "ignored": "maintenance", "adopted": "ok", "restored": "info", "gone": "ok"}
BROAD = {Baseline.Level.AUTHORITY.value, Baseline.Level.PLATFORM.value, Baseline.Level.ZONE.value}


@require_safe
def drift(request: HttpRequest) -> HttpResponse:
    form = DriftFilter(request.GET, sites=Site.objects.allowing(request.user, SEEN))
    rows = Drift.objects.allowing(request.user, SEEN).select_related("device__type", "site", "change", "decided_by")
    found = form.at_school(rows.filter(state=form.wanted("state") or Drift.State.OPEN))
    if key := form.wanted("key"):
        found = found.filter(_about(key))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    told = [_drift_row(request, one) for one in page]
    checked = SiteCheck.objects.allowing(request.user, SEEN).filter(finished_at__isnull=False).first()
    context = {"form": form, "page": page, "rows": told, "checked": checked}
    return render(request, "automation/intent/drift.html", context)


def _about(key: str) -> Q:
    """Differences in this setting, however they were found."""
    if key == WIFIS:
        return Q(key__startswith=WIFI) | Q(key__startswith=f"{CHECK}{SSID}:")
    return Q(key=key) | Q(key=f"{CHECK}{keys()[key].playbook}")


def _drift_row(request: HttpRequest, one: Drift) -> dict[str, Any]:
    about = subject(one.key)
    open_ = one.state in {Drift.State.OPEN, Drift.State.IGNORED}
    may = open_ and person(request).access.may(WORKED, one.authority_id, one.site_id)
    return {
        "drift": one,
        "label": _label(one.key),
        "pill": DRIFT_PILLS[one.state],
        "may": may,
        "by_check": about.by_check,
        "restorable": bool(drifts.playbook_for(about)),
        "adopt": AdoptForm(auto_id=f"adopt-{one.pk}-%s"),
        "ignore": IgnoreForm(auto_id=f"ignore-{one.pk}-%s"),
    }


def _label(key: str) -> str:
    about = subject(key)
    if about.ssid:
        return _("Wi-Fi %(name)s") % {"name": about.ssid}
    return _title(about.playbook) if about.playbook else labels().get(key, key)


def _title(slug: str) -> str:
    try:
        return get(slug).title.in_language(get_language())
    except CatalogueError:
        return slug


@require_safe
def checks(request: HttpRequest) -> HttpResponse:
    """What the nightly checks have found, site by site, and who has not answered."""
    rows = SiteCheck.objects.allowing(request.user, SEEN).select_related("site")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    silent = {int(pk) for row in page for pk in row.unanswered}
    devices = Device.objects.allowing(request.user, SEEN).in_bulk(silent)
    shown_rows = [
        {"check": row, "unanswered": [(devices[int(pk)], said) for pk, said in row.unanswered.items() if int(pk) in devices]}
        for row in page
    ]
    return render(request, "automation/intent/checks.html", {"page": page, "rows": shown_rows})


@require_POST
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _decidable(request, pk), AdoptForm(request.POST)
    if not form.is_valid():
        return _refused(request, _("Please choose for what."))
    level = form.cleaned_data["level"]
    if level in BROAD and not person(request).access.may(Action.MANAGE, row.authority_id):
        return _refused(request, _("Only an administrator sets that for all schools."))
    try:
        drifts.adopt(drift=row, level=level, by=person(request))
    except IntentError as error:
        return _refused(request, error.sentence)
    messages.success(request, _("What the device has is now what is wanted."))
    return redirect("automation:drift")


@require_POST
def restore(request: HttpRequest, pk: int) -> HttpResponse:
    row = _decidable(request, pk)
    try:
        change = drifts.restore(drift=row, by=person(request))
    except IntentError as error:
        return _refused(request, error.sentence)
    except OrderError as error:
        missing = " ".join(f"{_label(name)}: {problem}" for name, problem in error.problems.items())
        return _refused(request, missing)
    messages.success(request, _("Nothing has been changed yet. First you see here what restoring would change."))
    return redirect("automation:change", change.pk)


@require_POST
def ignore(request: HttpRequest, pk: int) -> HttpResponse:
    row, form = _decidable(request, pk), IgnoreForm(request.POST)
    if not form.is_valid():
        return _refused(request, _("Please give a day and a reason."))
    try:
        drifts.ignore(drift=row, by=person(request), **form.cleaned_data)
    except IntentError as error:
        return _refused(request, error.sentence)
    messages.success(request, _("It is not shown as open until that day is over."))
    return redirect("automation:drift")


def _decidable(request: HttpRequest, pk: int) -> Drift:
    rows = Drift.objects.allowing(request.user, WORKED).select_related("device__type", "device__site", "device__authority")
    return get_object_or_404(rows, pk=pk)


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return redirect("automation:drift")
