"""What our metrics are called at Prometheus: base units, and the unit as suffix (https://prometheus.io/docs/practices/naming/)."""

import math
from collections.abc import Sequence

from fleet.monitoring.metrics import Metric

PREFIX = "fleetdesk_device_"
UNITS = {
    "percent": ("_ratio", 0.01),
    "celsius": ("_celsius", 1.0),
    "seconds": ("_seconds", 1.0),
    "watts": ("_watts", 1.0),
    "clients": ("", 1.0),
    "bits-per-second": ("_bits_per_second", 1.0),
    "per-second": ("_per_second", 1.0),
    "yes-no": ("", 1.0),
}
"""Suffix and factor by our unit. Rates stay bits per second: it is what links are sold and alarmed by."""
OWN_SUFFIXES = ("_per_s", "_percent", "_bps", "_c", "_s", "_w")


def name(metric: Metric) -> str:
    """`traffic_in_bps` → `fleetdesk_device_traffic_in_bits_per_second`."""
    suffix, _factor = UNITS[metric.unit]
    own = next((one for one in OWN_SUFFIXES if metric.name.endswith(one)), "") if suffix else ""
    return f"{PREFIX}{metric.name.removesuffix(own)}{suffix}"


def value(metric: Metric, said: float) -> float:
    """In the base unit: 12.5 per cent are a ratio of 0.125."""
    return round(said * UNITS[metric.unit][1], 6)


QUANTILES = (0.5, 0.95, 1.0)


def quantile_places(count: int) -> list[int]:
    """Which of `count` values in falling order stand for QUANTILES (nearest rank): the largest is that of 1."""
    return [count - max(1, math.ceil(share * count)) for share in QUANTILES] if count else []


def lags(found: Sequence[float]) -> list[tuple[list[str], float]]:
    """[([quantile], seconds)]; nothing is late where nothing is due."""
    said = list(found) or [0.0] * len(QUANTILES)
    return [([f"{share:g}"], max(0.0, lag)) for share, lag in zip(QUANTILES, said, strict=True)]
