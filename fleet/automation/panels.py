"""What automation shows on other rooms' pages."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from fleet.automation import services, words
from fleet.automation.catalogue import Playbook
from fleet.automation.inventory import manageable
from fleet.automation.models import Backup, Change, Drift
from fleet.automation.rules.offering import Footing, Standing, offers, order_refusal
from fleet.automation.views.backups import covered, versions
from fleet.automation.views.changes import pill, title
from fleet.automation.views.playbooks import fitting
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action, Role

SHOWN = 5


def of_device(user: User, pk: int) -> dict[str, Any] | None:
    """A device's latest changes, what can be done about each, and what else can be done with the device."""
    seen = Device.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).select_related("type")
    device = seen.filter(pk=pk).first()
    if device is None:
        return None
    rows = Change.objects.visible_to(user).filter(targets__device=pk).select_related("requested_by")
    latest = rows.prefetch_related("approvals").order_by("-id")[:SHOWN]
    playbooks = fitting(device)
    footing = Footing(
        allowed=user.access.may(Action.REQUEST_CHANGE, device.authority_id, device.site_id),
        in_service=device.lifecycle == Device.Lifecycle.ACTIVE,
        fitting=bool(playbooks),
        way_in=bool(manageable([device])),
    )
    reason = order_refusal(footing)
    return {
        "device_id": pk,
        "audits": user.access.may(Action.VIEW_AUDIT, device.authority_id, device.site_id),
        "rows": [{"change": one, "title": title(one), **pill(one), "actions": _actions(one, user)} for one in latest],
        "playbooks": [] if reason else [_offered(playbook, device, user, footing) for playbook in playbooks],
        "why_not": words.refusal(reason) if reason else "",
    }


def _offered(playbook: Playbook, device: Device, user: User, footing: Footing) -> dict[str, str]:
    """One thing that can be asked for here, or why not by this person."""
    named = {device.authority_id, device.site_id} & user.access.scopes_as(Role(one) for one in playbook.who_may_run)
    reason = order_refusal(replace(footing, allowed=not playbook.who_may_run or bool(named)))
    query = urlencode({"device": device.pk, "playbook": playbook.slug})
    return {
        "title": playbook.title.in_language(get_language()),
        "url": f"{reverse('automation:new')}?{query}",
        "why_not": words.refusal(reason) if reason else "",
    }


def backups_of_device(user: User, pk: int) -> dict[str, Any] | None:
    """A device's last versions, and in how much it differs from what is wanted."""
    seen = Device.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).select_related("type", "backup_state")
    device = seen.filter(pk=pk).first()
    if device is None:
        return None
    if not covered(user).filter(pk=pk).exists() and not Backup.objects.filter(device=device).exists():
        return None
    drifts = Drift.objects.filter(device=device, state=Drift.State.OPEN).count()
    return {**versions(user, device, SHOWN), "drifts": drifts}


def _actions(change: Change, user: User) -> list[dict[str, str]]:
    standing = Standing(
        state=change.state,
        box=change.box,
        ends_at=change.ends_at,
        controls=user.access.may(Action.CONTROL_RUNS, change.authority_id, change.site_id),
        ballot=services.why_not(change, user),
    )
    return [
        {
            "name": action,
            "label": words.action(action),
            "url": reverse("automation:change" if action == "decide" else f"automation:{action}", args=[change.pk]),
            "why_not": words.refusal(reason) if reason else "",
        }
        for action, reason in offers(standing, timezone.now())
    ]
