"""When a site is to be judged again though nothing new is measured there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.monitoring.rules.causes import RELEASE_AFTER

SOONEST, LATEST = timedelta(seconds=5), timedelta(minutes=1)
"""How often a site is looked at while somebody's silence waits for what others say: often at first, then ever less."""
SHARE = 20
"""What has been waited for so long already is looked for after this part of it."""
ANYWAY = timedelta(minutes=4)
"""Where something is silent: cables are written down, devices move or leave service, and no poll tells of it."""


@dataclass(frozen=True)
class Found:
    """What a judgement leaves. `changed_at`: when a device there was last found down or up.

    `waiting`: somebody is not judged yet; `held`: an alert is open only because it comes and goes; `gathered`: one tells of
    many; `troubled`: anything is silent or told of; `turning`: instants at which something changes by itself.
    """

    changed_at: datetime
    waiting: bool = False
    held: bool = False
    gathered: bool = False
    troubled: bool = False
    turning: Collection[datetime] = ()


def look_again_at(found: Found, now: datetime) -> datetime | None:
    """None: all is well there, and stays so until something else is measured."""
    if not found.troubled:
        return None
    wait = min(LATEST, max(SOONEST, (now - found.changed_at) / SHARE))
    settling = found.waiting or (found.gathered and now - found.changed_at <= RELEASE_AFTER + SOONEST)
    instants = [now + wait] if settling else [now + LATEST] if found.held else [now + ANYWAY]
    return min(*instants, *(one for one in found.turning if one > now), now + ANYWAY)
