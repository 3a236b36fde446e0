"""From a reading to the numbers of a sample. Counters become rates here: never negative, never absurd."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.monitoring.metrics import Metric, Metrics

COUNTER32 = 2**32
"""Counter32 wraps here (RFC 2578 §7.1.6); a Counter64 does not within a device's life."""
REBOOT_SLACK_S = 60
REBOOT_SLACK_SHARE = 0.02
"""How much a device's clock may lag behind ours before its uptime counts as restarted."""
HEADROOM = 1.2
"""A rate above the interface's speed by more than this is a counter that jumped."""
OCTET_BITS = 8

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


def sample(now: Said, before: Said | None, metrics: Metrics) -> dict[str, float]:
    """{metric name: number} of all metrics that this reading (and for rates the one before it) gives."""
    found = {name: _value(metric, now, before) for name, metric in metrics.items()}
    return {name: value for name, value in found.items() if value is not None}


def gauges(reading: Mapping[str, Any], metrics: Metrics) -> dict[str, float]:
    """What one reading alone gives."""
    found = {name: _gauge(metric, reading) for name, metric in metrics.items() if metric.kind == "gauge"}
    return {name: value for name, value in found.items() if value is not None}


def _value(metric: Metric, now: Said, before: Said | None) -> float | None:
    if metric.kind == "gauge":
        return _gauge(metric, now.reading)
    return _counter(metric, now, before) if before is not None else None


def _gauge(metric: Metric, reading: Mapping[str, Any]) -> float | None:
    return _folded(metric, [number for _key, number in numbers(reading, metric.path)])


def _counter(metric: Metric, now: Said, before: Said) -> float | None:
    elapsed_s = (now.at - before.at).total_seconds()
    if elapsed_s <= 0 or rebooted(before.reading.get("uptime_s"), now.reading.get("uptime_s"), elapsed_s):
        return None
    old = dict(numbers(before.reading, metric.path))
    rates = (
        rate(old[key], number, elapsed_s, _fastest(metric, now.reading, key))
        for key, number in numbers(now.reading, metric.path)
        if key in old
    )
    return _folded(metric, [found for found in rates if found is not None])


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


def rate(old: float, new: float, elapsed_s: float, most_per_s: float | None) -> float | None:
    """Per second. A step back is a 32-bit wrap if it went less than half way around, else the counter was reset: None."""
    step = new - old
    if step < 0:
        step += COUNTER32
        if old >= COUNTER32 or step > COUNTER32 / 2:
            return None
    per_s = step / elapsed_s
    return per_s if most_per_s is None or per_s <= most_per_s else None


def _fastest(metric: Metric, reading: Mapping[str, Any], key: int | None) -> float | None:
    """Octets per second that the interface can carry at all."""
    if not metric.path[-1].endswith("_octets"):
        return None
    speeds = dict(numbers(reading, (metric.path[0], "speed_bps")))
    return speeds[key] / OCTET_BITS * HEADROOM if speeds.get(key) else None
