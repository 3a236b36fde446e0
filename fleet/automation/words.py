"""What Fleetdesk says about changes, in sentences for people."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.automation.models import Change, HostResult, Run

PILLS: dict[str, str] = {
    "previewing": "info",
    "awaiting-approval": "watch",
    "approved": "info",
    "running": "info",
    "verifying": "info",
    "confirmed": "ok",
    "refuted": "down",
    "unknown": "unknown",
    "failed": "down",
    "lost": "down",
    "rejected": "unknown",
    "cancelled": "unknown",
}
HOST_PILLS: dict[str, str] = {
    "pending": "info",
    "ok": "ok",
    "changed": "ok",
    "failed": "down",
    "unreachable": "down",
    "not-started": "unknown",
    "unknown": "unknown",
}

_SENTENCES: dict[str, str | Promise] = {
    "previewing": gettext_lazy("Fleetdesk is looking at what would change on the devices."),
    "awaiting-approval": gettext_lazy("Somebody responsible has to agree before anything is changed."),
    "approved": gettext_lazy("Agreed. It starts by itself when its time has come."),
    "running": gettext_lazy("The devices are being changed now."),
    "verifying": gettext_lazy("Done on the devices. Now it is measured whether it worked."),
    "confirmed": gettext_lazy("Done, and measured: it works."),
    "refuted": gettext_lazy(
        "The devices accepted the change, but measuring shows no effect. A technician is looking at it."
    ),
    "unknown": gettext_lazy("It could not be measured whether it worked. A technician is looking at it."),
    "failed": gettext_lazy("It did not work. A technician is looking at it."),
    "lost": gettext_lazy("The work was interrupted and is not repeated by itself. A technician checks how the devices are."),
    "rejected": gettext_lazy("It was not agreed to. Nothing was changed."),
    "cancelled": gettext_lazy("It was stopped."),
}

_REFUSALS: dict[str, str | Promise] = {
    "no-role": gettext_lazy("Your role does not include this."),
    "not-awaiting": gettext_lazy("This change is not waiting for a decision."),
    "own-change": gettext_lazy("Nobody approves what they asked for themselves. Please let a colleague look at it."),
    "already-decided": gettext_lazy("You have decided on this already."),
    "changed-meanwhile": gettext_lazy("It was changed meanwhile. Please look at it again."),
    "not-cancellable": gettext_lazy("There is nothing left to stop."),
    "not-retryable": gettext_lazy("There is nothing to try again."),
    "not-in-service": gettext_lazy("This device is not in service."),
    "no-playbook": gettext_lazy("No playbook is made for this kind of device."),
    "no-way-in": gettext_lazy("No address or no login is known for this device."),
    "too-late": gettext_lazy("The time for which it was wanted is over. Please order it anew."),
}

_ACTIONS: dict[str, str | Promise] = {
    "decide": gettext_lazy("Look at it and decide"),
    "check-and-retry": gettext_lazy("Check and retry"),
    "cancel": gettext_lazy("Stop"),
}


def sentence(change: Change) -> str:
    if change.box == Change.Box.REVERTED:
        return _("The time is over: it was taken back, and that was measured.")
    if change.box == Change.Box.FAILED:
        return _("The time is over, but it could not be taken back for certain. A technician is looking at it.")
    if change.box == Change.Box.REVERTING:
        return _("The time is over. It is being taken back now.")
    return str(_SENTENCES[change.state])


def refusal(key: str) -> str:
    return str(_REFUSALS[key])


def action(name: str) -> str:
    return str(_ACTIONS[name])


def order_refused() -> str:
    return _("The change cannot be asked for like this.")


def reading(path: str, holds: str) -> str:
    """A reading in words, for the evidence card."""
    if holds == "restarted":
        return _("Running since (seconds)")
    if holds == "reachable":
        return _("Answers")
    return {"wireless.ssids": _("Wi-Fi names on the air")}.get(path, path)


def shown(value: object) -> str | None:
    """A measured value as people write it; None where nothing was measured."""
    if value is None:
        return None
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or _("none")
    return str(value)


def wish(holds: str, value: object) -> str:
    return {
        "contains": _("with %(value)s"),
        "lacks": _("without %(value)s"),
        "equals": "%(value)s",
        "at_least": _("at least %(value)s"),
        "restarted": _("restarted"),
        "reachable": _("answers"),
    }[holds] % {"value": value}


def evidence_row(one: dict[str, Any]) -> dict[str, Any]:
    """An entry of HostResult.evidence as the evidence card shows it."""
    return {
        "reading": one["reading"],
        "label": reading(one["reading"], one["holds"]),
        "device": one["device"],
        "before": shown(one["before"]),
        "after": shown(one["after"]),
        "wanted": wish(one["holds"], one["wanted"]),
        "verdict": one["verdict"],
    }


def run_title(run: Run) -> str:
    title = str(Run.Kind(run.kind).label)
    return f"{title} ({_('attempt')} {run.attempt})" if run.attempt > 1 else title


def host_state(row: HostResult) -> tuple[str, str]:
    """(pill, word)"""
    return HOST_PILLS[row.state], str(HostResult.State(row.state).label)
