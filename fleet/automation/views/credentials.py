"""Where credentials count besides devices and sites themselves, and how renewing one goes. For administrators alone."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.automation import playbook_words, words
from fleet.automation.forms_credentials import RotateForm, UseForm
from fleet.automation.models import CredentialUse, Rotation, RotationStep
from fleet.automation.services import credentials as services
from fleet.automation.services.credentials import RotationError
from fleet.automation.services.retiring import old_left
from fleet.automation.views.changes import PAGE_SIZE
from fleet.devices.models import Credential, Device
from fleet.people.models import User
from fleet.people.rules import Action

LATEST = 10
STAYS = "stays"
ROTATION_PILLS = {"running": "info", "done": "ok", "failed": "down"}
STEP_PILLS = {"waiting": "info", "verified": "ok", "failed": "down"}


def _manager(request: HttpRequest) -> User:
    """Whoever manages nothing finds nothing here."""
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.MANAGE):
        raise Http404
    return user


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    user = _manager(request)
    form = UseForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        made = services.set_use(**form.wanted(), by=user)
        messages.success(request, _("“%s” counts there from the next run on.") % made.credential)
        return redirect("automation:credential-uses")
    rows = CredentialUse.objects.managed_by(user).select_related("credential", "site", "device__site")
    page = Paginator(_ordered(rows), PAGE_SIZE).get_page(request.GET.get("page"))
    latest = Rotation.objects.managed_by(user).select_related("credential", "started_by").defer("new_secret")[:LATEST]
    context = {
        "form": form,
        "page": page,
        "rows": [{"use": one, "where": where(one)} for one in page],
        "rotations": [{"rotation": one, "pill": ROTATION_PILLS[one.state]} for one in latest.defer("credential__secret")],
    }
    return render(request, "automation/credential_uses.html", context, status=422 if form.errors else 200)


def _ordered(rows: Any) -> Any:
    return rows.defer("credential__secret").order_by("use", "device__name", "site__name", "platform", "pk")


def where(use: CredentialUse) -> str:
    """How far it reaches, in words."""
    if use.device:
        return f"{use.device.name} ({use.device.site.name})"
    parts = [use.site.name if use.site else _("All sites"), use.platform or _("All platforms")]
    return " · ".join(parts)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    user = _manager(request)
    use = get_object_or_404(
        CredentialUse.objects.managed_by(user).select_related("credential", "site", "device__site"), pk=pk
    )
    services.end_use(use=use, by=user)
    messages.success(
        request, _("“%(name)s” no longer counts for: %(where)s.") % {"name": use.credential, "where": where(use)}
    )
    return redirect("automation:credential-uses")


@require_http_methods(["GET", "HEAD", "POST"])
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """The question, which names what it touches; the POST answers it."""
    user = _manager(request)
    credential = get_object_or_404(Credential.objects.managed_by(user), pk=pk)
    form = RotateForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            rotation = services.rotate(credential=credential, by=user, reason=form.cleaned_data["reason"])
        except RotationError as error:
            messages.error(request, playbook_words.rotation_problem(error.key, error.detail))
            return redirect("automation:rotate", pk)
        messages.success(
            request, _("The new one is on its way. The old one counts until every device answers to the new one.")
        )
        return redirect("automation:rotation", rotation.pk)
    context = {"credential": credential, "form": form} | _touched(credential)
    return render(request, "automation/rotate.html", context, status=422 if form.errors else 200)


def _touched(credential: Credential) -> dict[str, Any]:
    running = (
        Rotation.objects.filter(credential=credential, state=Rotation.State.RUNNING).values_list("pk", flat=True).first()
    )
    if running:
        return {"running": running, "why_not": playbook_words.rotation_problem("running")}
    try:
        parts = services.parts_of(credential)
    except RotationError as error:
        return {"why_not": playbook_words.rotation_problem(error.key, error.detail)}
    devices = [device for _playbook, targets in parts for device in targets]
    leaving = {playbook.title.in_language(get_language()) for playbook, _targets in parts if playbook.predecessor == STAYS}
    return {
        "changes": len(parts),
        "devices": devices[:PAGE_SIZE],
        "total": len(devices),
        "more": len(devices[PAGE_SIZE:]),
        "leaving": sorted(leaving),
    }


@require_safe
def rotation(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, device by device. `?part=progress`: that alone, while it goes on."""
    rows = Rotation.objects.managed_by(_manager(request)).select_related("credential", "started_by")
    one = get_object_or_404(rows.defer("new_secret", "credential__secret"), pk=pk)
    steps = RotationStep.objects.filter(rotation=one).select_related("device__site", "change").order_by("device__name", "pk")
    page = Paginator(steps.defer("change__secret_arguments"), PAGE_SIZE).get_page(request.GET.get("page"))
    states = list(RotationStep.objects.filter(rotation=one).values_list("state", flat=True))
    left = old_left(one)
    kept_as, kept_for = services.kept_for_others(one)
    named = Device.objects.filter(pk__in=kept_for[:PAGE_SIZE]).order_by("name", "pk")
    context = {
        "kept_as": kept_as,
        "kept_for": named,
        "kept_more": len(kept_for[PAGE_SIZE:]),
        "rotation": one,
        "pill": ROTATION_PILLS[one.state],
        "live": one.state == Rotation.State.RUNNING,
        "page": page,
        "rows": [
            {
                "step": step,
                "pill": STEP_PILLS[step.state],
                "change_pill": words.PILLS[step.change.state],
                "old_left": step.device_id in left,
                "retiring": left.get(step.device_id),
            }
            for step in page
        ],
        "old_left": len(left),
        "for_good": sum(change is None for change in left.values()),
        "total": len(states),
        "done": states.count(RotationStep.State.VERIFIED),
        "failed": states.count(RotationStep.State.FAILED),
        "left": states.count(RotationStep.State.WAITING),
    }
    name = "automation/pieces/rotation_progress.html" if "part" in request.GET else "automation/rotation.html"
    return render(request, name, context)


def panel(user: User, pk: int) -> dict[str, Any] | None:
    """On the page of one credential: where else it counts, and renewing it."""
    credential = Credential.objects.managed_by(user).defer("secret").filter(pk=pk).first()
    if credential is None:
        return None
    uses = CredentialUse.objects.filter(credential=credential).select_related("site", "device__site")[:PAGE_SIZE]
    latest = Rotation.objects.filter(credential=credential).defer("new_secret")[:3]
    return {
        "credential": credential,
        "renewable": credential.kind in services.RENEWABLE,
        "uses": [(one.get_use_display(), where(one)) for one in uses],
        "rotations": [{"rotation": one, "pill": ROTATION_PILLS[one.state]} for one in latest],
    }
