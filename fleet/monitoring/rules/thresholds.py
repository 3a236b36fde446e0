"""When a metric's alert opens and closes: beyond `open` for `hold_s`, back past `clear` at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fleet.monitoring.metrics import Threshold


class Step(StrEnum):
    NONE = "none"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True)
class Watch:
    """Where a metric of a device stands: since when it is beyond its limit, and whether an alert tells of it."""

    beyond_since: datetime | None = None
    alerting: bool = False


def judge(threshold: Threshold, value: float, watch: Watch, now: datetime) -> tuple[Step, datetime | None]:
    """What to do about the alert, and since when the value has been beyond the limit."""
    if watch.alerting:
        return (Step.CLOSE, None) if threshold.cleared(value) else (Step.NONE, watch.beyond_since)
    if not threshold.crossed(value):
        return Step.NONE, None
    since = watch.beyond_since or now
    held = now - since >= timedelta(seconds=threshold.hold_s)
    return (Step.OPEN if held else Step.NONE), since
