"""Neighbours by LLDP that are people's: a notebook says no name and goes by its MAC or IP address, which is not kept."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fleet.devices.rules import AddressError
from fleet.devices.rules import address as ip
from fleet.snmp.values import mac

NAMING = ("name", "port")


def macs(reading: Mapping[str, Any]) -> set[str]:
    """MAC addresses that neighbours or their ports are called by."""
    return {found for name in _names(reading) if (found := mac(name)) is not None}


def ips(reading: Mapping[str, Any]) -> set[str]:
    """IP addresses that they are called by, in canonical form."""
    return {found for name in _names(reading) if (found := _ip(name)) is not None}


def _names(reading: Mapping[str, Any]) -> Iterator[str]:
    yield from (row.get(name) or "" for row in _neighbours(reading) for name in NAMING)


def _ip(name: str) -> str | None:
    try:
        return ip(name)
    except AddressError:
        return None


def _address(name: str | None) -> str | None:
    return mac(name or "") or _ip(name or "")


def without(reading: dict[str, Any], strangers: Collection[str]) -> dict[str, Any]:
    """The reading without the neighbours that are called by one of these addresses, and without such names of ports."""
    if (macs(reading) | ips(reading)).isdisjoint(strangers):
        return reading
    known = [row for row in _neighbours(reading) if _address(row.get("name")) not in strangers]
    kept = [{**row, "port": None} if _address(row.get("port")) in strangers else row for row in known]
    return {**reading, "neighbours": kept}


def _neighbours(reading: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from reading.get("neighbours") or []
