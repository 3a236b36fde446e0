"""What an alert can speak of, besides the metrics of metrics.toml."""

from enum import StrEnum


class Kind(StrEnum):
    UNREACHABLE = "unreachable"
    """A device does not answer."""
    POWER_OFF = "power-off"
    """A building, or all of a site, went silent outside of school hours: probably somebody switched it off."""
    SILENT_SITE = "silent-site"
    """Nothing at a site answers, and no device of it explains that."""
    SILENT_ACCESS_POINT = "silent-access-point"
    """Nobody uses it although its neighbours are full."""


GATHERED = frozenset({Kind.POWER_OFF, Kind.SILENT_SITE})
"""Alerts that speak of many devices; each of those has its own, suppressed by this one."""
ONLY_OF = {
    "ups": frozenset({"ups"}),
    "supplies": frozenset({"printer"}),
    "wireless": frozenset({"access-point", "wireless-controller", "router", "firewall"}),
    "poe": frozenset({"switch", "router", "firewall", "access-point"}),
}
"""{part of a reading: the kinds of device that have it}; every kind may have what is not named."""


def applies(source: str, kind: str) -> bool:
    """Whether a metric with this source is one of that kind of device; nobody knows what an "other" has."""
    kinds = ONLY_OF.get(source.partition(".")[0])
    return kinds is None or kind == "other" or kind in kinds


CHAPTERS = ("device", "wireless", "interfaces", "poe", "supplies", "ups")
"""What metrics speak of, in the order of a page: the device as such first."""


def chapter(source: str) -> str:
    """Which of CHAPTERS a metric with this source belongs to."""
    part = source.partition(".")[0]
    return part if part in CHAPTERS else CHAPTERS[0]


MEASURED_OTHERWISE = frozenset(Kind)
"""Not a metric's: they are no business of the thresholds."""
