"""What asking a device once has brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.snmp.plan import Plan


@dataclass(frozen=True, slots=True)
class Followed:
    """The numbers that a plan makes of a poll, in the order of its cells."""

    plan: Plan
    numbers: Sequence[float | None]
    plan_id: int | None = None
    """The plan's row; None for one that a walk has just made."""
    walk_soon: bool = False
    """The device is not quite what the plan was made for: something is missing, or it is another device."""
    walk_failed: bool = False
    """It was to be walked, and answered well enough for a poll only: another time."""


@dataclass(frozen=True)
class Measurement:
    """`reading` has the shape of `manage.py probe --json` and comes from a walk; `followed` also from polls in between.

    Neither: no answer, and `reason` says why.
    """

    device_id: int
    measured_at: datetime
    reading: dict[str, Any] | None
    reason: str = ""
    """A Health.Reason value: timeout, auth, unreachable, protocol, busy."""
    followed: Followed | None = None
    listed: Sequence[Mapping[str, Any]] | None = None
    """A controller's whole list of access points (`wireless.access_points` of a reading); None: it says nothing of them."""

    @property
    def answered(self) -> bool:
        return self.reading is not None or self.followed is not None
