"""What a change would do, as its preview found it: device by device, on how many, and where nothing is known."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from fleet.automation import words
from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import Change, Run
from fleet.automation.rules import intent
from fleet.automation.rules.lifecycle import RUN_ENDS
from fleet.automation.services import outlook
from fleet.people.models import User

NAMED = 20
"""Devices without a preview that the page names."""
UNFOLDED = 3
"""Devices whose differences are open when the page comes; those of the others open by a tap."""
STILL_PREVIEWED = frozenset({"previewing", "awaiting-approval"})
WHY_GAP = {
    "no-check-mode": _("the playbook cannot say beforehand what it would change"),
    "not-in-service": _("not in service"),
    "no-login": _("no address or no login is known"),
    "offline": _("does not answer at the moment"),
    "unreachable": _("could not be reached by the preview"),
}


def of(change: Change, runs: Sequence[Run], user: User, total: int) -> dict[str, Any] | None:
    """None before there is a preview. `runs` carry their rows as `shown`; `total`: devices that this person sees."""
    run = next((one for one in reversed(runs) if one.kind == Run.Kind.PREVIEW), None)
    if run is None:
        return None
    rows = run.shown  # type: ignore[attr-defined]
    hosts = [
        {"device": row.device, "state": words.host_state(row), "message": words.host_said(row), "diff": unified(row.diff)}
        for row in rows
    ]
    blind = _blind(change)
    gaps = _gaps(change, user, {row.device_id for row in rows}) if change.state in STILL_PREVIEWED and not blind else []
    return {
        "run": run,
        "hosts": hosts,
        "over": run.state in RUN_ENDS,
        "blind": blind,
        "unfolded": UNFOLDED,
        "checked": len(hosts),
        "total": total,
        "gaps": gaps[:NAMED],
        "more_gaps": max(0, len(gaps) - NAMED),
    }


def _gaps(change: Change, user: User, told: set[int]) -> list[tuple[str, Any]]:
    """[(device, why nothing is known of it)], without those of which the preview itself says so."""
    found = outlook.preview_gaps(change, user)
    return [(gap.device.name, WHY_GAP[gap.why]) for gap in found if gap.device.pk not in told]


def _blind(change: Change) -> bool:
    """Whether the playbook can say beforehand what it would change."""
    try:
        return get(change.playbook).check_mode == "none"
    except CatalogueError:
        return False


def unified(diffs: list[dict[str, str]]) -> str:
    """The before/after pairs as one unified diff."""
    return intent.unified((diff["before"], diff["after"]) for diff in diffs)
