"""When a device is asked next, and when silence counts."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

CONFIRM = 3
"""So many failed polls in a row make a device "not answering"."""
PATIENCE = 2 * CONFIRM
"""So long a silent device is asked at the quick pace, and its alert waits for what its uplink has to say."""
RETRIES = 1
"""How often a request is sent again that nobody answers."""
CONFIRMING_RETRIES = 3
"""The same of polls that may confirm a silence: of a line that loses a third of all datagrams, a device is said to be down
once in 20,000 polls instead of once in 200."""
BACK_OFF_EVERY = 10
"""After so many further failures the interval doubles, twice at most."""
MOST_DOUBLINGS = 2
SPREAD = 0.1
"""Share of an interval over which devices spread that are put off together."""
LEAST_APART = 0.5
"""Share of an interval that lies between two polls at least: one that was later stands for the next one, too."""
GOLDEN = 0.6180339887498949
"""Multiples of it fill the unit interval evenly, however many there are (Knuth, TAOCP 3, 6.4)."""
WALK_EVERY_S = 3600.0
"""How often a device is read as a whole; polls in between ask for known instances only."""
WALK_SPREAD = 0.25
WALK_AGAIN_S = 300.0
"""A device that is not what its plan says is walked early, but not more often than this."""
WALK_PATIENCE = timedelta(seconds=20)
"""A poll that has been due for longer goes without the walk that is due with it: numbers are worth more than names."""
WALK_AT_LAST = timedelta(hours=1)
"""A walk that has been due for longer is made however late the poll is."""
FARTHEST_WALK = timedelta(seconds=2 * WALK_EVERY_S)
"""No walk is planned so far ahead."""


class Status(StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Availability:
    status: Status
    since: datetime
    failures: int = 0
    failing_since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Pace:
    interval_s: float
    retry_s: float


def answered(before: Availability, now: datetime) -> Availability:
    """One answer is proof enough that a device runs."""
    since = before.since if before.status is Status.UP else now
    return Availability(Status.UP, since)


def failed(before: Availability, reason: str, now: datetime) -> Availability:
    """Silence counts from its first instant, but only once it is confirmed."""
    failures, failing_since = before.failures + 1, before.failing_since or now
    after = replace(before, failures=failures, failing_since=failing_since, reason=reason)
    if before.status is Status.DOWN or failures < CONFIRM:
        return after
    return replace(after, status=Status.DOWN, since=failing_since)


def retries(failures: int) -> int:
    """For a device that was silent so often in a row."""
    return CONFIRMING_RETRIES if 0 < failures < CONFIRM else RETRIES


def doubtful(before: Availability, after: Availability) -> bool:
    """Whether a poll has changed what a judge of the site may find: the device is down or up again, or patience with its
    uplink is over. One more unanswered poll of a device that is known to be down changes nothing."""
    if Status.DOWN not in (before.status, after.status):
        return False
    return before.status is not after.status or before.failures < PATIENCE <= after.failures


def place(device_id: int) -> float:
    """A device's own place within every interval, 0 ≤ x < 1: neighbours in number are asked far apart."""
    return device_id * GOLDEN % 1


def next_poll_at(after: Availability, now: datetime, pace: Pace, place: float) -> datetime:
    """The next time its place within the interval comes, so that a poll that was late makes no other one late and devices
    never bunch. Silent ones are asked quickly while that decides something, later ever more seldom."""
    if 0 < after.failures < PATIENCE:
        return now + timedelta(seconds=pace.retry_s)
    doublings = min(MOST_DOUBLINGS, max(0, after.failures - PATIENCE) // BACK_OFF_EVERY)
    interval_s = pace.interval_s * 2**doublings
    earliest = now.timestamp() + interval_s * LEAST_APART
    rest_s = (place * interval_s - earliest) % interval_s
    return now + timedelta(seconds=interval_s * LEAST_APART + rest_s)


def farthest(interval_s: float) -> timedelta:
    """No poll at this pace is planned so far ahead."""
    return timedelta(seconds=2 * interval_s * 2**MOST_DOUBLINGS)


def next_walk_at(walked_at: datetime, chance: float) -> datetime:
    """`chance` is 0 ≤ x < 1: devices that came into service together shall not be walked together for ever."""
    return walked_at + timedelta(seconds=WALK_EVERY_S * (1 - WALK_SPREAD * chance))


def walks(walk_due_at: datetime, poll_due_at: datetime, now: datetime) -> bool:
    """Whether a device that has a plan is walked with this poll."""
    in_time = poll_due_at >= now - WALK_PATIENCE or walk_due_at < now - WALK_AT_LAST
    return walk_due_at <= now and in_time


def walk_again_at(now: datetime) -> datetime:
    """After a walk that was not got through: on a bad line each try is long."""
    return now + timedelta(seconds=WALK_AGAIN_S)


def early_walk_at(walked_at: datetime, now: datetime) -> datetime:
    """For a device that has restarted, or lacks what it had."""
    return max(now, walked_at + timedelta(seconds=WALK_AGAIN_S))


def put_off_until(now: datetime, pace: Pace, chance: float) -> datetime:
    """For a silent device at a site where nobody answers: asking it would say nothing new."""
    return now + timedelta(seconds=pace.interval_s * (1 + SPREAD * chance))
