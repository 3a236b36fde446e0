"""From polls to hours, from hours to days: count, lowest, mean and highest of every value.

An hour is one of UTC, so that it has sixty minutes in every night. A day is one of people: from midnight to midnight on the
wall's clock, 23 or 25 hours long twice a year.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from operator import mul

from fleet.monitoring.rules.packing import SIZE, pack, unpack, value_at

HOUR = timedelta(hours=1)
GRACE = timedelta(minutes=5)
"""How long after its end an hour waits: what was asked in it has been written down by then, or counts as late."""

Names = tuple[str, ...]


class Grain(StrEnum):
    POLL = "poll"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of `count` values."""

    count: int
    low: float
    mean: float
    high: float

    def __add__(self, other: "Summary") -> "Summary":
        count = self.count + other.count
        mean = (self.mean * self.count + other.mean * other.count) / count
        return Summary(count, min(self.low, other.low), mean, max(self.high, other.high))


@dataclass(frozen=True, slots=True)
class Packed:
    """A row's names, and its octets: of a poll one run of values; of a roll-up four, counts, lows, means and highs."""

    names: Names
    octets: bytes


RUNS = 4


def of_polls(rows: Iterable[Packed]) -> Packed:
    """The roll-up of polls, in their order. A layout that changes on the way loses nothing: names are united."""
    found: dict[str, Summary | None] = {}
    for names, group in groupby(rows, key=lambda row: row.names):
        columns = zip(*(unpack(row.octets) for row in group), strict=True)
        for name, column in zip(names, columns, strict=True):
            _add(found, name, _summary(column))
    return _packed(found)


def of_rollups(rows: Iterable[Packed]) -> Packed:
    """The roll-up of roll-ups, in their order."""
    found: dict[str, Summary | None] = {}
    for names, group in groupby(rows, key=lambda row: row.names):
        columns = list(zip(*(unpack(row.octets) for row in group), strict=True))
        for position, name in enumerate(names):
            _add(found, name, _united(columns[position :: len(names)]))
    return _packed(found)


def summary_at(octets: bytes, position: int) -> Summary | None:
    """One value's summary out of a roll-up; None: not said once."""
    width = len(octets) // SIZE // RUNS
    count, low, mean, high = (value_at(octets, run * width + position) for run in range(RUNS))
    if not count or low is None or mean is None or high is None:
        return None
    return Summary(int(count), low, mean, high)


def _summary(column: Sequence[float]) -> Summary | None:
    total = sum(column)
    if math.isfinite(total):  # as nearly always: everything was said
        return Summary(len(column), min(column), total / len(column), max(column))
    said = [value for value in column if math.isfinite(value)]
    return Summary(len(said), min(said), sum(said) / len(said), max(said)) if said else None


def _united(columns: Sequence[Sequence[float]]) -> Summary | None:
    """Of RUNS columns: counts, lows, means, highs of one value."""
    counts, lows, means, highs = columns
    if not all(counts):
        said = [one for one in zip(counts, lows, means, highs, strict=True) if one[0]]
        if not said:
            return None
        counts, lows, means, highs = zip(*said, strict=True)
    count = sum(counts)
    return Summary(int(count), min(lows), sum(map(mul, counts, means)) / count, max(highs))


def _add(found: dict[str, Summary | None], name: str, more: Summary | None) -> None:
    before = found.get(name)
    found[name] = before + more if before is not None and more is not None else before or more


def _packed(found: Mapping[str, Summary | None]) -> Packed:
    all_of = found.values()
    counts = [one.count if one else 0 for one in all_of]
    runs = [[getattr(one, part) if one else None for one in all_of] for part in ("low", "mean", "high")]
    return Packed(tuple(found), pack(counts) + b"".join(pack(run) for run in runs))


# --- stretches of time ------------------------------------------------------------------------------------------------


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime, zone: tzinfo) -> datetime:
    """The instant at which the day of people began; in UTC."""
    return at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def end_of(grain: Grain, begin: datetime, zone: tzinfo) -> datetime:
    """`begin` is one that `hour_of` or `day_of` gave."""
    return begin + HOUR if grain is Grain.HOUR else day_of(begin + timedelta(hours=36), zone)
