"""Made-up devices, some lines each (devices/*.toml): which profile takes them, and what must be read of them.

Names below enterprises are shortened: ``E.318.1`` is ``1.3.6.1.4.1.318.1``. What is expected stands under dotted names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.profiles import Resolved
from fleet.snmp.types import Oid, Value

DIRECTORY = Path(__file__).parent / "devices"
SYS_DESCR, SYS_OBJECT_ID = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"

DEVICES = [
    pytest.param(device, id=f"{path.stem}-{number}-{device['profile']}")
    for path in sorted(DIRECTORY.glob("*.toml"))
    for number, device in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["device"], start=1)
]


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_says_what_it_is_and_how_it_is(device: dict[str, Any]) -> None:
    objects = _objects(device)
    profile = _picked(device, objects)
    columns = {column: _column(column, objects) for group in profile.columns for column in group}

    reading = _flat(interpret(profile, Answers(objects, columns)).as_dict())

    assert reading["profile"] == device["profile"]
    assert {name: reading.get(name) for name in device["expected"]} == device["expected"]


def _objects(device: Mapping[str, Any]) -> dict[Oid, Value]:
    written = {SYS_OBJECT_ID: device["sysObjectID"], SYS_DESCR: device["sysDescr"], **device.get("objects", {})}
    return {_full(oid): _value(oid, value) for oid, value in written.items()}


def _full(oid: str) -> Oid:
    return oid.replace("E.", "1.3.6.1.4.1.", 1) if oid.startswith("E.") else oid


def _value(oid: str, written: Any) -> Value:
    """Text arrives as octets; an object identifier is one where the MIB says so, or where it is shortened."""
    if isinstance(written, str):
        return _full(written) if oid == SYS_OBJECT_ID or written.startswith("E.") else written.encode("latin-1")
    return written  # type: ignore[no-any-return]  # a number of the file


def _picked(device: Mapping[str, Any], objects: Mapping[Oid, Value]) -> Resolved:
    candidates = profiles.default().candidates(_full(device["sysObjectID"]), device["sysDescr"])
    return next(
        profile for profile, match in candidates if not match.present or any(oid in objects for oid in match.present)
    )


def _column(column: Oid, objects: Mapping[Oid, Value]) -> dict[str, Value]:
    return {oid.removeprefix(f"{column}."): value for oid, value in objects.items() if oid.startswith(f"{column}.")}


def _flat(reading: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in reading.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        elif value not in (None, []):
            flat[prefix + name] = [_said(element) for element in value] if isinstance(value, list) else value
    return flat


def _said(element: Any) -> Any:
    """An element of a list without what the device did not say; TOML has no null."""
    return {name: value for name, value in element.items() if value is not None} if isinstance(element, dict) else element
