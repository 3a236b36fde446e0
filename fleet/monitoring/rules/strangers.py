"""Neighbours by LLDP that are people's: a notebook says no name and is called by its MAC address, which is not kept."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fleet.snmp.values import mac

NAMING = ("name", "port")


def macs(reading: Mapping[str, Any]) -> set[str]:
    """Those that neighbours or their ports are called by."""
    return {found for row in _neighbours(reading) for name in NAMING if (found := mac(row.get(name) or "")) is not None}


def without(reading: dict[str, Any], strangers: Collection[str]) -> dict[str, Any]:
    """The reading without the neighbours that are called by one of these MAC addresses, and without such names of ports."""
    if macs(reading).isdisjoint(strangers):
        return reading
    known = [row for row in _neighbours(reading) if mac(row.get("name") or "") not in strangers]
    kept = [{**row, "port": None} if mac(row.get("port") or "") in strangers else row for row in known]
    return {**reading, "neighbours": kept}


def _neighbours(reading: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from reading.get("neighbours") or []
