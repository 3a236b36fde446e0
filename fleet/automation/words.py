"""What Fleetdesk says about changes and their runs, in sentences for people."""

from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fleet.automation.models import BackupState, BoxEnd, Change, HostResult, LogLine, Ring, Run
from fleet.automation.services.decisions import agreed_to_something_else
from fleet.monitoring.words import duration

EXACT_UNTIL_S = 120
"""Just after a restart the seconds are what proves it."""
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
    "paused": "watch",
    "halted": "down",
    "rolling-back": "watch",
    "rolled-back": "unknown",
    "nothing-to-do": "unknown",
}
TARGET_PILLS: dict[str, str] = {
    "waiting": "unknown",
    "running": "info",
    "confirmed": "ok",
    "refuted": "down",
    "unknown": "unknown",
    "failed": "down",
    "unreachable": "down",
    "pending-offline": "watch",
    "skipped": "unknown",
    "rolled-back": "watch",
}
MARKS: dict[str, str] = {
    "waiting": "·",
    "running": "▸",
    "confirmed": "✓",
    "refuted": "✗",
    "unknown": "?",
    "failed": "✗",
    "unreachable": "✗",
    "pending-offline": "…",
    "skipped": "–",
    "rolled-back": "↺",
}
"""Beside the colour of a cell too small for a word; its name says the word."""
RING_PILLS: dict[str, str] = {
    "waiting": "unknown",
    "running": "info",
    "verifying": "info",
    "passed": "ok",
    "halted": "down",
    "skipped": "unknown",
}
HOST_PILLS: dict[str, str] = {
    "pending": "info",
    "ok": "ok",
    "changed": "ok",
    "failed": "down",
    "unreachable": "down",
    "not-started": "unknown",
    "offline": "watch",
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
    "paused": gettext_lazy("It is paused. No further device is changed until somebody lets it go on."),
    "halted": gettext_lazy("It halted before more devices were touched. Somebody has to decide how it goes on."),
    "rolling-back": gettext_lazy("What was changed is being taken back now."),
    "rolled-back": gettext_lazy("What was changed was taken back, and that was measured."),
    "nothing-to-do": gettext_lazy("No device fits, so there is nothing to do."),
}

_ANOTHER = gettext_lazy(
    "It is paused: it is no longer what was agreed to. A device has another platform, address or host key, for instance. "
    "Letting it go on asks for approval anew."
)

_REFUSALS: dict[str, str | Promise] = {
    "no-role": gettext_lazy("Your role does not include this."),
    "not-awaiting": gettext_lazy("This change is not waiting for a decision."),
    "own-change": gettext_lazy("Nobody approves what they asked for themselves. Please let a colleague look at it."),
    "already-decided": gettext_lazy("You have decided on this already."),
    "changed-meanwhile": gettext_lazy("It was changed meanwhile. Please look at it again."),
    "not-cancellable": gettext_lazy("There is nothing left to stop."),
    "not-retryable": gettext_lazy("There is nothing to try again."),
    "nothing-to-retry": gettext_lazy("No device is left that went wrong."),
    "not-pausable": gettext_lazy("There is nothing to pause."),
    "not-paused": gettext_lazy("It is not paused."),
    "not-rollable": gettext_lazy("It cannot be rolled back as it stands."),
    "no-way-back": gettext_lazy("This playbook does not say how it is taken back."),
    "nothing-to-take-back": gettext_lazy("No device was touched, so there is nothing to take back."),
    "not-over": gettext_lazy("It is not over yet."),
    "not-in-service": gettext_lazy("This device is not in service."),
    "no-playbook": gettext_lazy("No playbook is made for this kind of device."),
    "no-way-in": gettext_lazy("No address or no login is known for this device."),
    "delegators-change": gettext_lazy(
        "The colleague in whose name you decide has asked for it. Please let somebody else decide."
    ),
    "delegator-decided": gettext_lazy("The colleague in whose name you decide has decided on this already."),
    "nothing-to-come": gettext_lazy("Nothing of this change is still to come."),
    "no-reason": gettext_lazy("Please say why it cannot wait."),
    "override-asked": gettext_lazy("A colleague has just asked for this exception. Please look at it and agree."),
    "own-override": gettext_lazy("An exception takes a second person. Please let a colleague look at it."),
    "too-late": gettext_lazy("The time for which it was wanted is over. Please order it anew."),
    "not-now": gettext_lazy("Nothing may be changed on these devices then."),
    "own-proposal": gettext_lazy("You have asked for this yourself. Now colleagues who approve changes have to agree."),
    "proposed": gettext_lazy("A colleague has asked for this. Now people who approve changes here have to agree."),
}

_ACTIONS: dict[str, str | Promise] = {
    "decide": gettext_lazy("Look at it and decide"),
    "check-and-retry": gettext_lazy("Check and retry"),
    "cancel": gettext_lazy("Stop"),
}


def sentence(change: Change) -> str:
    if change.box == Change.Box.REVERTED and change.box_ends.filter(state=BoxEnd.State.LEFT).exists():
        return _("The time is over. Where another change still wants the same, it stays; elsewhere it was taken back.")
    if change.box == Change.Box.REVERTED:
        return _("The time is over: it was taken back, and that was measured.")
    if change.box == Change.Box.FAILED:
        return _("The time is over, but it could not be taken back for certain. A technician is looking at it.")
    if change.box == Change.Box.PENDING and change.box_ends.filter(state=BoxEnd.State.OFFLINE).exists():
        return _("The time is over. Where it cannot be taken back at the moment, it is tried again by itself.")
    if change.box == Change.Box.REVERTING:
        return _("The time is over. It is being taken back now.")
    another = change.state == Change.State.PAUSED and agreed_to_something_else(change)
    return str(_ANOTHER if another else _SENTENCES[change.state])


def halted(ring: Ring) -> str:
    """Why a ring halted or waits, in a sentence."""
    about: dict[str, Any] = {"bad": 0, "total": 0, "threshold": 0, **ring.details}
    if ring.reason == "canary":
        return _("%(bad)d of %(total)d devices of the first ring went wrong, so nothing beyond it was touched.") % about
    if ring.reason == "threshold":
        return _("%(bad)d of %(total)d devices went wrong, more than %(threshold)d percent.") % about
    said: dict[str, str] = {
        "no-proof": _("No device of this ring was seen to work, so it proves nothing for the next one."),
        "stopped": _("Somebody stopped it here."),
        "offline": _("It waits for devices that are offline."),
    }
    return said.get(ring.reason, "")


def halted_elsewhere(ring: Ring) -> str:
    """The same for whoever does not see all of its devices: without counting those of others."""
    counting = {"canary", "threshold", "no-proof"}
    return _("Too many devices went wrong, at your school or at others.") if ring.reason in counting else halted(ring)


def moment(instant: datetime) -> str:
    return str(formats.date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT"))


def refusal(key: str) -> str:
    return str(_REFUSALS[key])


def action(name: str) -> str:
    return str(_ACTIONS[name])


def order_refused() -> str:
    return _("The change cannot be asked for like this.")


def reading(path: str, holds: str) -> str:
    """A reading in words, for the evidence card."""
    if holds == "restarted":
        return _("Running for")
    if holds == "reachable":
        return _("Answers")
    if path.startswith("interfaces[") and path.endswith("].pvid"):
        return _("VLAN of the port")
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


def running_for(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    if seconds < EXACT_UNTIL_S:
        return ngettext("%d second", "%d seconds", int(seconds)) % int(seconds)
    return duration(seconds)


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
    say = running_for if one["holds"] == "restarted" else shown
    return {
        "reading": one["reading"],
        "label": reading(one["reading"], one["holds"]),
        "device": one["device"],
        "before": say(one["before"]),
        "after": say(one["after"]),
        "wanted": wish(one["holds"], one["wanted"]),
        "verdict": one["verdict"],
    }


def aftermath(run: Run) -> tuple[str, str] | None:
    """(state, sentence) of a run that was cut off in its middle and that is, or has to be, made good."""
    return {
        Run.Aftermath.MADE_GOOD: (
            "ok",
            _("It was cut off in its middle. What was there before was brought back by itself, and that was measured."),
        ),
        Run.Aftermath.FOR_PEOPLE: (
            "down",
            _("It was cut off in its middle, and what was there before could not be brought back. Please look there."),
        ),
    }.get(Run.Aftermath(run.aftermath))


def run_title(run: Run) -> str:
    title = str(Run.Kind(run.kind).label)
    if run.attempt == 1:
        return title
    return _("%(what)s, attempt %(number)d") % {"what": title, "number": run.attempt}


def host_state(row: HostResult) -> tuple[str, str]:
    """(pill, word); a preview has changed nothing yet."""
    if row.run.kind == Run.Kind.PREVIEW and row.state == HostResult.State.CHANGED:
        return "info", _("Would be changed")
    return HOST_PILLS[row.state], str(HostResult.State(row.state).label)


_RUN_PROBLEMS: dict[str, str | Promise] = {
    "playbook-changed": gettext_lazy("The playbook has changed since this change was asked for. Please order it again."),
    "process-ended": gettext_lazy("The run's process ended by itself."),
    "disk-full": gettext_lazy(
        "There is no room left where runs keep their files (RUN_DIR). Please make room and try again."
    ),
    "disk-full-before": gettext_lazy("The disk for run directories is full. No device was touched."),
    "disk-full-midway": gettext_lazy("The disk for run directories is full. The run was ended in its middle."),
    "no-key": gettext_lazy("A private key could not be handed to the run."),
    "unexpected": gettext_lazy("Something went wrong that should not. The log of the worker says what."),
}


def run_error(run: Run) -> str:
    """Why a run did not end well: our sentence, then what a program has said; empty where nothing is known."""
    return _said(_RUN_PROBLEMS.get(run.problem), run.error)


def host_said(row: HostResult) -> str:
    """What is to be said of a device's result, with what Ansible said."""
    left_out = {
        row.NOT_KEPT: _("The configuration could not be kept beforehand, so nothing was done here."),
        row.CHANGED_SINCE: _(
            "Another change has been at this device since; putting back would undo that too, so nothing was done."
        ),
    }
    return _said(left_out.get(row.problem, ""), row.message)


def backup_error(state: BackupState) -> str:
    """Why a configuration could not be fetched the last time; empty when it could."""
    said = {"no-answer": _("It did not answer."), "too-long": _("What it shows as its configuration is too long to be one.")}
    return _said(said.get(state.problem), state.error)


def log_text(line: LogLine) -> str:
    """A line of the log; our own in the reader's language, what programs said as they said it."""
    if line.event == "fleetdesk_looks":
        return _("Looking by SNMP at how the devices are, before anything is touched.")
    return line.text.strip()


def _said(sentence: str | Promise | None, program: str) -> str:
    return " ".join(filter(None, (str(sentence or ""), program)))
