"""A site's calendar: the sheet that everybody at the site sees, and what administrators change in it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.people.rules import Action
from fleet.sites import pages, services, typed, words
from fleet.sites.forms import BellsForm, ClosureForm, ExamForm, HabitsForm, ScopedForm, UploadForm
from fleet.sites.models import CalendarImport, ExamPeriod, FreePeriod, ServicePeriod, Site
from fleet.sites.rules import table
from fleet.sites.rules.told import FileError
from fleet.sites.services import importing
from fleet.sites.services.importing import Outcome
from fleet.sites.views import PageRequest

MANAGE = Action.MANAGE_CALENDAR
edited = require_http_methods(["GET", "HEAD", "POST"])


def _editable(request: PageRequest, pk: int) -> Site:
    return get_object_or_404(Site.objects.allowing(request.user, MANAGE), pk=pk)


def _everywhere(request: PageRequest, site: Site) -> bool:
    return request.user.access.may(MANAGE, site.authority_id)


def _form(request: PageRequest, kind: type[ScopedForm], site: Site) -> Any:
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    return kind(data, files, site=site, may_everywhere=_everywhere(request, site))


def _back(site: Site) -> HttpResponse:
    return redirect("calendar:sheet", pk=site.pk)


def _shown(request: PageRequest, site: Site, form: Any, **texts: Any) -> HttpResponse:
    return render(request, "sites/entry.html", {"site": site, "form": form, **texts}, status=422 if form.errors else 200)


@require_safe
def names(request: PageRequest) -> HttpResponse:
    """What a typed name may go on as (`fleet.sites.typed`)."""
    found = typed.suggested(Site.objects.visible_to(request.user), request.GET.get("school", ""))
    return render(request, "sites/pieces/names.html", {"schools": found})


@require_safe
def sheet(request: PageRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.visible_to(request.user).select_related("authority"), pk=pk)
    may_edit = site.closed_at is None and request.user.access.may(MANAGE, site.authority_id, site.pk)
    context = pages.sheet(site, request.GET.get("month", ""), may_edit=may_edit)
    context["may_everywhere"] = _everywhere(request, site)
    return render(request, "sites/calendar.html", context)


@edited
def upload(request: PageRequest, pk: int) -> HttpResponse:
    site = _editable(request, pk)
    form = _form(request, UploadForm, site)
    if form.is_valid():
        try:
            draft = importing.draft(where=form.where, upload=form.upload, by=request.user)
        except FileError as error:
            said = _("Nothing was changed; what was known before still holds.")
            form.add_error("file", [*words.problems(error), said])
        else:
            return redirect("calendar:preview", pk=site.pk, import_id=draft.pk)
    return _shown(
        request, site, form, title=_("Upload a calendar"), button=_("Look at what would change"), lead=pages.upload_lead()
    )


def _import(request: PageRequest, site: Site, import_id: int) -> CalendarImport:
    rows = CalendarImport.objects.of_sites([site]).allowing(request.user, MANAGE)
    return get_object_or_404(rows, pk=import_id)


@edited
def preview(request: PageRequest, pk: int, import_id: int) -> HttpResponse:
    """What the file would change; sent, it does."""
    site = _editable(request, pk)
    row = _import(request, site, import_id)
    if request.method == "POST":
        return _applied(request, site, row)
    return render(request, "sites/preview.html", pages.preview(site, row))


def _applied(request: PageRequest, site: Site, row: CalendarImport) -> HttpResponse:
    outcome = importing.apply(draft=row, site=site, by=request.user)
    if outcome is Outcome.CHANGED_MEANWHILE:
        messages.warning(request, _("The calendar was changed meanwhile. Please upload the file again and look once more."))
        return redirect("calendar:upload", pk=site.pk)
    if outcome is Outcome.TOO_LATE:
        messages.info(request, _("This file was taken over already."))
    else:
        messages.success(request, _("The calendar was taken over. You can undo that below."))
    return _back(site)


@require_POST
def undo(request: PageRequest, pk: int, import_id: int) -> HttpResponse:
    site = _editable(request, pk)
    outcome = importing.undo(row=_import(request, site, import_id), site=site, by=request.user)
    if outcome is Outcome.DONE:
        messages.success(request, _("Undone: what was known before the file holds again."))
    elif outcome is Outcome.CHANGED_MEANWHILE:
        messages.warning(request, _("Somebody has changed this by hand since. It cannot be undone as a whole any more."))
    else:
        messages.info(request, _("Only the last file can be undone, and only once."))
    return _back(site)


@edited
def closure(request: PageRequest, pk: int) -> HttpResponse:
    site = _editable(request, pk)
    form = _form(request, ClosureForm, site)
    if form.is_valid():
        services.enter_closure(where=form.where, closure=form.closure, by=request.user)
        messages.success(request, _("The closure is entered."))
        return _back(site)
    return _shown(request, site, form, title=_("Enter a closure"), button=_("Enter"))


@require_POST
def remove_closure(request: PageRequest, pk: int, closure_id: int) -> HttpResponse:
    site = _editable(request, pk)
    rows = FreePeriod.objects.of_sites([site]).allowing(request.user, MANAGE)
    if services.remove_closure(closure=get_object_or_404(rows, pk=closure_id), by=request.user):
        messages.success(request, _("The closure is taken out."))
    else:
        messages.info(request, _("A file says this. Upload a newer one instead."))
    return _back(site)


@edited
def exam(request: PageRequest, pk: int) -> HttpResponse:
    site = _editable(request, pk)
    form = _form(request, ExamForm, site)
    if form.is_valid():
        services.enter_exam(where=form.where, exam=form.exam, by=request.user)
        messages.success(request, _("The exam is entered."))
        return _back(site)
    return _shown(request, site, form, title=_("Enter an exam"), button=_("Enter"))


@require_POST
def remove_exam(request: PageRequest, pk: int, exam_id: int) -> HttpResponse:
    site = _editable(request, pk)
    rows = ExamPeriod.objects.of_sites([site]).allowing(request.user, MANAGE)
    if services.remove_exam(exam=get_object_or_404(rows, pk=exam_id), by=request.user):
        messages.success(request, _("The exam is taken out."))
    else:
        messages.info(request, _("A file says this. Upload a newer one instead."))
    return _back(site)


@edited
def bells(request: PageRequest, pk: int) -> HttpResponse:
    site = _editable(request, pk)
    form = BellsForm(
        request.POST if request.method == "POST" else None,
        initial={"lines": table.as_lines(services.week(site=site))},
    )
    if form.is_valid():
        services.set_week(site=site, told=form.told, by=request.user)
        messages.success(request, _("The bells are set."))
        return _back(site)
    return _shown(request, site, form, title=_("Bells and nap hours"), button=_("Set"))


@edited
def habits(request: PageRequest, pk: int) -> HttpResponse:
    site = _editable(request, pk)
    form = HabitsForm(request.POST if request.method == "POST" else None, initial=_habits(site))
    if form.is_valid():
        services.set_habits(site=site, habits=form.habits, by=request.user)
        messages.success(request, _("Saved."))
        return _back(site)
    return _shown(
        request,
        site,
        form,
        title=_("Feast days and service hours"),
        button=_("Save"),
        lead=_("Without any hours the helpdesk works from Monday to Friday, 8 to 16 o'clock."),
    )


def _habits(site: Site) -> dict[str, Any]:
    hours = {row.weekday: row for row in ServicePeriod.objects.filter(site=site)}
    initial: dict[str, Any] = {f"opens_{day}": row.opens_at for day, row in hours.items()}
    initial |= {f"closes_{day}": row.closes_at for day, row in hours.items()}
    catholic = {True: "yes", False: "no", None: ""}[site.catholic_holidays]
    return {"federal_state": site.federal_state, "catholic": catholic, **initial}
