"""How many people must agree to a change, who may, in whose name, and for how long an agreement is good."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.automation.rules.lifecycle import Ballot, refusal

PLANNED_AFTER = timedelta(minutes=1)
"""What begins so soon after it was asked for was not planned for a time: it shall begin when it may."""


@dataclass(frozen=True)
class Tier:
    """From so many devices or sites on, a change of this risk needs so many people."""

    risk: str
    count: int
    from_devices: int = 1
    from_sites: int = 1


@dataclass(frozen=True)
class Need:
    """How many people must agree. `roles`: which roles may; empty: whoever approves changes there."""

    count: int
    roles: frozenset[str] = frozenset()


USUAL = (
    Tier("low", 0),
    Tier("low", 1, from_devices=50, from_sites=3),
    Tier("medium", 1),
    Tier("medium", 2, from_devices=200, from_sites=5),
    Tier("high", 2),
)
"""As `policy.toml` ships them (a test keeps the two alike)."""
MOST = 2


def needed(
    risk: str,
    device_count: int,
    site_count: int,
    who_approves: frozenset[str] = frozenset(),
    tiers: Sequence[Tier] = USUAL,
) -> Need:
    """The most that any tier reached wants: a tier is reached by devices or by sites. An unknown risk wants two."""
    of_risk = [tier for tier in tiers if tier.risk == risk]
    reached = [tier.count for tier in of_risk if _reached(tier, device_count, site_count)]
    return Need(max(reached, default=0) if of_risk else MOST, who_approves)


def _reached(tier: Tier, device_count: int, site_count: int) -> bool:
    if tier.from_devices <= 1 and tier.from_sites <= 1:
        return True
    return 1 < tier.from_devices <= device_count or 1 < tier.from_sites <= site_count


@dataclass(frozen=True)
class Seat:
    """In whose name somebody decides. `for_id`: the colleague on leave; None: in their own."""

    for_id: int | None
    allowed: bool
    """Whether the person in whose name it is holds a role that approves there."""


def seat(ballot: Ballot, seats: Sequence[Seat]) -> tuple[Seat | None, str | None]:
    """(the seat in which this person may decide, None), or (None, why they may in none of theirs).

    `ballot` says all but the role. One's own seat comes first. Nobody decides on their own change, a deputy neither on
    theirs nor on that of the colleague for whom they stand in, and nobody's voice counts twice: neither a colleague's who
    has decided before going, nor a deputy's who has decided already.
    """
    found = [_refused(ballot, one) for one in seats]
    for one, key in zip(seats, found, strict=True):
        if key is None:
            return one, None
    return None, _most_telling([key for key in found if key])


def _refused(ballot: Ballot, one: Seat) -> str | None:
    own = refusal(
        Ballot(
            change_digest=ballot.change_digest,
            seen_digest=ballot.seen_digest,
            requester_id=ballot.requester_id,
            approver_id=ballot.approver_id,
            decided_by=ballot.decided_by,
            awaiting=ballot.awaiting,
            allowed=one.allowed,
        )
    )
    if own is not None or one.for_id is None:
        return own
    if one.for_id == ballot.requester_id:
        return "delegators-change"
    return "delegator-decided" if one.for_id in ballot.decided_by else None


def _most_telling(keys: Collection[str]) -> str:
    """«Not your role» says least: whoever stands in for somebody learns why that does not help."""
    return next((key for key in keys if key != "no-role"), "no-role")


@dataclass(frozen=True)
class Patience:
    """For how long things wait."""

    request: timedelta = timedelta(days=14)
    after_start: timedelta = timedelta(hours=24)
    """A request for a planned time is good until so long after it."""
    approval: timedelta = timedelta(days=14)
    """So long after it could have begun, what was approved must be asked anew."""


@dataclass(frozen=True)
class Waiting:
    """A change that waits: for people since `since`, or approved since then."""

    created_at: datetime
    since: datetime
    starts_at: datetime


def request_ends_at(change: Waiting, patience: Patience) -> datetime:
    """When nobody needs to decide any more."""
    longest = change.since + patience.request
    planned = change.starts_at > change.created_at + PLANNED_AFTER and change.starts_at > change.since
    return min(longest, change.starts_at + patience.after_start) if planned else longest


def approval_ends_at(change: Waiting, patience: Patience) -> datetime:
    """When what was agreed to and never began must be asked anew."""
    return max(change.since, change.starts_at) + patience.approval
