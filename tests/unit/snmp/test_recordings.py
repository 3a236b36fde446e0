"""The comparer of `make recordings`: what it counts as equal."""

from typing import Any

import pytest

from tests.recordings.judged import judge

NOTHING: dict[str, Any] = {
    "kind": None,
    "hardware": None,
    "version": None,
    "serial": None,
    "sysObjectID": "",
    "interfaces": [],
}
PORT = {"ifIndex": 1, "ifName": "", "ifDescr": "eth0", "mac": "020000000009", "oper": "up", "speed": None}
SAID_PORT = {"ifIndex": 1, "name": "eth0", "mac": "02:00:00:00:00:09", "oper": "up", "speed_bps": None}


@pytest.mark.parametrize(
    ("expected", "said", "field", "share"),
    [
        ({}, {}, "model", 1.0),
        ({"hardware": "X1"}, {"model": "X2"}, "model", 0.0),
        ({"interfaces": [PORT]}, {"interfaces": [SAID_PORT]}, "interfaces", 1.0),
        ({"interfaces": [PORT]}, {"interfaces": [SAID_PORT, {**SAID_PORT, "ifIndex": 2}]}, "interfaces", 0.5),
        ({"interfaces": [PORT]}, {"interfaces": [{**SAID_PORT, "oper": "down"}]}, "interfaces", 0.0),
        ({"cpu_percent": [3, 5]}, {"cpu_percent": [5, 4]}, "cpu_percent", 1.0),
        (
            {"memory": [{"name": "RAM", "percent": 25, "total": 100}]},
            {"memory": [{"name": "RAM", "percent": 25.4, "total_bytes": None}]},
            "memory",
            1.0,
        ),
        (
            {"sensors": {"temperature": [["CPU", 41], ["", 20]]}},
            {"temperatures_c": [{"name": "CPU", "value": 41.3}]},
            "temperatures_c",
            0.5,
        ),
        ({"kind": "ups", "sensors": {"runtime": [["left", 40]]}}, {"ups": {"runtime_s": 2430}}, "ups.runtime_s", 1.0),
        ({"wireless": {"clients": [["SSID: a", 2], ["SSID: b", 1]]}}, {"wireless": {"clients": 3}}, "wireless.clients", 1.0),
        (
            {"wireless": {"frequency": [["r0", 5180], ["r1", 0]]}},
            {"wireless": {"radios": [{"channel": 36}]}},
            "wireless.radios.channel",
            1.0,
        ),
        ({"vlans": [1, 95]}, {"vlans": [1]}, "vlans", 0.5),
        (
            {"neighbours": [["lldp", "core", "1/1 (020000000009)"]]},
            {"neighbours": [{"protocol": "lldp", "name": "core", "port": "1/1"}]},
            "neighbours",
            1.0,
        ),
        ({"fdb_entries": 2}, {"forwarding": [{}, {}]}, "forwarding", 1.0),
    ],
)
def test_a_field_and_its_share(expected: dict[str, Any], said: dict[str, Any], field: str, share: float) -> None:
    verdicts = {verdict.field: verdict for verdict in judge({**NOTHING, **expected}, said)}

    assert verdicts[field].share == share
    assert bool(verdicts[field].differences) == (share < 1)


def test_what_is_not_expected_is_not_judged() -> None:
    assert {verdict.field for verdict in judge(NOTHING, {"cpu_percent": [3]})} == {
        "kind", "model", "firmware", "serial", "sysObjectID", "interfaces",
    }  # fmt: skip
