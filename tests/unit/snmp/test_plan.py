"""A plan says of answers what interpreting them says, quicker, and admits what it cannot."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.plan import Plan, Recorder, digest_of, make, still_holds, trees
from fleet.snmp.profiles.schema import Source, Table
from fleet.snmp.read import read
from fleet.snmp.types import Oid, Reading, Target, V2cCredential, Value

IF, IFX, UCD = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1", "1.3.6.1.4.1.2021"
PATHS = ("uptime_s", "cpu_percent", "memory.percent", "interfaces.in_octets", "interfaces.oper", "interfaces.speed_bps")
OPENWRT = profiles.default().by_name["openwrt"]


def extend(name: str) -> Oid:
    return ".".join(map(str, ("1.3.6.1.4.1.8072.1.3.2.3.1.1", len(name), *name.encode())))


SAID: dict[Oid, Value] = {
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.8072.3.2.10",
    "1.3.6.1.2.1.1.3.0": 12_345,
    f"{UCD}.11.11.0": 83,
    f"{UCD}.4.5.0": 1000,
    f"{UCD}.4.6.0": 200,
    f"{UCD}.4.14.0": 100,
    f"{UCD}.4.15.0": 300,
    f"{IF}.2.1": b"lo",
    f"{IF}.2.2": b"eth0",
    f"{IF}.8.1": 1,
    f"{IF}.8.2": 2,
    f"{IF}.10.1": 17,
    f"{IFX}.6.2": 2**40,
    f"{IFX}.15.2": 1000,
    extend("clients-wlan0"): b"14",
    extend("clients-wlan1"): b"3",
    extend("frequency-wlan0"): b"2437",
    extend("frequency-wlan1"): b"5180",
}


def reading_of(said: Mapping[Oid, Value]) -> Reading:
    columns: dict[Oid, dict[str, Value]] = {column: {} for group in OPENWRT.columns for column in group}
    for oid, value in said.items():
        for column, cells in columns.items():
            if oid.startswith(f"{column}."):
                cells[oid[len(column) + 1 :]] = value
    return interpret(OPENWRT, Answers(said, columns))


def plan(paths: Any = PATHS, said: Mapping[Oid, Value] = SAID) -> Plan:
    return make(OPENWRT, said, reading_of(said), paths)


def test_numbers_are_those_of_the_reading() -> None:
    made = plan()
    found = {(cell.path, cell.key): value for cell, value in zip(made.cells, made.values(SAID), strict=True)}
    assert found == {
        ("uptime_s", None): 123,
        ("cpu_percent", 0): 17,
        ("memory.percent", 0): 40.0,
        ("interfaces.in_octets", 1): 17,
        ("interfaces.in_octets", 2): 2**40,
        ("interfaces.oper", 1): 1,
        ("interfaces.oper", 2): 2,
        ("interfaces.speed_bps", 2): 10**9,
    }
    assert made.left_out == ()


class Slow:
    """A Fetcher for a device that is read for so long that its uptime goes on meanwhile."""

    def __init__(self) -> None:
        self.now, self.uptime = dict(SAID), 12_345

    async def get(self, _target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        return {oid: self.now[oid] for oid in oids if oid in self.now}

    async def walk(self, _target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        self.uptime += 500
        self.now["1.3.6.1.2.1.1.3.0"] = self.uptime
        return {oid: value for oid, value in self.now.items() if oid.startswith(tuple(f"{column}." for column in columns))}


def test_the_uptime_is_followed_although_it_goes_on_during_the_walk() -> None:
    recorder = Recorder(Slow())
    reading = asyncio.run(read(recorder, Target("127.0.0.1", 161, V2cCredential("lab"))))

    made = make(profiles.default().by_name[str(reading.profile)], recorder.said, reading, PATHS)

    assert (made.left_out, reading.uptime_s) == ((), 123)
    assert dict(zip([cell.path for cell in made.cells], made.values(recorder.said), strict=True))["uptime_s"] == 123


def test_it_asks_for_what_it_needs_and_for_nothing_else() -> None:
    oids = plan().oids
    assert f"{IFX}.6.2" in oids
    assert f"{IF}.10.1" in oids  # no 64-bit counter there
    assert f"{IF}.10.2" not in oids
    assert f"{IF}.2.1" not in oids  # a name does not change from poll to poll
    assert len(oids) == len(set(oids))


def test_clients_and_radios_of_several_instances_are_added_up() -> None:
    made = plan(("wireless.clients", "wireless.radios.clients"))
    assert made.values(SAID) == [17, 14, 3]
    assert made.values({**SAID, extend("clients-wlan0"): b"20"}) == [23, 20, 3]


def test_later_answers_give_later_numbers_and_what_is_missing_is_none() -> None:
    made = plan()
    later = {**SAID, "1.3.6.1.2.1.1.3.0": 15_345, f"{UCD}.11.11.0": 200, f"{IFX}.6.2": b"nonsense"}
    del later[f"{IF}.8.2"]
    assert made.values(later) == [153, None, 40.0, 17, None, 1, None, 10**9]


def test_it_survives_being_stored() -> None:
    made = plan()
    again = Plan.from_dict(json.loads(json.dumps(made.as_dict())))
    assert again == made
    assert again.values(SAID) == made.values(SAID)


def test_a_reading_is_patched_in_its_own_words() -> None:
    made, reading = plan(), reading_of(SAID).as_dict()
    assert made.patch(reading, made.values(SAID)) == reading

    patched = made.patch(reading, [999, 50, 41.5, 18, 2**41, 2, None, 10**8])

    assert (patched["uptime_s"], patched["cpu_percent"], patched["memory"][0]["percent"]) == (999, [50], 41.5)
    assert [row["oper"] for row in patched["interfaces"]] == ["down", None]
    assert [row["in_octets"] for row in patched["interfaces"]] == [18, 2**41]
    assert reading["uptime_s"] == 123


def test_what_it_does_not_know_is_left_to_the_walk() -> None:
    class Newer(Source):
        unheard_of: str = ""

    newer = Newer(oid="1.3.6.1.2.1.1.3.0", scale=0.01, unheard_of="yes")
    profile = replace(OPENWRT, fields={**OPENWRT.fields, "uptime_s": (newer,)})
    made = make(profile, SAID, reading_of(SAID), PATHS)
    assert made.left_out == ("uptime_s",)
    assert {cell.path for cell in made.cells} == set(PATHS) - {"uptime_s"}


def test_cells_that_say_something_else_than_the_reading_are_not_taken() -> None:
    wrong = replace(reading_of(SAID), uptime_s=77)
    assert make(OPENWRT, SAID, wrong, PATHS).left_out == ("uptime_s",)


def test_the_digest_tells_versions_of_a_profile_apart() -> None:
    changed = replace(OPENWRT, fields={**OPENWRT.fields, "vendor": ()})
    assert digest_of(changed) != digest_of(OPENWRT)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"oid": "a"}, 7),
        ({"oid": "missing"}, None),
        ({"oid": "a", "scale": 2, "max": 10}, None),
        ({"oid": "t", "regex": r"(\d+) V", "as": "text"}, "230"),
        ({"oid": "a", "enum": {"7": True}}, True),
        ({"oid": "a", "expr": "x / y", "let": {"y": {"oid": "b"}}}, 3.5),
        ({"oid": "a", "expr": "x / y", "let": {"y": {"oid": "missing"}}}, None),
        ({"expr": "y * 2", "let": {"y": {"oid": "b"}}}, 4),
        ({"oid": "a", "min": 5, "give": "high"}, "high"),
        ({"fold": "mean", "of": [{"oid": "a"}, {"oid": "b"}, {"oid": "missing"}]}, 4.5),
        ({"fold": "count", "of": [{"oid": "a"}, {"oid": "missing"}]}, 1),
        ({"fold": "sum", "of": []}, None),
    ],
)
def test_trees(tree: dict[str, Any], expected: Any) -> None:
    assert trees.function(tree)({"a": 7, "b": 2, "t": b"about 230 V"}) == expected


# What only newer profiles use

OWN = "1.3.6.1.4.1.99999"


def newer(said: Mapping[Oid, Value], tables: list[dict[str, Any]], path: str) -> Plan:
    own = tuple(Table.model_validate(table) for table in tables)
    profile = replace(OPENWRT, fields={}, tables=own)
    columns: dict[Oid, dict[str, Value]] = {column: {} for group in profile.columns for column in group}
    for oid, value in said.items():
        for column, cells in columns.items():
            if oid.startswith(f"{column}."):
                cells[oid[len(column) + 1 :]] = value
    return make(profile, said, interpret(profile, Answers(said, columns)), (path,))


SENSORS: dict[Oid, Value] = {f"{OWN}.1.1": b"CPU", f"{OWN}.2.1": 300, f"{OWN}.1.2": b"Fan", f"{OWN}.2.2": -1}


def sensors(**value: Any) -> list[dict[str, Any]]:
    let = {"known": {"column": f"{OWN}.1"}, "tenths": {"column": f"{OWN}.2"}}
    return [{"into": "temperatures_c", "let": let, "columns": {"name": [{"of": "known"}], "value": [value]}}]


@pytest.mark.parametrize(
    "value",
    [
        {"of": "tenths", "scale": 0.1, "min": 0},
        {"of": "tenths", "not": ["-1"], "scale": 0.1},
        {"of": "tenths", "where": {"known": "CPU"}, "scale": 0.1},
        {"let": {"half": {"of": "tenths", "scale": 0.05}}, "where": {"known": ["CPU"]}, "expr": "half * 2"},
    ],
)
def test_it_follows_what_is_named_and_what_has_conditions(value: dict[str, Any]) -> None:
    made = newer(SENSORS, sensors(**value), "temperatures_c.value")
    assert made.values({**SENSORS, f"{OWN}.2.1": 410}) == [41.0]
    assert made.values({**SENSORS, f"{OWN}.2.1": 9_000}) == [None]  # no room is as hot as that
    assert (made.left_out, Plan.from_dict(json.loads(json.dumps(made.as_dict())))) == ((), made)


def test_what_is_only_of_the_walk_is_not_followed() -> None:
    made = newer(SENSORS, sensors(text="{tenths}", scale=0.1), "temperatures_c.value")
    assert (made.cells, made.left_out) == ((), ("temperatures_c.value",))


def test_it_follows_rows_of_tables_that_go_together() -> None:
    more = {
        "into": "temperatures_c",
        "add": True,
        "columns": {"name": [{"value": "Room"}], "value": [{"oid": f"{OWN}.3.0"}]},
    }
    said: dict[Oid, Value] = {**SENSORS, f"{OWN}.3.0": 21}
    made = newer(said, [more, *sensors(of="tenths", scale=0.1, min=0)], "temperatures_c.value")
    assert made.values(said) == [21.0, 30.0]


def test_a_table_that_completes_adds_no_row_and_hides_none() -> None:
    """As the VLANs of ports do: IF-MIB's rows stay followed, and a port that IF-MIB leaves out is no interface."""
    vlans = {
        "into": "interfaces",
        "join": ["ifIndex"],
        "completes": True,
        "columns": {"ifIndex": [{"index": 1}], "pvid": [{"column": f"{OWN}.3"}]},
    }
    octets = {"into": "interfaces", "columns": {"ifIndex": [{"index": 1}], "in_octets": [{"column": f"{OWN}.1"}]}}
    said: dict[Oid, Value] = {f"{OWN}.1.1": 100, f"{OWN}.1.2": 200, f"{OWN}.3.2": 95, f"{OWN}.3.9": 95}
    made = newer(said, [vlans, octets], "interfaces.in_octets")
    assert (made.left_out, [(cell.key, value) for cell, value in zip(made.cells, made.values(said), strict=True)]) == (
        (),
        [(2, 200), (1, 100)],
    )


# After the next walk

TELLING = {"interfaces.in_octets": ("alias",)}


def holds(made: Plan, said: Mapping[Oid, Value]) -> bool:
    return still_holds(made, OPENWRT, said, reading_of(said), PATHS, TELLING)


def test_a_plan_holds_while_the_device_has_what_it_had() -> None:
    made = Plan.from_dict(json.loads(json.dumps(make(OPENWRT, SAID, reading_of(SAID), PATHS, TELLING).as_dict())))
    counted = SAID | {f"{IFX}.6.2": 2**41, f"{UCD}.11.11.0": 12, f"{IF}.8.2": 1}
    assert [holds(made, said) for said in (SAID, counted)] == [True, True]


@pytest.mark.parametrize("other", ["one_gone", "one_more", "told_otherwise", "profile", "device"])
def test_a_plan_does_not_hold_of_a_device_that_has_something_else(other: str) -> None:
    said, made = dict(SAID), make(OPENWRT, SAID, reading_of(SAID), PATHS, TELLING)
    if other == "one_gone":
        del said[f"{IFX}.6.2"]
    elif other == "one_more":
        said |= {f"{IF}.2.3": b"eth1", f"{IF}.8.3": 2, f"{IFX}.6.3": 7}
    elif other == "told_otherwise":
        said |= {f"{IFX}.18.2": b"uplink"}
    elif other == "profile":
        made = replace(made, digest="another")
    else:
        made = replace(made, sys_object_id="1.3.6.1.4.1.1")
    assert not holds(made, said)
