"""Whether a fault comes and goes so often that each time is no news any more."""

from collections.abc import Sequence
from datetime import datetime, timedelta

KEPT = 20
"""So many of the latest changes are looked at."""
WINDOW = timedelta(minutes=60)
"""A change weighs 1 at its instant, less and less, and nothing after so long."""
STARTS_AT, STOPS_AT = 3.0, 1.0
"""Weight of all changes at which an alert begins to flap, and at which it has come to rest."""


def noted(changes: Sequence[datetime], at: datetime) -> list[datetime]:
    """With one more change; only the latest are kept."""
    return [*changes, at][-KEPT:]


def weight(changes: Sequence[datetime], now: datetime) -> float:
    return sum(max(0.0, 1 - (now - at) / WINDOW) for at in changes if at <= now)


def flaps(changes: Sequence[datetime], now: datetime, *, already: bool) -> bool:
    """Two limits, so that flapping itself does not flap."""
    found = weight(changes, now)
    return found > STOPS_AT if already else found >= STARTS_AT
