"""What automation shows on other rooms' pages."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from fleet.automation import services, words
from fleet.automation.catalogue import CatalogueError, Playbook, all_playbooks
from fleet.automation.inventory import manageable
from fleet.automation.models import Change
from fleet.automation.rules.offering import Footing, Standing, offers, order_refusal
from fleet.automation.views import pill, title
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action

SHOWN = 5


def of_device(user: User, pk: int) -> dict[str, Any] | None:
    """A device's latest changes, what can be done about each, and what else can be done with the device."""
    seen = Device.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).select_related("type")
    device = seen.filter(pk=pk).first()
    if device is None:
        return None
    rows = Change.objects.visible_to(user).filter(targets__device=pk).select_related("requested_by")
    latest = rows.prefetch_related("approvals").order_by("-id")[:SHOWN]
    playbooks = _fitting(device)
    reason = order_refusal(
        Footing(
            allowed=user.access.may(Action.REQUEST_CHANGE, device.authority_id, device.site_id),
            in_service=device.lifecycle == Device.Lifecycle.ACTIVE,
            fitting=bool(playbooks),
            way_in=bool(manageable([device])),
        )
    )
    return {
        "rows": [{"change": one, "title": title(one), **pill(one), "actions": _actions(one, user)} for one in latest],
        "playbooks": [playbook.title.in_language(get_language()) for playbook in playbooks],
        "why_not": words.refusal(reason) if reason else "",
    }


def _fitting(device: Device) -> list[Playbook]:
    try:
        return [playbook for playbook in all_playbooks() if device.type.platform in playbook.platforms]
    except CatalogueError:
        return []


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
