"""Steering a rollout, its devices as a table, and asking for one from a list or a filter of devices."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.automation import policy_panel, policy_words, proposal_panel, services, words
from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.end_words import no_end
from fleet.automation.forms import DevicesFilter, HostFilter, OrderForm, PlaybookForm
from fleet.automation.inventory import manageable
from fleet.automation.models import Change, Ring
from fleet.automation.rules.lifecycle import ENDED
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.rollouts.advancing import reversible
from fleet.automation.services.rollouts.planning import limited, planned
from fleet.automation.services.rollouts.taking_back import touched
from fleet.automation.views import lanes
from fleet.automation.views.changes import PAGE_SIZE, person_of, sees_details, title
from fleet.automation.views.playbooks import shown_to
from fleet.devices.models import Device
from fleet.monitoring.views.devices import meant
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.once import form_token, posted_key

NAMED = 12
"""Devices that a preview of rings names a step."""
LATER = 10
"""Later changes that the question about rolling back names."""
Act = Callable[..., Change]


@require_safe
def hosts(request: HttpRequest, pk: int) -> HttpResponse:
    """Every device of the change and how it stands: 50 a page, by state, ring and name."""
    user = person_of(request)
    change = get_object_or_404(Change.objects.visible_to(user), pk=pk)
    form = HostFilter(request.GET, rings=list(change.rings.all()))
    page = Paginator(form.narrowed(lanes.host_rows(change, user)), PAGE_SIZE).get_page(request.GET.get("page"))
    results = lanes.latest_results(change, [target.device_id for target in page])
    rows = [
        {
            "target": target,
            "state": words.TARGET_PILLS[target.state],
            "word": target.get_state_display(),
            "result": (result := results.get(target.device_id)),
            "said": words.host_said(result) if result else "",
        }
        for target in page
    ]
    context = {"change": change, "title": title(change), "form": form, "page": page, "rows": rows}
    return render(request, "automation/hosts.html", context | {"technical": sees_details(change, user)})


def _steer(request: HttpRequest, pk: int, act: Act, said: str, *, still: str = "") -> HttpResponse:
    """`still`: what is said where the change is over as before, since others have to agree first."""
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
    try:
        now = act(change=change, by=person_of(request))
        messages.success(request, still if still and now.state in ENDED else said)
    except DecisionError as error:
        messages.error(request, policy_words.refusal(error))
    return redirect("automation:change", pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    return _steer(request, pk, services.pause, _("It pauses as soon as the step under way is done."))


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    return _steer(request, pk, services.resume, _("It goes on."))


@require_POST
def retry_failed(request: HttpRequest, pk: int) -> HttpResponse:
    return _steer(request, pk, services.retry_failed, _("Only the failed ones are tried again."))


@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """The question, which names what it touches; the POST answers it."""
    if request.method == "POST":
        return _steer(request, pk, services.roll_back, _("It is being taken back."), still=_("Noted. It waits for others."))
    change = get_object_or_404(Change.objects.allowing(request.user, Action.CONTROL_RUNS), pk=pk)
    rows = touched(change).select_related("device__site").order_by("device__name")
    total = rows.count()
    if not total or not reversible(change):
        messages.info(request, words.refusal("nothing-to-take-back" if not total else "no-way-back"))
        return redirect("automation:change", pk)
    context = {"change": change, "title": title(change), "total": total, "targets": rows[:PAGE_SIZE]}
    context |= {"more": max(0, total - PAGE_SIZE), **_against(change, person_of(request))}
    return render(request, "automation/roll_back.html", context)


def _against(change: Change, user: User) -> dict[str, Any]:
    """What speaks against rolling back: later changes there; of what is over, the school day and who has to agree, too."""
    later = [{"change": one, "title": title(one)} for one in proposal_panel.later_changes(change)[: LATER + 1]]
    found = {"later": later[:LATER], "more_later": len(later) > LATER, "whole": _undone_as_a_whole(change)}
    if change.state not in ENDED:
        return found
    return found | {"needed": change.approvals_needed, "policy": policy_panel.for_rolling_back(change, user)}


def _undone_as_a_whole(change: Change) -> bool:
    """Whether each device gets back all that it had before, later changes or not."""
    rollback = get(change.playbook).rollback
    return rollback is not None and rollback.restore_backup


@require_POST
def relaunch(request: HttpRequest, pk: int) -> HttpResponse:
    user = person_of(request)
    change = get_object_or_404(Change.objects.allowing(user, Action.REQUEST_CHANGE), pk=pk)
    try:
        made = services.relaunch(change=change, by=user)
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
        return redirect("automation:change", pk)
    except services.OrderError as error:
        messages.error(request, " ".join(error.problems.values()))
        return redirect("automation:change", pk)
    messages.success(request, _("Asked for anew as change #%d.") % made.pk)
    return redirect("automation:change", made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """From devices to a change: which ones, which playbook, with what, in which rings. Every step keeps what was typed."""
    user = person_of(request)
    if not user.access.anywhere(Action.REQUEST_CHANGE):
        raise Http404
    if request.method == "POST":
        return _ordering(request, user, _chosen(request, user), matched="matched" in request.POST)
    if "device" in request.GET:  # from a device's own page: that one, and often the playbook too
        return _ordering(request, user, _marked(user, request.GET), matched=False)
    sites = Site.objects.allowing(user, Action.REQUEST_CHANGE)
    form = DevicesFilter(request.GET if "choose" in request.GET else None, sites=sites, playbooks=_playbooks(user))
    if not form.is_bound or not form.is_valid():
        return render(request, "automation/new.html", {"filter_form": form})
    return _ordering(request, user, form.narrowed(_mine(user)), matched=True)


def _mine(user: User) -> QuerySet[Device]:
    return Device.objects.allowing(user, Action.REQUEST_CHANGE).in_service()


def _chosen(request: HttpRequest, user: User) -> QuerySet[Device]:
    """As the list of devices posts them: the marked ones, or all that its filter leaves."""
    if "all" in request.POST:
        query = QueryDict(request.POST.get("query", ""))
        listed = meant(request, query, Action.REQUEST_CHANGE)  # type: ignore[arg-type]  # htmx is the middleware's
        return _mine(user).filter(pk__in=listed.order_by().values("pk"))
    return _marked(user, request.POST)


def _marked(user: User, said: QueryDict) -> QuerySet[Device]:
    return _mine(user).filter(pk__in=[int(pk) for pk in said.getlist("device") if pk.isdecimal()])


def _playbooks(user: User) -> list[Playbook]:
    try:
        return shown_to(user)
    except CatalogueError:
        return []


def _ordering(request: HttpRequest, user: User, chosen: QuerySet[Device], *, matched: bool) -> HttpResponse:
    devices = list(chosen.select_related("type", "room").order_by("site", "name"))
    said = request.POST if request.method == "POST" else request.GET
    act = said.get("act", "") if request.method == "POST" else ("next" if "playbook" in said else "")
    fitting = [one for one in _playbooks(user) if {device.type.platform for device in devices} & one.platforms]
    playbook_form = PlaybookForm(said if act else None, playbooks=fitting or _playbooks(user))
    playbook = playbook_form.chosen() if act else None
    if playbook is not None and matched:  # a filter means: of what it leaves, all that the playbook can be run on
        devices = manageable([device for device in devices if device.type.platform in playbook.platforms])
    context: dict[str, Any] = {
        "chosen": True,
        "token": form_token(request),
        "matched": matched,
        "device_ids": [device.pk for device in devices],
        "names": [device.name for device in devices[:NAMED]],
        "playbook_form": playbook_form,
    }
    if playbook is None:
        return render(request, "automation/new.html", context)
    form = OrderForm(request.POST if act in {"rings", "order"} else None, playbook=playbook)
    context |= {"order_form": form, "no_end": no_end(playbook)}
    if not form.is_bound:
        return render(request, "automation/new.html", context)
    if not form.is_valid():
        return render(request, "automation/new.html", context, status=422)
    context["plan"] = _shown(devices, form, playbook)
    if act == "order":
        return _order(request, user, form, context)
    return render(request, "automation/new.html", context)


def _order(request: HttpRequest, user: User, form: OrderForm, context: dict[str, Any]) -> HttpResponse:
    order = services.Order(
        playbook=form.playbook.slug,
        arguments=form.arguments(),
        device_ids=context["device_ids"],
        requested_by=user,
        starts_at=form.cleaned_data.get("starts_at"),
        ends_at=form.cleaned_data.get("ends_at"),
        reason=form.cleaned_data.get("reason", ""),
        right=Action.REQUEST_CHANGE,
        strategy=form.strategy(),
        matched=context["matched"],
        idempotency_key=posted_key(request),
    )
    try:
        change = services.request_change(order=order)
    except services.OrderError as error:
        return render(request, "automation/new.html", context | {"problems": error.problems}, status=422)
    messages.success(request, _("Change #%d was asked for.") % change.pk)
    return redirect("automation:change", change.pk)


def _shown(devices: list[Device], form: OrderForm, playbook: Playbook) -> list[dict[str, Any]]:
    names = {device.pk: device.name for device in devices}
    return [
        {
            "title": Ring.Title(ring.title).label,
            "size": ring.size,
            "steps": [
                {"names": [names[pk] for pk in step[:NAMED]], "more": max(0, len(step) - NAMED)} for step in ring.steps
            ],
        }
        for ring in planned(devices, limited(form.strategy(), playbook)).rings
    ]
