"""From the numbers of a plan to those of a sample: the same as `values`, worked out once per plan instead of once per poll.

Numbers come as `fleet.snmp.plan.Plan.values` gives them, one per cell. Counters become rates: never negative or absurd.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from fleet.monitoring.metrics import Metric, Metrics
from fleet.monitoring.rules.values import BITS_EACH, FOLDS, SHORTEST_S, bits_of, counts, fastest, rate, rebooted

Numbers = Sequence[float | None]
SHORTEST = timedelta(seconds=SHORTEST_S)
DIGITS = 3
ALSO_FOLLOWED = (
    "interfaces.oper",
    "interfaces.admin",
    "interfaces.speed_bps",
    "interfaces.out_errors",
    "wireless.radios.clients",
    "wireless.access_point_count",
    "poe.status",
    "poe.admin",
)
"""Beside what the metrics need: what a page shows of this very moment, and the speed that no rate may exceed."""


class Cell(Protocol):
    """What a plan tells of one number."""

    @property
    def path(self) -> str: ...
    @property
    def key(self) -> int | None: ...
    @property
    def kept(self) -> Mapping[str, Any]: ...
    @property
    def counter_bits(self) -> int | None: ...


def followed(metrics: Metrics) -> tuple[str, ...]:
    """The paths of a reading that a plan is made for."""
    return tuple(dict.fromkeys([*(metric.source for metric in metrics.values()), *ALSO_FOLLOWED]))


def telling(metrics: Metrics) -> dict[str, tuple[str, ...]]:
    """{path: what of a list's elements decides whether they count}"""
    return {metric.source: tuple(metric.without) for metric in metrics.values() if metric.without}


def uncounted(cells: Sequence[Cell], numbers: Numbers, metrics: Metrics) -> list[float | None]:
    """The numbers without those of counters."""
    counters = {metric.source for metric in metrics.values() if metric.kind == "counter"}
    return [None if cell.path in counters else one for cell, one in zip(cells, numbers, strict=True)]


@dataclass(frozen=True)
class Poll:
    """The numbers of one poll."""

    at: datetime
    numbers: Numbers


@dataclass(frozen=True, slots=True)
class _Part:
    """One metric: where its elements' cells are, and where their numbers go."""

    metric: Metric
    elements: tuple[tuple[int, int | None, int | None], ...]
    """(cell, the cell of the speed that bounds it, bits of the counter)"""
    counting: tuple[int, ...]
    """Cells of those elements that count in what stands for the device."""
    folded_at: int
    elements_at: int | None
    """Where the elements' own values begin; None where the device has the one value only."""


class Series:
    """The values of all metrics that a plan's cells give. `names` and what `values` gives are in one order."""

    def __init__(self, cells: Sequence[Cell], metrics: Metrics) -> None:
        self._uptime = next((at for at, cell in enumerate(cells) if cell.path == "uptime_s"), None)
        speeds = {cell.key: at for at, cell in enumerate(cells) if cell.path == "interfaces.speed_bps"}
        names: list[str] = []
        self._parts: list[_Part] = []
        for metric in metrics.values():
            own = [(at, cell) for at, cell in enumerate(cells) if cell.path == metric.source]
            if own:
                self._parts.append(_part(metric, own, speeds, len(names)))
                names += [metric.name, *(f"{metric.name}.{cell.key}" for _, cell in own if cell.key is not None)]
        self.names = tuple(names)
        counters = (part for part in self._parts if part.metric.kind == "counter")
        self._counters = tuple(at for part in counters for at, _speed, _bits in part.elements)
        self.folded = tuple((part.metric.name, part.folded_at) for part in self._parts)
        self._works: list[Callable[[list[float | None], Numbers, Numbers | None, float], None]] = [
            _counting(part) if part.metric.kind == "counter" else _gauging(part) for part in self._parts
        ]

    @cached_property
    def empty(self) -> list[float | None]:
        return [None] * len(self.names)

    def values(self, now: Poll, before: Poll | None) -> list[float | None]:
        """Rates only where the device was heard before, a while ago, later than its last restart."""
        elapsed_s = (now.at - before.at).total_seconds() if before is not None else 0.0
        usable = before is not None and elapsed_s >= SHORTEST_S and not self.restarted(now, before)
        old = before.numbers if before is not None and usable else None
        found = self.empty.copy()
        for work in self._works:
            work(found, now.numbers, old, elapsed_s)
        return found

    def base(self, now: Poll, before: Poll | None) -> Poll:
        """What the next rates begin at: this poll, or while it is too early for rates the counters of the one before."""
        if before is None or not timedelta() < now.at - before.at < SHORTEST or self.restarted(now, before):
            return now
        numbers = list(now.numbers)
        for at in self._counters:
            numbers[at] = before.numbers[at]
        return Poll(before.at, numbers)

    def restarted(self, now: Poll, before: Poll) -> bool:
        """Whether the device has restarted in between."""
        if self._uptime is None:
            return False
        elapsed_s = (now.at - before.at).total_seconds()
        return rebooted(before.numbers[self._uptime], now.numbers[self._uptime], elapsed_s)

    def of_the_device(self, values: Numbers) -> dict[str, float]:
        """{metric: number} folded over the device, of what it said."""
        return {name: value for name, at in self.folded if (value := values[at]) is not None}


def _part(metric: Metric, own: Sequence[tuple[int, Cell]], speeds: Mapping[int | None, int], begin: int) -> _Part:
    bounded = metric.path[-1] in BITS_EACH
    elements = tuple((at, speeds.get(cell.key) if bounded else None, bits_of(metric, cell.counter_bits)) for at, cell in own)
    counting = tuple(at for at, cell in own if counts(metric, cell.kept))
    return _Part(metric, elements, counting, begin, begin + 1 if own[0][1].key is not None else None)


def _gauging(part: _Part) -> Callable[[list[float | None], Numbers, Numbers | None, float], None]:
    scale, fold, cells = part.metric.scale, FOLDS[part.metric.fold], [at for at, *_ in part.elements]
    first, folded_at, counting = part.elements_at, part.folded_at, part.counting

    def gauge(found: list[float | None], now: Numbers, _old: Numbers | None, _elapsed_s: float) -> None:
        said = [number * scale for at in counting if (number := now[at]) is not None]
        if said:
            found[folded_at] = round(fold(said), DIGITS)
        if first is None:
            return
        if len(said) == len(cells):
            found[first : first + len(cells)] = said
        else:
            found[first : first + len(cells)] = [None if (one := now[at]) is None else one * scale for at in cells]

    return gauge


def _counting(part: _Part) -> Callable[[list[float | None], Numbers, Numbers | None, float], None]:
    scale, fold = part.metric.scale, FOLDS[part.metric.fold]
    first, folded_at = part.elements_at, part.folded_at
    elements, counting = part.elements, {*part.counting}
    aside = frozenset(position for position, (at, *_) in enumerate(elements) if at not in counting)
    at_most, per_bps = fastest(part.metric, None), fastest(part.metric, 1.0) or 0.0

    def count(found: list[float | None], now: Numbers, old: Numbers | None, elapsed_s: float) -> None:
        if old is None:
            return
        rates = [
            _rate(old[at], now[at], elapsed_s, at_most if speed is None else (now[speed] or 0) * per_bps or at_most, bits)
            for at, speed, bits in elements
        ]
        said = [one for at, one in enumerate(rates) if one is not None and at not in aside]
        if said:  # else every element is set aside, or none has a rate yet
            found[folded_at] = round(fold(said) * scale, DIGITS)
        if first is not None:
            found[first : first + len(rates)] = [None if one is None else one * scale for one in rates]

    return count


def _rate(old: float | None, new: float | None, elapsed_s: float, most: float | None, bits: int | None) -> float | None:
    if old is None or new is None:
        return None
    if new < old:
        return rate(old, new, elapsed_s, most, bits)
    found = (new - old) / elapsed_s
    return None if most is not None and found > most else found


# How the numbers of the last poll are kept: double precision, because counters of 64 bits are among them.

_NOT_SAID = float("nan")


def pack(numbers: Numbers) -> bytes:
    return array("d", [_NOT_SAID if one is None else one for one in numbers]).tobytes()


def unpack(packed: bytes) -> list[float | None]:
    numbers = array("d")
    numbers.frombytes(packed)
    return [None if one != one else one for one in numbers]  # noqa: PLR0124 - only NaN differs from itself
