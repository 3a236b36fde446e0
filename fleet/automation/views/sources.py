"""Repositories that playbooks come from, for whoever manages an authority."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.automation import playbook_words
from fleet.automation.forms import SourceForm
from fleet.automation.models import PlaybookSource, SourceVersion
from fleet.automation.services import sources as services
from fleet.automation.services.sources import SourceError
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority

State = PlaybookSource.State


def _manager(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.MANAGE):
        raise Http404
    return user


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    rows = PlaybookSource.objects.managed_by(_manager(request)).select_related("authority")
    return render(request, "automation/sources.html", {"rows": [{"source": one, **_pill(one)} for one in rows]})


def _pill(source: PlaybookSource) -> dict[str, str]:
    if source.state != State.IDLE:
        return {"state": "down" if source.state == State.FAILED else "info", "word": source.get_state_display()}
    if not source.fetched_commit:
        return {"state": "unknown", "word": _("Never fetched")}
    if source.commit == source.fetched_commit:
        return {"state": "ok", "word": _("Approved")}
    return {"state": "watch", "word": _("Waits to be looked at")}


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    user = _manager(request)
    authority = Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE)).order_by("pk").first()
    if authority is None:
        raise Http404
    form = SourceForm(request.POST or None, authority=authority)
    if form.is_valid():
        try:
            source = services.add(authority=authority, address=form.address(), by=user)
        except SourceError as error:
            form.add_error(error.field if error.field in form.fields else None, playbook_words.source_problem(error.key))
        else:
            services.fetch_soon(source=source, by=user)
            return redirect("automation:source", pk=source.pk)
    return render(request, "automation/source_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What was fetched, what it would change, and what keeps it out. `?part=progress`: how fetching goes."""
    source = _mine(request, pk)
    if "part" in request.GET:
        response = render(request, "automation/pieces/source_progress.html", _progress(source))
        if source.state != State.FETCHING:
            response["HX-Refresh"] = "true"  # the page shows other things now
        return response
    return render(request, "automation/source.html", _progress(source) | _version(source))


def _mine(request: HttpRequest, pk: int) -> PlaybookSource:
    rows = PlaybookSource.objects.managed_by(_manager(request)).select_related("authority", "credential")
    return get_object_or_404(rows.defer("credential__secret"), pk=pk)


def _progress(source: PlaybookSource) -> dict[str, Any]:
    problem = playbook_words.source_problem(source.problem) if source.state == State.FAILED else ""
    return {"source": source, "live": source.state == State.FETCHING, "problem": problem, **_pill(source)}


def _version(source: PlaybookSource) -> dict[str, Any]:
    versions = {one.commit: one for one in SourceVersion.objects.filter(source=source).select_related("approved_by")}
    newest, approved = versions.get(source.fetched_commit), versions.get(source.commit)
    changes = services.changes_of(newest) if newest and newest.commit != source.commit else []
    shown = [{"change": one, "word": playbook_words.playbook_change(one.kind)} for one in changes]
    return {"facts": _facts(source), "newest": newest, "approved": approved, "changes": shown}


def _facts(source: PlaybookSource) -> list[tuple[str, Any]]:
    signed = _("must be signed by somebody named here") if source.allowed_signers else _("not asked for")
    return [
        (_("Address"), source.url),
        (_("Branch"), source.branch),
        (_("Folder"), source.folder or "/"),
        (_("Login"), source.credential.name if source.credential else _("none")),
        (_("Signature"), signed),
    ]


@require_POST
def fetch(request: HttpRequest, pk: int) -> HttpResponse:
    source = _mine(request, pk)
    if not services.fetch_soon(source=source, by=_manager(request)):
        messages.info(request, _("It is being fetched already."))
    return redirect("automation:source", pk=pk)


@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    source = _mine(request, pk)
    try:
        services.approve(source=source, commit=request.POST.get("commit", ""), by=_manager(request))
    except SourceError as error:
        messages.error(request, f"{playbook_words.source_problem(error.key)} {error.detail}".strip())
    else:
        messages.success(request, _("From now on the playbooks of this commit are in the catalogue."))
    return redirect("automation:source", pk=pk)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    source = _mine(request, pk)
    services.remove(source=source, by=_manager(request))
    messages.success(request, _("“%s” and its playbooks are gone from the catalogue.") % source.name)
    return redirect("automation:sources")
