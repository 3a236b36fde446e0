"""What there is to do about a device and its changes, and why somebody may not. Reasons are keys, pages say sentences."""

from dataclasses import dataclass
from datetime import datetime

from fleet.automation.rules.lifecycle import CANCELLABLE, RETRYABLE, too_late


@dataclass(frozen=True)
class Footing:
    """What is known when somebody looks at a device and wants it changed."""

    allowed: bool
    in_service: bool
    fitting: bool
    """Some playbook is made for its platform."""
    way_in: bool
    """Address and login are known."""


def order_refusal(footing: Footing) -> str | None:
    """Why this person cannot ask for a change of the device; None when they can."""
    reasons = (
        (not footing.allowed, "no-role"),
        (not footing.in_service, "not-in-service"),
        (not footing.fitting, "no-playbook"),
        (not footing.way_in, "no-way-in"),
    )
    return next((key for holds, key in reasons if holds), None)


@dataclass(frozen=True)
class Standing:
    """A change, and what one person may do with it."""

    state: str
    box: str
    ends_at: datetime | None
    controls: bool
    ballot: str | None
    """Why this person may not decide on it (`lifecycle.refusal`)."""


def offers(change: Standing, now: datetime) -> list[tuple[str, str | None]]:
    """[(what can be done with the change as it stands, why this person may not)]; the reason is None where they may."""
    role = None if change.controls else "no-role"
    unreverted = change.box == "failed"
    late = None if unreverted or not too_late(ends_at=change.ends_at, now=now) else "too-late"
    offered = (
        ("decide", change.state == "awaiting-approval", change.ballot),
        ("check-and-retry", unreverted or change.state in RETRYABLE, role or late),
        ("cancel", change.state in CANCELLABLE, role),
    )
    return [(action, reason) for action, fits, reason in offered if fits]
