"""Which single things of a device are measured by themselves: a port, a radio, a sensor."""

from collections.abc import Iterable, Mapping
from typing import Any

from fleet.monitoring.metrics import Metric, Metrics

TOGETHER = {"poe": "interfaces"}
"""Parts whose elements are those of another one: what a port feeds is shown with what it carries."""


def part(metric: Metric) -> str:
    """Where in a reading the metric's elements stand: `interfaces`, `wireless.radios`; for a plain list the list itself."""
    found = ".".join(metric.path[:-1]) or metric.path[0]
    return TOGETHER.get(found, found)


def known(names: Iterable[str], metrics: Metrics) -> list[tuple[str, str]]:
    """[(part, key)] of every element that has values among these names, in the order of the metrics and of the keys."""
    order = {name: position for position, name in enumerate(metrics)}
    found: dict[tuple[str, str], tuple[int, int, str]] = {}
    for name in names:
        metric, _, key = name.partition(".")
        if key and metric in metrics:
            place = (order[metric], int(key) if key.isdecimal() else -1, key)
            one = (part(metrics[metric]), key)
            found[one] = min(found.get(one, place), place)
    return sorted(found, key=lambda one: found[one])


def names(element: tuple[str, str], metrics: Metrics) -> frozenset[str]:
    """What may be measured of one element."""
    where, key = element
    return frozenset(f"{name}.{key}" for name, metric in metrics.items() if part(metric) == where)


def entry(reading: Any, element: tuple[str, str]) -> Mapping[str, Any]:
    """What the latest reading says of it; empty if it is gone, or no more than a number."""
    where, key = element
    for step in where.split("."):
        reading = reading.get(step) if isinstance(reading, dict) else None
    for position, one in enumerate(reading if isinstance(reading, list) else []):
        if isinstance(one, dict) and str(one.get("ifIndex", position)) == key:
            return one
    return {}
