"""Which partitions a table should have, and which it no longer needs. Bounds are instants of UTC."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Step(StrEnum):
    """How long a stretch of time one partition holds."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


FORMATS = {Step.DAY: "%Y%m%d", Step.MONTH: "%Y%m", Step.YEAR: "%Y"}


@dataclass(frozen=True)
class Partition:
    """Holds `begin` ≤ time < `end`."""

    name: str
    begin: datetime
    end: datetime


def partition(table: str, step: Step, at: datetime) -> Partition:
    """The one that takes `at`."""
    begin = _begin(step, at.astimezone(UTC))
    return Partition(f"{table}_{begin.strftime(FORMATS[step])}", begin, _next(step, begin))


def wanted(table: str, step: Step, now: datetime, ahead: timedelta) -> Iterator[Partition]:
    """Those from now on until `ahead`: a worker that makes them may be away for as long."""
    one = partition(table, step, now)
    while one.begin <= now + ahead:
        yield one
        one = partition(table, step, one.end)


def expired(names: Iterable[str], table: str, step: Step, before: datetime) -> list[str]:
    """Of a table's partitions those that hold nothing from `before` on; oldest first. Other names are left alone."""
    found = [one for name in names if (one := _named(name, table, step)) is not None and one.end <= before]
    return [one.name for one in sorted(found, key=lambda one: one.begin)]


def _named(name: str, table: str, step: Step) -> Partition | None:
    try:
        begin = datetime.strptime(name.removeprefix(f"{table}_"), FORMATS[step]).replace(tzinfo=UTC)
    except ValueError:
        return None  # the default partition, or one made by hand
    one = partition(table, step, begin)
    return one if one.name == name else None


def _begin(step: Step, at: datetime) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if step is Step.DAY:
        return midnight
    return midnight.replace(day=1) if step is Step.MONTH else midnight.replace(month=1, day=1)


def _next(step: Step, begin: datetime) -> datetime:
    longest = {Step.DAY: timedelta(days=1), Step.MONTH: timedelta(days=31), Step.YEAR: timedelta(days=366)}
    return _begin(step, begin + longest[step])
