"""Changes: the list, one change from order to evidence, its progress for any page, and what waits for approval."""

import difflib
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.automation import services, words
from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.forms import ChangeFilter, DecisionForm
from fleet.automation.models import Approval, Change, HostResult, LogLine, Run
from fleet.automation.rules.lifecycle import CANCELLABLE, RETRYABLE, RUN_ENDS
from fleet.automation.services.decisions import DecisionError
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.types import MASK

PAGE_SIZE = 50
LOG_TAIL = 500
STEPS = ("requested", "previewing", "awaiting-approval", "running", "verifying")
REACHED = {
    "previewing": 1,
    "awaiting-approval": 2,
    "approved": 3,
    "running": 3,
    "verifying": 4,
    "confirmed": 5,
    "refuted": 4,
    "unknown": 4,
    "failed": 3,
    "lost": 3,
    "rejected": 2,
    "cancelled": 3,
}
DECISIONS = {"approve": Approval.Decision.APPROVED, "reject": Approval.Decision.REJECTED}
ENDED_BADLY = {"refuted", "unknown", "failed", "lost", "rejected", "cancelled"}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    form = ChangeFilter(request.GET)
    rows = Change.objects.visible_to(request.user).select_related("site", "requested_by").order_by("-id")
    if state := form.wanted("state"):
        rows = rows.filter(state=state)
    return _list(request, rows, {"form": form, "filtered": bool(state)}, "automation/changes.html")


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for somebody's agreement, oldest first."""
    waiting = Change.objects.allowing(request.user, Action.APPROVE_CHANGE).filter(state=Change.State.AWAITING_APPROVAL)
    return _list(request, waiting.select_related("site", "requested_by").order_by("id"), {}, "automation/approvals.html")


def _list(request: HttpRequest, rows: QuerySet[Change], context: dict[str, Any], template: str) -> HttpResponse:
    page = Paginator(rows.prefetch_related("targets__device"), PAGE_SIZE).get_page(request.GET.get("page"))
    context |= {"page": page, "rows": [{"change": change, "title": title(change), **pill(change)} for change in page]}
    return render(request, template, context)


def title(change: Change) -> str:
    try:
        return get(change.playbook).title.in_language(get_language())
    except CatalogueError:
        return change.playbook


def pill(change: Change) -> dict[str, str]:
    return {"state": words.PILLS[change.state], "word": change.get_state_display()}


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "automation/change.html", _context(request, _visible(request, pk)) | {"change_page": True})


@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, for embedding in other rooms' pages; keeps itself up to date while something is still to come."""
    change, seen = _visible(request, pk), request.GET.get("here")
    context = _context(request, change) | {"change_page": seen is not None}
    response = render(request, "automation/pieces/progress.html", context)
    if seen and seen != change.state:  # the change's own page offers other things now: a decision, a stop, a retry
        response["HX-Refresh"] = "true"
    return response


def _visible(request: HttpRequest, pk: int) -> Change:
    hosts = Prefetch("runs__hosts", HostResult.objects.select_related("device").order_by("device__name"))
    rows = Change.objects.visible_to(request.user).select_related("site", "requested_by")
    return get_object_or_404(rows.prefetch_related("approvals__approver", "targets__device__room", hosts), pk=pk)


def _context(request: HttpRequest, change: Change) -> dict[str, Any]:
    user = _person(request)
    technical = user.access.may(Action.VIEW_DEVICE_DETAILS, change.authority_id, change.site_id)
    runs = list(change.runs.all())
    latest = runs[-1] if runs else None
    refusal = services.why_not(change, user)
    controls = user.access.may(Action.CONTROL_RUNS, change.authority_id, change.site_id)
    return {
        "change": change,
        "title": title(change),
        **pill(change),
        "sentence": words.sentence(change),
        "technical": technical,
        "steps": steps(change, latest),
        "facts": _facts(change),
        "targets": [target.device for target in change.targets.all()],
        "waits_for": next((run.waits_for for run in runs if run.state == Run.State.QUEUED and run.waits_for), ""),
        "preview": _preview(runs) if technical else None,
        "runs": [_run(run) for run in runs if run.kind != Run.Kind.PREVIEW],
        "latest": latest,
        "tally": _tally(latest),
        "lines": log_lines(latest) if technical and latest else [],
        "live": _live(change, latest),
        "decision_form": DecisionForm(initial={"digest": change.digest}),
        "may_decide": refusal is None,
        "why_not": words.refusal(refusal) if refusal and change.state == Change.State.AWAITING_APPROVAL else "",
        "may_cancel": controls and change.state in CANCELLABLE,
        "may_retry": controls and (change.state in RETRYABLE or change.box == Change.Box.FAILED),
    }


def _live(change: Change, latest: Run | None) -> bool:
    """Whether the page should ask again by itself."""
    unfinished = latest is not None and latest.state not in RUN_ENDS
    return unfinished or change.state in CANCELLABLE | {"verifying"} or change.box in {"pending", "reverting"}


def steps(change: Change, latest: Run | None) -> list[dict[str, Any]]:
    """The way of a change as the stepper shows it: ordered, checked, approved, carried out, measured."""
    measured = pgettext("after a change", "Measured")
    labels = (_("Ordered"), _("Checked"), _("Approved"), _("Carried out"), measured)
    reached, bad = REACHED[change.state], change.state in ENDED_BADLY
    if change.state in {"failed", "lost"} and latest is not None and latest.kind == Run.Kind.PREVIEW:
        reached = 1
    instants = {0: change.created_at, min(reached, len(labels) - 1): change.state_since}
    return [
        {"label": label, "state": _step(number, reached, bad=bad), "at": instants.get(number)}
        for number, label in enumerate(labels)
    ]


def _step(number: int, reached: int, *, bad: bool) -> str:
    if number < reached:
        return "done"
    if number > reached:
        return "todo"
    return "failed" if bad else "now"


def _facts(change: Change) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [(_("School"), change.site), (_("Asked for by"), change.requested_by)]
    rows.append((_("Begins"), _moment(change.starts_at)))
    if change.ends_at:
        rows.append((_("Taken back"), _moment(change.ends_at)))
    secret = dict.fromkeys(change.secret_arguments or {}, MASK)
    for name, value in {**change.arguments, **secret}.items():
        rows.append((_label(change, name), words.shown(value)))
    if change.reason:
        rows.append((_("Reason"), change.reason))
    return rows


def _label(change: Change, name: str) -> str:
    try:
        return get(change.playbook).argument(name).label.in_language(get_language())
    except (CatalogueError, StopIteration):
        return name


def _moment(instant: datetime) -> str:
    from django.utils import formats, timezone

    return str(formats.date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT"))


def _preview(runs: list[Run]) -> dict[str, Any] | None:
    run = next((one for one in reversed(runs) if one.kind == Run.Kind.PREVIEW), None)
    if run is None:
        return None
    hosts = [
        {"device": row.device, "state": words.host_state(row), "message": row.message, "diff": unified(row.diff)}
        for row in run.hosts.all()
    ]
    return {"run": run, "hosts": hosts, "over": run.state in RUN_ENDS, "blind": _blind(run.change)}


def _blind(change: Change) -> bool:
    """Whether the playbook can say beforehand what it would change."""
    try:
        return get(change.playbook).check_mode == "none"
    except CatalogueError:
        return False


def unified(diffs: list[dict[str, str]]) -> str:
    """The before/after pairs as one unified diff."""
    lines: list[str] = []
    for diff in diffs:
        before, after = diff["before"].splitlines(), diff["after"].splitlines()
        lines += list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return "\n".join(lines)


def _run(run: Run) -> dict[str, Any]:
    hosts = list(run.hosts.all())
    return {
        "run": run,
        "title": words.run_title(run),
        "hosts": [{"row": row, "state": words.host_state(row)} for row in hosts],
        "evidence": [words.evidence_row(one) for row in hosts for one in row.evidence],
        "measured_at": max((row.measured_at for row in hosts if row.measured_at), default=None),
    }


def _tally(run: Run | None) -> dict[str, int]:
    states = [row.state for row in run.hosts.all()] if run else []
    failed = sum(state in {"failed", "unreachable", "unknown"} for state in states)
    left = sum(state in {"pending", "not-started"} for state in states)
    return {"total": len(states), "failed": failed, "left": left, "done": len(states) - failed - left}


def log_lines(run: Run) -> list[dict[str, Any]]:
    rows = LogLine.objects.filter(run=run).order_by("-sequence")[:LOG_TAIL]
    return [
        {"at": row.at, "host": row.host, "text": row.text.strip(), "state": _line_state(row)}
        for row in reversed(rows)
        if row.text.strip()
    ]


def _line_state(row: LogLine) -> str:
    return "down" if row.event in {"runner_on_failed", "runner_on_unreachable", "error"} else ""


@require_safe
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """The lines of the latest run, asked for again while it runs; 286 tells HTMX to stop."""
    change = get_object_or_404(Change.objects.allowing(request.user, Action.VIEW_DEVICE_DETAILS), pk=pk)
    run = change.runs.last()
    if run is None:
        raise Http404
    over = run.state in RUN_ENDS
    return render(request, "web/pieces/log_lines.html", {"lines": log_lines(run)}, status=286 if over else 200)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    change = _visible(request, pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return render(
            request,
            "automation/change.html",
            _context(request, change) | {"decision_form": form, "change_page": True},
            status=422,
        )
    decision = DECISIONS.get(request.POST.get("decision", ""))
    if decision is None:
        return redirect("automation:change", pk)
    approve = decision == Approval.Decision.APPROVED
    try:
        services.decide(change=change, approver=_person(request), decision=decision, **form.cleaned_data)
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
        return redirect("automation:change", pk)
    messages.success(request, _("You have approved this change.") if approve else _("You have rejected this change."))
    return redirect("automation:change", pk)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
    try:
        services.cancel(change=change, by=_person(request))
        messages.success(request, _("It is being stopped."))
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
    return redirect("automation:change", pk)


@require_POST
def check_and_retry(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
    try:
        services.check_and_retry(change=change, by=_person(request))
        messages.success(request, _("It is measured first, and tried again only if need be."))
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
    return redirect("automation:change", pk)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
