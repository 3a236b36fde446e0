"""How changes and runs go from state to state, who may decide, when a run may start and when it counts as lost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

CHANGE_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "previewing": frozenset({"awaiting-approval", "approved", "failed", "lost", "cancelled", "nothing-to-do"}),
    "awaiting-approval": frozenset({"approved", "rejected", "cancelled"}),
    "approved": frozenset({"running", "awaiting-approval", "paused", "halted", "rolling-back", "cancelled"}),
    "running": frozenset(
        {
            "verifying",
            "paused",
            "halted",
            "rolling-back",
            "confirmed",
            "refuted",
            "unknown",
            "failed",
            "lost",
            "cancelled",
        }
    ),
    "verifying": frozenset(
        {"running", "paused", "halted", "rolling-back", "confirmed", "refuted", "unknown", "failed", "cancelled"}
    ),
    "paused": frozenset({"approved", "running", "rolling-back", "cancelled"}),
    "halted": frozenset({"approved", "rolling-back", "cancelled"}),
    "rolling-back": frozenset({"rolled-back", "failed"}),
    "confirmed": frozenset({"rolling-back"}),
    "refuted": frozenset({"approved", "rolling-back"}),
    "unknown": frozenset({"approved", "rolling-back"}),
    "failed": frozenset({"approved", "previewing", "rolling-back"}),
    "lost": frozenset({"approved", "previewing", "rolling-back"}),
    "rejected": frozenset(),
    "cancelled": frozenset({"rolling-back"}),
    "rolled-back": frozenset(),
    "nothing-to-do": frozenset(),
}
RETRYABLE = frozenset({"lost", "failed", "refuted", "unknown", "halted"})
CANCELLABLE = frozenset({"previewing", "awaiting-approval", "approved", "running", "paused", "halted"})
PAUSABLE = frozenset({"approved", "running", "verifying"})
ENDED = frozenset(
    {"confirmed", "refuted", "unknown", "failed", "lost", "rejected", "cancelled", "rolled-back", "nothing-to-do"}
)
ROLLABLE = frozenset(old for old, following in CHANGE_TRANSITIONS.items() if "rolling-back" in following)
RUN_ENDS = frozenset({"succeeded", "failed", "timed-out", "cancelled", "lost"})


def may_become(old: str, new: str) -> bool:
    return new in CHANGE_TRANSITIONS[old]


@dataclass(frozen=True)
class Ballot:
    """What is known when somebody wants to decide on a change."""

    change_digest: str
    seen_digest: str
    requester_id: int | None
    approver_id: int
    decided_by: Collection[int]
    awaiting: bool
    allowed: bool
    """Whether this person holds a role that approves there."""


def refusal(ballot: Ballot) -> str | None:
    """Why this person may not decide; None when they may. The word is a key, pages say the sentence."""
    reasons = (
        (not ballot.allowed, "no-role"),
        (not ballot.awaiting, "not-awaiting"),
        (ballot.approver_id == ballot.requester_id, "own-change"),
        (ballot.approver_id in ballot.decided_by, "already-decided"),
        (ballot.seen_digest != ballot.change_digest, "changed-meanwhile"),
    )
    return next((key for holds, key in reasons if holds), None)


def too_late(*, ends_at: datetime | None, now: datetime) -> bool:
    """What was wanted for a time span must not start after it."""
    return ends_at is not None and now >= ends_at


class Start(Enum):
    """What becomes of a queued run that a worker wants to begin."""

    NOW = auto()
    WAITS = auto()
    TOO_LATE = auto()
    NOT_WANTED = auto()


@dataclass(frozen=True)
class Queued:
    """A queued run and its change, as both are now."""

    kind: str
    change_state: str
    box: str
    ends_at: datetime | None
    blocked: bool
    """Another run holds one of its devices, or has waited for one for longer."""


def may_start(run: Queued, now: datetime) -> Start:
    """Previews only read and wait for nobody; a change wanted for a time span does not begin after it."""
    if run.kind == "preview":
        return Start.NOW if run.change_state == "previewing" else Start.NOT_WANTED
    if run.kind == "mend":  # whatever has become of the change: what was cut off is to be made good
        wanted = True
    elif run.kind == "revert":
        wanted = run.change_state == "rolling-back" or run.box == "pending"
    else:
        wanted = run.change_state in {"approved", "running"}
        if wanted and too_late(ends_at=run.ends_at, now=now):
            return Start.TOO_LATE
    if not wanted:
        return Start.NOT_WANTED
    return Start.WAITS if run.blocked else Start.NOW


HOST_EVENTS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}


def host_in_the_end(*, known: str, begun: bool, finished: bool) -> str:
    """What can truly be said of a device when its run is over.

    `finished`: the playbook came to its own end. Otherwise a failure stays one, but «ok» of some tasks is not ok of all.
    """
    if known in {"failed", "unreachable"}:
        return known
    if not begun:
        return "not-started"
    if not finished:
        return "unknown"
    return "ok" if known == "pending" else known
