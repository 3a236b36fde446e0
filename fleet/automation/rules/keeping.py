"""When a device's configuration is fetched, and which old ones are kept. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

NIGHT_BEGINS, NIGHT = time(1), timedelta(hours=4)
AGAIN_AFTER = timedelta(minutes=30)
"""A device that did not answer is asked again then."""
KEEP_ALL = timedelta(days=90)


def night_of(now: datetime) -> datetime:
    """The beginning of the last night that has begun, in `now`'s own time zone."""
    begins = now.replace(hour=NIGHT_BEGINS.hour, minute=0, second=0, microsecond=0)
    return begins if begins <= now else begins - timedelta(days=1)


def turn(device_id: int, night: datetime) -> datetime:
    """When this device's turn is: spread over the night, each night at the same time."""
    minutes = int(NIGHT.total_seconds() // 60)
    return night + timedelta(minutes=device_id * 61 % minutes)


@dataclass(frozen=True)
class Known:
    """What is known of a device's backups."""

    device_id: int
    tried_at: datetime | None = None
    succeeded_at: datetime | None = None
    wanted_since: datetime | None = None
    """A change has ended on it since."""


def is_due(known: Known, now: datetime) -> bool:
    """Whether the configuration is to be fetched now. After its turn a missed one is made up for at any hour."""
    if known.tried_at is not None and now - known.tried_at < AGAIN_AFTER and not _new_wish(known):
        return False
    if known.wanted_since is not None:
        return True
    night = night_of(now)
    return turn(known.device_id, night) <= now and (known.succeeded_at is None or known.succeeded_at < night)


def _new_wish(known: Known) -> bool:
    return known.wanted_since is not None and (known.tried_at is None or known.tried_at < known.wanted_since)


def superfluous(versions: Iterable[tuple[int, datetime]], now: datetime) -> Sequence[int]:
    """Ids of versions that may go: all of the last days stay, of those before one a month, and always the latest.

    `versions`: (id, when fetched) of one device.
    """
    newest_first = sorted(versions, key=lambda one: (one[1], one[0]), reverse=True)
    months: set[tuple[int, int]] = set()
    gone = []
    for position, (pk, at) in enumerate(newest_first):
        month = (at.year, at.month)
        if position == 0 or now - at <= KEEP_ALL:
            continue
        if month in months:
            gone.append(pk)
        months.add(month)
    return gone
