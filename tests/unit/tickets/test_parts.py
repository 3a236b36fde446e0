"""What a technician takes along."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from helpdesk.tickets.rules.parts import Part, Use, parts

SUPPLIES = (
    {"name": "Black", "kind": "toner", "percent": 2},
    {"name": "Cyan", "kind": "toner", "percent": 60},
    {"name": "Tray 1", "kind": "input", "percent": 0},
    {"name": "Drum", "kind": "opc", "percent": None},
)


@pytest.mark.parametrize(
    ("kind", "faults", "supplies", "expected"),
    [
        ("access-point", {"unreachable"}, (), [Part(Use.SPARE, "", "Muster W6")]),
        ("server", {"unreachable"}, (), []),
        ("printer", {"supply_percent"}, SUPPLIES, [Part(Use.SUPPLY, "Black", "Muster W6")]),
        ("printer", {"supply_percent"}, (), []),
        ("printer", set(), SUPPLIES, []),
        ("ups", {"battery_runtime_s", "battery_charge_percent"}, (), [Part(Use.BATTERY, "", "Muster W6")]),
        ("ups", {"on_battery"}, (), []),
        ("switch", {"cpu_percent", "temperature_c"}, (), []),
    ],
)
def test_parts(kind: str, faults: set[str], supplies: Sequence[Mapping[str, Any]], expected: list[Part]) -> None:
    assert parts(kind, "Muster W6", faults, supplies) == expected
