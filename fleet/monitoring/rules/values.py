"""From a reading to the numbers of a sample. Counters become rates here: never negative, never absurd."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.monitoring.metrics import Metric, Metrics

COUNTER32 = 2**32
"""Counter32 wraps here (RFC 2578 §7.1.6); a Counter64 does not within a device's life."""
SHORTEST_S = 5.0
"""Between two polls of which a rate is told: one error more within milliseconds is none, and many agents look at their own
counters every few seconds only."""
COUNTER64_BITS = 64
FARTHEST: Mapping[int | None, float] = {32: COUNTER32 / 2, COUNTER64_BITS: 0, None: COUNTER32 / 8}
"""{bits of the counter; None: not known: what a step back may stand for when it is taken for a wrap}"""
REBOOT_SLACK_S = 60
REBOOT_SLACK_SHARE = 0.02
"""How much a device's clock may lag behind ours before its uptime counts as restarted."""
HEADROOM = 1.2
"""A rate above the interface's speed by more than this is a counter that jumped."""
FASTEST_BPS = 800e9
"""No interface is faster (IEEE 802.3df); what says no speed of its own is bounded by it."""
BITS_EACH: Mapping[str, float] = {"in_octets": 8, "out_octets": 8, "in_errors": 512, "out_errors": 512}
"""{counter of an interface: the fewest bits on the line for each}; a frame has 64 octets at least (IEEE 802.3)."""
NEVER_WRAP = frozenset({"in_errors", "out_errors"})
"""Counters that a device's life does not fill: a step back is a reset."""

FOLDS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "max": max,
    "min": min,
    "mean": statistics.fmean,
    "sum": sum,
}


@dataclass(frozen=True)
class Said:
    """A reading and when it was taken."""

    reading: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class Folded:
    """A poll's numbers, one per metric: what thresholds are judged by."""

    polled_at: datetime
    values: Mapping[str, float]


def measured(now: Said, before: Said | None, metrics: Metrics) -> dict[str, float | None]:
    """{name: number} of every metric that the reading has: folded over the device, and `<metric>.<key>` of each element.

    The names depend on what the reading holds alone. A rate that cannot be told (yet) is None.
    """
    found: dict[str, float | None] = {}
    for name, metric in metrics.items():
        elements = list(_elements(metric, now, before))
        if not elements:
            continue
        aside = _aside(metric, now.reading)
        found[name] = _folded(metric, [value for key, value in elements if value is not None and key not in aside])
        found |= {f"{name}.{key}": _scaled(metric, value) for key, value in elements if key is not None}
    return found


def folded(measured: Mapping[str, float | None]) -> dict[str, float]:
    """Those that stand for the whole device, as far as they are known."""
    return {name: value for name, value in measured.items() if value is not None and "." not in name}


def sample(now: Said, before: Said | None, metrics: Metrics) -> dict[str, float]:
    """{metric name: number} of all metrics that this reading (and for rates the one before it) gives."""
    return folded(measured(now, before, metrics))


def gauges(reading: Mapping[str, Any], metrics: Metrics) -> dict[str, float]:
    """What one reading alone gives."""
    found = {name: _gauge(metric, reading) for name, metric in metrics.items() if metric.kind == "gauge"}
    return {name: value for name, value in found.items() if value is not None}


def _gauge(metric: Metric, reading: Mapping[str, Any]) -> float | None:
    aside = _aside(metric, reading)
    return _folded(metric, [number for key, number in numbers(reading, metric.path) if key not in aside])


def _aside(metric: Metric, reading: Mapping[str, Any]) -> set[int | None]:
    """Keys of the list elements that do not count in this metric; each by itself is still told."""
    elements = reading.get(metric.path[0]) if metric.without else None
    if not isinstance(elements, list):
        return set()
    return {one.get("ifIndex", at) for at, one in enumerate(elements) if not counts(metric, one)}


def counts(metric: Metric, element: Mapping[str, Any]) -> bool:
    """Whether a list's element counts in what stands for the whole device."""
    return not any(element.get(key) in names for key, names in metric.without.items())


def _elements(metric: Metric, now: Said, before: Said | None) -> Iterator[tuple[int | None, float | None]]:
    if metric.kind == "gauge":
        yield from numbers(now.reading, metric.path)
        return
    old, elapsed_s = _comparable(metric, now, before)
    for key, number in numbers(now.reading, metric.path):
        most_per_s = _fastest(metric, now.reading, key)
        yield key, rate(old[key], number, elapsed_s, most_per_s, bits_of(metric, None)) if key in old else None


def _comparable(metric: Metric, now: Said, before: Said | None) -> tuple[dict[int | None, float], float]:
    """What counters stood at before, by element, and seconds since; nothing if the device restarted in between, or was
    asked only just now."""
    elapsed_s = (now.at - before.at).total_seconds() if before is not None else 0.0
    if before is None or elapsed_s < SHORTEST_S:
        return {}, 0.0
    if rebooted(before.reading.get("uptime_s"), now.reading.get("uptime_s"), elapsed_s):
        return {}, 0.0
    return dict(numbers(before.reading, metric.path)), elapsed_s


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else round(value * metric.scale, 3)


def _folded(metric: Metric, found: Sequence[float]) -> float | None:
    return round(FOLDS[metric.fold](found) * metric.scale, 3) if found else None


def numbers(reading: Any, path: Sequence[str], key: int | None = None) -> Iterator[tuple[int | None, float]]:
    """Every number at the path, with the ifIndex (else the position) of the list element that it stands in."""
    if isinstance(reading, list):
        for position, element in enumerate(reading):
            own = element.get("ifIndex", position) if isinstance(element, dict) else position
            yield from numbers(element, path, own)
    elif not path:
        if isinstance(reading, int | float):
            yield key, float(reading)
    elif isinstance(reading, dict):
        yield from numbers(reading.get(path[0]), path[1:], key)


def rebooted(before_s: float | None, now_s: float | None, elapsed_s: float) -> bool:
    """Whether the device restarted in between: it would have to have run longer. (sysUpTime's own wrap counts as one.)"""
    if before_s is None or now_s is None:
        return False
    return now_s < before_s + elapsed_s * (1 - REBOOT_SLACK_SHARE) - REBOOT_SLACK_S or now_s < before_s


def rate(old: float, new: float, elapsed_s: float, most_per_s: float | None, bits: int | None = None) -> float | None:
    """Per second. A step back of a counter that may have 32 bits is a wrap if it is not far around, else the counter was
    reset: None."""
    step = new - old
    if step < 0:
        step += COUNTER32
        if old >= COUNTER32 or step > FARTHEST[bits]:
            return None
    per_s = step / elapsed_s
    return per_s if most_per_s is None or per_s <= most_per_s else None


def fastest(metric: Metric, speed_bps: float | None) -> float | None:
    """How many of them a second an interface can carry at all; None: it is none of an interface."""
    each = BITS_EACH.get(metric.path[-1])
    return (speed_bps or FASTEST_BPS) / each * HEADROOM if each else None


def bits_of(metric: Metric, bits: int | None) -> int | None:
    """How wide a counter counts as."""
    return COUNTER64_BITS if metric.path[-1] in NEVER_WRAP else bits


def _fastest(metric: Metric, reading: Mapping[str, Any], key: int | None) -> float | None:
    return fastest(metric, dict(numbers(reading, (metric.path[0], "speed_bps"))).get(key))
