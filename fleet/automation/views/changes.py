"""Changes: the list, one change from order to evidence, its progress for any page, and what waits for approval."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.automation import policy_panel, policy_words, proposal_panel, services, words
from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.forms import ChangeFilter, DecisionForm
from fleet.automation.models import Approval, Change, HostResult, LogLine, Proposal, Run, Target
from fleet.automation.rules.lifecycle import CANCELLABLE, ENDED, RETRYABLE, RUN_ENDS
from fleet.automation.services import approving, mending
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.rollouts.taking_back import left_over
from fleet.automation.views import lanes as rollout
from fleet.automation.views import previews
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.types import MASK

PAGE_SIZE = 50
LOG_TAIL = 500
NAMED = 3
"""Devices that a list names of each change."""
ONE_BY_ONE = 12
"""Up to so many devices the page tells of each run in full; of more, the table of devices does."""
LISTED = 20
UNBEGUN = 5
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
    "paused": 3,
    "halted": 3,
    "rolling-back": 3,
    "rolled-back": 5,
    "nothing-to-do": 1,
}
DECISIONS = {"approve": Approval.Decision.APPROVED, "reject": Approval.Decision.REJECTED}
ENDED_BADLY = {"refuted", "unknown", "failed", "lost", "rejected", "cancelled", "halted"}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    form = ChangeFilter(request.GET)
    rows = Change.objects.visible_to(request.user).select_related("site", "requested_by").order_by("-id")
    if state := form.wanted("state"):
        rows = rows.filter(state=state)
    context = {"form": form, "filtered": bool(state), "may_order": _may_order(request), "unbegun": _unbegun(request)}
    context["cut_off"] = _cut_off(request)
    return _list(request, rows, context, "automation/changes.html")


def _unbegun(request: HttpRequest) -> list[dict[str, Any]]:
    """What this person asked for and what nothing came of lately."""
    found = approving.ended_unbegun(person_of(request), timezone.now())[:UNBEGUN]
    return [
        {"change": change, "title": title(change), "why": policy_words.expired(event.payload)} for change, event in found
    ]


def _cut_off(request: HttpRequest) -> list[dict[str, Any]]:
    """What was cut off, could not be made good, and waits for people."""
    found = mending.for_people(person_of(request), timezone.now())
    return [{"change": one.run.change, "title": title(one.run.change), "device": one.device} for one in found]


def _may_order(request: HttpRequest) -> bool:
    return person_of(request).access.anywhere(Action.REQUEST_CHANGE)


def _list(request: HttpRequest, rows: QuerySet[Change], context: dict[str, Any], template: str) -> HttpResponse:
    mine = Target.objects.visible_to(request.user).select_related("device").order_by("pk")
    some = rows.prefetch_related(Prefetch("targets", mine[: NAMED + 1], to_attr="some"))
    page = Paginator(some, PAGE_SIZE).get_page(request.GET.get("page"))
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
    return render(request, "automation/change.html", _page(request, _visible(request, pk)))


@require_safe
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, for embedding in other rooms' pages; keeps itself up to date while something is still to come."""
    change, seen = _visible(request, pk), request.GET.get("here")
    context = _context(request, change) | {"change_page": seen is not None}
    if request.GET.get("mark") == context["mark"] and seen == change.state:
        return HttpResponse(status=204)  # nothing has changed: HTMX leaves the page as it is
    response = render(request, "automation/pieces/progress.html", context)
    if seen and seen != change.state:  # the change's own page offers other things now: a decision, a stop, a retry
        response["HX-Refresh"] = "true"
    return response


def _visible(request: HttpRequest, pk: int) -> Change:
    rows = Change.objects.visible_to(request.user).select_related("site", "requested_by")
    decided = ("approvals__approver", "approvals__on_behalf_of")
    return get_object_or_404(rows.prefetch_related(*decided, "rings"), pk=pk)


def _context(request: HttpRequest, change: Change) -> dict[str, Any]:
    user = person_of(request)
    technical, full = sees_details(change, user), sees_whole(change, user)
    counts = rollout.counted(change, user)
    runs = list(change.runs.all()) if full else curtained(change.runs.all())
    _add_hosts(runs, user, few=sum(counts.found.values()) <= ONE_BY_ONE)
    latest = runs[-1] if runs else None
    tally = _tally(latest, user)
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
        "mark": rollout.seen_as(change, counts, latest, tally),
        "lanes": rollout.lanes(change, user, counts, full=full),
        "whole": rollout.whole(counts),
        "remaining": rollout.remaining(change, counts),
        "why_not_now": rollout.why_not_now(change, user, timezone.now()),
        "wish": rollout.wish_sentence(change),
        "offline": rollout.offline_sentence(change, counts.of()["pending-offline"]),
        **rollout.controls(change, user, counts),
        "targets": [target.device for target in rollout.host_rows(change, user)[:LISTED]],
        "waits_for": next((run.waits_for for run in runs if run.state == Run.State.QUEUED and run.waits_for), ""),
        "preview": previews.of(change, runs, user, sum(counts.found.values())) if technical else None,
        "runs": [_run(run) for run in runs if run.kind != Run.Kind.PREVIEW and run.shown],  # type: ignore[attr-defined]
        "latest": latest,
        "tally": tally,
        "lines": log_lines(own_lines(latest, change, user)) if technical and latest else [],
        "live": _live(change, latest),
        "decision_form": DecisionForm(initial={"digest": change.digest}),
        "may_decide": refusal is None,
        "why_not": words.refusal(refusal) if refusal and change.state == Change.State.AWAITING_APPROVAL else "",
        "may_cancel": controls and change.state in CANCELLABLE,
        "may_retry": controls and (change.state in RETRYABLE or change.box == Change.Box.FAILED),
    }


def _page(request: HttpRequest, change: Change) -> dict[str, Any]:
    """What only the change's own page shows besides."""
    user = person_of(request)
    context = _context(request, change) | policy_panel.context(change, user) | {"change_page": True}
    context["proposals"] = proposal_panel.of_change(change, user) if sees_whole(change, user) else []
    if change.state in ENDED and any(one["row"].act == Proposal.Act.ROLL_BACK for one in context["proposals"]):
        context["policy"] = policy_panel.for_rolling_back(change, user)
    return context


def _live(change: Change, latest: Run | None) -> bool:
    """Whether the page should ask again by itself."""
    unfinished = latest is not None and latest.state not in RUN_ENDS
    moving = CANCELLABLE | {"verifying", "rolling-back"}
    return unfinished or change.state in moving or change.box in {"pending", "reverting"}


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
    rows: list[tuple[str, Any]] = [
        (_("School"), change.site or _("Several schools")),
        (_("Asked for by"), change.requested_by),
    ]
    rows.append((_("Begins"), words.moment(change.starts_at)))
    if change.ends_at:
        rows.append((_("Taken back"), words.moment(change.ends_at)))
    secret = dict.fromkeys(change.secret_arguments or {}, MASK)
    for name, value in {**change.arguments, **secret}.items():
        rows.append((_label(change, name), words.shown(value)))
    if change.reason:
        rows.append((_("Reason"), change.reason))
    return rows + _not_taken_back(change)


def _not_taken_back(change: Change) -> list[tuple[str, Any]]:
    """Of a rolling back that is over: how many devices still have what was changed, and some of their names."""
    left = left_over(change)
    if not (count := left.count()):
        return []
    names = ", ".join(left.order_by("device__name").values_list("device__name", flat=True)[:LISTED])
    return [(_("Not taken back"), f"{names} …" if count > LISTED else names)]


def _label(change: Change, name: str) -> str:
    try:
        return get(change.playbook).argument(name).label.in_language(get_language())
    except (CatalogueError, StopIteration):
        return name


def _run(run: Run) -> dict[str, Any]:
    hosts: list[HostResult] = run.shown  # type: ignore[attr-defined]
    return {
        "run": run,
        "title": words.run_title(run),
        "aftermath": words.aftermath(run),
        "error": words.run_error(run),
        "hosts": [{"row": row, "state": words.host_state(row), "said": words.host_said(row)} for row in hosts],
        "evidence": [words.evidence_row(one) for row in hosts for one in row.evidence],
        "measured_at": max((row.measured_at for row in hosts if row.measured_at), default=None),
    }


def _add_hosts(runs: list[Run], user: User, *, few: bool) -> None:
    """Each run with the rows that this person may see as `shown`: the preview's always, the others' of a small change."""
    wanted = [run for run in runs if few or run.kind == Run.Kind.PREVIEW]
    mine = HostResult.objects.visible_to(user).select_related("device").order_by("device__name")
    found: dict[int, list[HostResult]] = {run.pk: [] for run in runs}
    for row in mine.filter(run__in=[run.pk for run in wanted]):
        found[row.run_id].append(row)
    for run in runs:
        run.shown = found[run.pk]  # type: ignore[attr-defined]
        for row in run.shown:  # type: ignore[attr-defined]
            row.run = run


def _tally(run: Run | None, user: User) -> dict[str, int]:
    rows = run.hosts.visible_to(user).order_by().values_list("state").annotate(n=Count("pk")) if run else []
    states = Counter(dict(rows))
    failed = sum(states[state] for state in ("failed", "unreachable", "unknown"))
    left = sum(states[state] for state in ("pending", "not-started", "offline"))
    return {"total": states.total(), "failed": failed, "left": left, "done": states.total() - failed - left}


def sees_whole(change: Change, user: User) -> bool:
    """False for a school that a change of several touches: it sees its own devices, and nothing that tells of others."""
    return user.access.may(Action.VIEW_SITE, change.authority_id, change.site_id)


def sees_details(change: Change, user: User) -> bool:
    """Also of one's own devices only, in a change of several schools."""
    if change.site_id or user.access.may(Action.VIEW_DEVICE_DETAILS, change.authority_id):
        return user.access.may(Action.VIEW_DEVICE_DETAILS, change.authority_id, change.site_id)
    return Change.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).filter(pk=change.pk).exists()


def curtained(runs: Iterable[Run]) -> list[Run]:
    """The runs for whoever does not see the whole change, without what may name other schools' devices. Not to be saved."""
    shown = list(runs)
    for run in shown:
        run.problem, run.error, run.waits_for = "", "", run.waits_for.partition(" ")[0]
    return shown


def own_lines(run: Run, change: Change, user: User) -> QuerySet[LogLine]:
    """The log as this person may read it: all of it, or what is about their own devices."""
    lines = LogLine.objects.filter(run=run)
    if sees_whole(change, user):
        return lines
    return lines.filter(device__in=HostResult.objects.visible_to(user).filter(run=run).values("device"))


def log_lines(lines: QuerySet[LogLine]) -> list[dict[str, Any]]:
    """The last of these lines."""
    rows = lines.order_by("-sequence")[:LOG_TAIL]
    return [
        {"at": row.at, "host": row.host, "text": said, "state": _line_state(row)}
        for row in reversed(rows)
        if (said := words.log_text(row))
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
    lines = log_lines(own_lines(run, change, person_of(request)))
    return render(request, "web/pieces/log_lines.html", {"lines": lines}, status=286 if over else 200)


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    change = _visible(request, pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return render(
            request,
            "automation/change.html",
            _page(request, change) | {"decision_form": form},
            status=422,
        )
    decision = DECISIONS.get(request.POST.get("decision", ""))
    if decision is None:
        return redirect("automation:change", pk)
    approve = decision == Approval.Decision.APPROVED
    try:
        services.decide(change=change, approver=person_of(request), decision=decision, **form.cleaned_data)
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
        return redirect("automation:change", pk)
    messages.success(request, _("You have approved this change.") if approve else _("You have rejected this change."))
    return redirect("automation:change", pk)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
    try:
        services.cancel(change=change, by=person_of(request))
        messages.success(request, _("It is being stopped."))
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
    return redirect("automation:change", pk)


@require_POST
def check_and_retry(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
    try:
        services.check_and_retry(change=change, by=person_of(request))
        messages.success(request, _("It is measured first, and tried again only if need be."))
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
    return redirect("automation:change", pk)


def person_of(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
