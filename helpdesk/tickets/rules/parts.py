"""What a technician takes along, from what monitoring says of a device."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fleet.monitoring.rules.kinds import Kind

SPARE_FOR = frozenset({"access-point", "switch", "router", "firewall", "printer", "ups", "wireless-controller"})
"""Kinds of device of which a depot holds another one; a server or a NAS is not carried along on a guess."""
WORN_BATTERY = frozenset({"battery_charge_percent", "battery_runtime_s"})
LOW_PERCENT = 10
"""A supply from here downwards is changed on the same visit as the one that is empty."""


class Use(StrEnum):
    SPARE = "spare"
    """Another device of the same type, in case that this one is broken."""
    SUPPLY = "supply"
    BATTERY = "battery"


@dataclass(frozen=True, order=True)
class Part:
    use: Use
    name: str
    """Of the supply as the device says it; empty for what the model says already."""
    model: str
    """Maker and model of the device that it is for."""


def parts(kind: str, model: str, faults: Collection[str], supplies: Iterable[Mapping[str, Any]]) -> list[Part]:
    """For one device of this `kind`: `faults` are the kinds of its open alerts, `supplies` those of its Reading."""
    found: list[Part] = []
    if Kind.UNREACHABLE in faults and kind in SPARE_FOR:
        found.append(Part(Use.SPARE, "", model))
    if "supply_percent" in faults:
        found += [Part(Use.SUPPLY, str(one.get("name") or ""), model) for one in supplies if _low(one)]
    if WORN_BATTERY.intersection(faults):
        found.append(Part(Use.BATTERY, "", model))
    return found


def _low(supply: Mapping[str, Any]) -> bool:
    percent = supply.get("percent")
    return percent is not None and percent <= LOW_PERCENT and supply.get("kind") != "input"
