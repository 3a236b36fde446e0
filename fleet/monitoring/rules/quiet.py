"""An access point that nobody uses during a lesson although its neighbours are full: it runs, and it does not work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

HOLD = timedelta(minutes=10)
"""A class that is outside, or one that has no devices, comes back or begins within that time."""
FULL = 5
"""Clients of the middle one of its neighbours."""
ENOUGH = 2
"""One neighbour alone may serve the only class that is in the house."""
PUBLIC_FROM = 5
"""On views for everybody, smaller numbers of people are not told."""


class Step(StrEnum):
    NONE = "none"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True)
class Spot:
    """An access point that answers: where it hangs and how many are connected (None: it does not say)."""

    device: int
    clients: int | None
    site: int
    building: int | None = None
    floor: int | None = None
    switches: frozenset[int] = field(default=frozenset())


def neighbours(spot: Spot, spots: Iterable[Spot]) -> list[Spot]:
    """On the same floor or the same switch; where there are too few of those, the rest of the site."""
    others = [one for one in spots if one.site == spot.site and one.device != spot.device and one.clients is not None]
    near = [one for one in others if _same_floor(spot, one) or spot.switches & one.switches]
    return near if len(near) >= ENOUGH else others


def _same_floor(one: Spot, other: Spot) -> bool:
    return one.building is not None and (one.building, one.floor) == (other.building, other.floor)


def stands_out(spot: Spot, around: Sequence[Spot]) -> bool:
    """Nobody is on it, and there is a crowd around it."""
    counts = [one.clients for one in around if one.clients is not None]
    return spot.clients == 0 and len(counts) >= ENOUGH and median(counts) >= FULL


def judge(spot: Spot, around: Sequence[Spot], since: datetime | None, now: datetime, *, alerting: bool) -> tuple[Step, bool]:
    """What to do about the alert, and whether it goes on standing out. Only a client ends it."""
    if alerting:
        return (Step.CLOSE if spot.clients else Step.NONE), False
    if not stands_out(spot, around):
        return Step.NONE, False
    return (Step.OPEN if since is not None and now - since >= HOLD else Step.NONE), True


def public_count(count: float) -> str:
    """ "<5" below five: a number of people so small may point at one of them."""
    return f"<{PUBLIC_FROM}" if count < PUBLIC_FROM else f"{count:.0f}"
