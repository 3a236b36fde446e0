"""When changes may happen: freezes, change windows, what an authority has agreed, and exceptions for one change."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.automation import policy_file, words
from fleet.automation.models import Change, ChangeWindow, Freeze, Override, PolicyRule
from fleet.automation.policy_forms import FreezeForm, OverrideForm, RuleForm, WindowForm
from fleet.automation.services import freezing, overriding
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.approvals import risk
from fleet.monitoring.rules import maintenance as windows
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority
from fleet.web.once import form_token, made_once, posted_key

MANAGE = Action.MANAGE_POLICY
MOST = 200


def _person(request: HttpRequest, action: Action) -> User:
    if not isinstance(request.user, User) or not request.user.access.anywhere(action):
        raise Http404
    return request.user


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = _person(request, Action.VIEW_DEVICE_DETAILS)
    return render(request, "automation/policy.html", _context(user))


def _context(user: User, failed: RuleForm | None = None) -> dict[str, Any]:
    now = timezone.now()
    frozen = Freeze.objects.visible_to(user).to_come(now).select_related("site", "authority", "made_by")[:MOST]
    opened = ChangeWindow.objects.visible_to(user).to_come(now).select_related("site", "authority", "made_by")[:MOST]
    rows = [_window(row, user) for row in opened]
    return {
        "freezes": [
            {"row": row, "where": _where(row), "on": row.starts_at <= now, "may": _may(row, user)} for row in frozen
        ],
        "windows": [row for row in rows if row["current"] or row["next"]],
        "may_manage": user.access.anywhere(MANAGE),
        "defaults": [_default(one.risk) for one in policy_file.known().rules],
        "rules": _rules(user, failed),
    }


def _window(row: ChangeWindow, user: User) -> dict[str, Any]:
    now = timezone.now()
    current, coming = windows.current(row.plan, now), windows.upcoming(row.plan, now)
    what = row.get_kind_display() if row.kind else _("Every kind of device")
    return {"row": row, "where": _where(row), "what": what, "current": current, "next": coming, "may": _may(row, user)}


def _where(row: Freeze | ChangeWindow) -> str:
    return row.site.name if row.site else _("Everywhere in %s") % row.authority.name


def _may(row: Freeze | ChangeWindow, user: User) -> bool:
    return user.access.may(MANAGE, row.authority_id, row.site_id)


def _default(word: str) -> dict[str, Any]:
    rule = policy_file.known().rule(word)
    return {"risk": risk(word), "times": PolicyRule.Times(rule.times.value).label, "days": rule.exam_margin_days}


def _rules(user: User, failed: RuleForm | None) -> list[dict[str, Any]]:
    authorities = Authority.objects.filter(pk__in=user.access.scopes(MANAGE)).order_by("name")
    agreed = {(row.authority_id, row.risk): row for row in PolicyRule.objects.filter(authority__in=authorities)}
    return [
        {"authority": one, "risk": risk(word), "form": _rule_form(user, one, word, agreed.get((one.pk, word)), failed)}
        for one in authorities
        for word in PolicyRule.Risk.values
    ]


def _rule_form(user: User, authority: Authority, word: str, row: PolicyRule | None, failed: RuleForm | None) -> RuleForm:
    if failed is not None and (failed.data.get("authority"), failed.data.get("risk")) == (str(authority.pk), word):
        return failed
    usual = policy_file.known().rule(word)
    initial = {
        "authority": authority.pk,
        "risk": word,
        "times": row.times if row else "",
        "exam_margin_days": row.exam_margin_days if row else usual.exam_margin_days,
    }
    return RuleForm(user=user, initial=initial, auto_id=f"id_{authority.pk}_{word}_%s")


@require_POST
def agree_rule(request: HttpRequest) -> HttpResponse:
    user = _person(request, MANAGE)
    form = RuleForm(request.POST, user=user)
    if not form.is_valid():
        return render(request, "automation/policy.html", _context(user, form), status=422)
    freezing.agree(authority=form.cleaned_data["authority"], wanted=form.agreement, by=user)
    messages.success(request, _("From now on this holds."))
    return redirect("automation:policy")


@require_http_methods(["GET", "HEAD", "POST"])
def new_freeze(request: HttpRequest) -> HttpResponse:
    user = _person(request, MANAGE)
    form = FreezeForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        made_once(user.pk, posted_key(request), lambda: freezing.freeze(stretch=form.stretch, by=user).pk)
        messages.success(request, _("Nothing is changed there in that time."))
        return redirect("automation:policy")
    context = {"form": form, "heading": _("New freeze"), "does": _("Freeze"), "token": form_token(request)}
    return render(request, "automation/policy_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def new_window(request: HttpRequest) -> HttpResponse:
    user = _person(request, MANAGE)
    initial = {"repeats": ChangeWindow.Repeating.WEEKLY}
    form = WindowForm(request.POST if request.method == "POST" else None, user=user, initial=initial)
    if form.is_valid():
        made_once(user.pk, posted_key(request), lambda: freezing.open_window(stretch=form.stretch, by=user).pk)
        messages.success(request, _("Changes are welcome in that time."))
        return redirect("automation:policy")
    context = {"form": form, "heading": _("New change window"), "does": _("Open the window"), "token": form_token(request)}
    return render(request, "automation/policy_new.html", context, status=422 if form.errors else 200)


@require_POST
def end_freeze(request: HttpRequest, pk: int) -> HttpResponse:
    return _ended(request, get_object_or_404(Freeze.objects.allowing(request.user, MANAGE), pk=pk))


@require_POST
def end_window(request: HttpRequest, pk: int) -> HttpResponse:
    return _ended(request, get_object_or_404(ChangeWindow.objects.allowing(request.user, MANAGE), pk=pk))


def _ended(request: HttpRequest, row: Freeze | ChangeWindow) -> HttpResponse:
    if freezing.end(row=row, by=_person(request, MANAGE)):
        messages.success(request, _("Ended: it does not hold any more."))
    else:
        messages.info(request, _("It has changed meanwhile. Please look again."))
    return redirect("automation:policy")


@require_POST
def ask_override(request: HttpRequest, pk: int) -> HttpResponse:
    """The first of two people says why it cannot wait."""

    def ask(change: Change, form: OverrideForm, by: User) -> Override:
        said = form.cleaned_data
        return overriding.ask(change=change, digest=said["digest"], reason=said["reason"], by=by)

    return _override(request, pk, ask, _("Noted. Now a second person has to agree."))


@require_POST
def agree_override(request: HttpRequest, pk: int) -> HttpResponse:
    def agree(change: Change, form: OverrideForm, by: User) -> Override:
        return overriding.agree(change=change, digest=form.cleaned_data["digest"], by=by)

    return _override(request, pk, agree, _("Agreed: the change may happen against the clock."))


Act = Callable[[Change, OverrideForm, User], Override]


def _override(request: HttpRequest, pk: int, act: Act, done: str) -> HttpResponse:
    change = get_object_or_404(Change.objects.allowing(request.user, Action.OVERRIDE_POLICY), pk=pk)
    form = OverrideForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Please look at it again: what you sent does not fit."))
        return redirect("automation:change", pk)
    try:
        act(change, form, _person(request, Action.OVERRIDE_POLICY))
        messages.success(request, done)
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
    return redirect("automation:change", pk)
