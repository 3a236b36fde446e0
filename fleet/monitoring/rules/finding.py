"""What a reading tells of a device that nobody has told us of."""

from typing import Any

from fleet.devices.models import DeviceType
from fleet.devices.rules import AddressError
from fleet.devices.rules import mac as normal_mac
from fleet.snmp.types import Reading

UNKNOWN_MAKE = "–"
"""Manufacturer or model of a device that does not say."""


def columns(reading: Reading) -> dict[str, str]:
    """The columns of `Found` that a reading fills, none longer than its column."""
    kinds = DeviceType.Kind
    return {
        "name": (reading.sysName or "")[:100],
        "kind": reading.kind if reading.kind in kinds.values else kinds.OTHER,
        "vendor": (reading.vendor or "")[:100],
        "model": (reading.model or "")[:100],
        "serial": (reading.serial or "")[:100],
        "mac": _first_mac(reading),
        "description": (reading.sysDescr or "")[:255],
    }


def _first_mac(reading: Reading) -> str:
    found = (_mac(one.mac) for one in reading.interfaces or ())
    return next((one for one in found if one), "")


def _mac(said: Any) -> str:
    try:
        return normal_mac(said) if said else ""
    except AddressError:
        return ""  # some agents give an interface without a MAC a shorter one


def free_name(wanted: str, mac: str, taken: set[str]) -> str:
    """`wanted`, or with the end of its MAC address (else a number) behind it where the site has that name already."""
    if wanted not in taken:
        return wanted
    tail = mac.replace(":", "")[-6:]
    candidates = ([f"{wanted} {tail}"] if tail else []) + [f"{wanted} {n}" for n in range(2, len(taken) + 3)]
    return next(one for one in candidates if one not in taken)
