"""When a metric's alert opens and closes: beyond `open` for `hold_s` without a gap, back past `clear` at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fleet.monitoring.metrics import Threshold

HELD = ""
"""Stands in `Health.beyond` for a metric that is not beyond its limit and whose alert is open all the same: it flaps."""
GAP_POLLS = 4
GAP_AT_LEAST = timedelta(minutes=3)
"""Nothing heard for longer than both, so many intervals and this, is a gap: nobody knows what the value was in it."""


class Step(StrEnum):
    NONE = "none"
    OPEN = "open"
    RECUR = "recur"
    """The fault is there again while its alert was kept open."""
    CLOSE = "close"


@dataclass(frozen=True)
class Watch:
    """Where a metric of a device stands: since when it is beyond its limit, and whether an alert tells of it.

    `held`: the alert is open although the value is well.
    """

    beyond_since: datetime | None = None
    alerting: bool = False
    held: bool = False


def suspicious(limits: Mapping[str, Threshold], values: Mapping[str, float], beyond: Collection[str]) -> bool:
    """Whether there is anything to judge: a value beyond its limit, or one that was."""
    if beyond:
        return True
    return any(name in limits and limits[name].crossed(value) for name, value in values.items())


def lasting(since: datetime, heard_at: datetime | None, now: datetime, interval_s: float) -> datetime | None:
    """Since when the value is beyond its limit, as far as it has been seen to be; None after a gap: it begins anew.

    `heard_at`: the answer before this one, None where that does not matter.
    """
    gap = max(GAP_AT_LEAST, timedelta(seconds=GAP_POLLS * interval_s))
    return None if heard_at is not None and now - heard_at > gap else since


def judge(threshold: Threshold | None, value: float, watch: Watch, now: datetime) -> tuple[Step, datetime | None]:
    """What to do about the alert, and since when the value has been beyond the limit. Without a limit nothing is wrong."""
    if threshold is None:
        return (Step.CLOSE if watch.alerting else Step.NONE), None
    if watch.alerting and not watch.held:
        return (Step.CLOSE, None) if threshold.cleared(value) else (Step.NONE, watch.beyond_since or now)
    if not threshold.crossed(value):
        return (Step.CLOSE if watch.held else Step.NONE), None
    since = watch.beyond_since or now
    held_out = now - since >= timedelta(seconds=threshold.hold_s)
    return (_ripe(watch) if held_out else Step.NONE), since


def _ripe(watch: Watch) -> Step:
    return Step.RECUR if watch.held else Step.OPEN
