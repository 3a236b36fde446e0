from pathlib import Path

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, decode_text_index, encode_text_index, interpret
from fleet.snmp.types import Forwarding, Memory, Neighbour, PoePort, Radio, Reading, Supply, Temperature, Ups, Value

IF_NAME, IF_DESCR, IF_OPER = "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.8"
IF_TYPE = "1.3.6.1.2.1.2.2.1.3"
IF_SPEED, IF_HIGH_SPEED, IF_MAC = "1.3.6.1.2.1.2.2.1.5", "1.3.6.1.2.1.31.1.1.1.15", "1.3.6.1.2.1.2.2.1.6"
EXTEND = "1.3.6.1.4.1.8072.1.3.2.3.1.1"
SSID, DOT11 = "1.2.840.10036.1.1.1.9", "1.2.840.10036.3.1.1.0"


def _interpret(profile: str, answers: Answers) -> Reading:
    return interpret(profiles.default().by_name[profile], answers)


def _own(tmp_path: Path, text: str, answers: Answers) -> Reading:
    (tmp_path / "acme.toml").write_text(text)
    return interpret(profiles.load(tmp_path).by_name["acme"], answers)


def test_an_agent_that_says_nothing() -> None:
    reading = _interpret("generic", Answers())

    assert reading == Reading(reachable=True, profile="generic", kind="other")


def test_interfaces_prefer_the_extended_table() -> None:
    columns = {
        IF_DESCR: {"1": b"Port 1", "2": b"Port 2"},
        IF_NAME: {"1": b"1/1"},
        IF_OPER: {"1": 1, "2": 99},
        IF_SPEED: {"1": 4294967295, "2": 1_000_000},
        IF_HIGH_SPEED: {"1": 10_000, "2": 0},
        IF_MAC: {"1": b"\x02\0\0\0\0\x01", "2": b"\0" * 6},
    }

    first, second = _interpret("standard/if", Answers(columns=columns)).interfaces or ()

    assert (first.name, first.oper, first.speed_bps, first.mac) == ("1/1", "up", 10_000_000_000, "02:00:00:00:00:01")
    assert (second.name, second.oper, second.speed_bps, second.mac) == ("Port 2", None, 1_000_000, None)


@pytest.mark.parametrize("uptime", [b"three days", "1.3.6.1"])
def test_a_wrong_type_is_null_and_the_rest_is_kept(uptime: bytes | str) -> None:
    answers = Answers({"1.3.6.1.2.1.1.3.0": uptime, "1.3.6.1.2.1.1.5.0": b"sw-1"})

    reading = _interpret("standard/system", answers)

    assert (reading.uptime_s, reading.sysName) == (None, "sw-1")


def test_radios_of_openwrt_merge_the_networks_they_carry() -> None:
    lines = {
        "frequency-wlan0": b"2437", "clients-wlan0": b"4",
        "frequency-wlan0-1": b"2437", "clients-wlan0-1": b"3",
        "frequency-wlan1": b"5180", "clients-wlan1": b"11",
        "clients-wlan": b"18",
    }  # fmt: skip
    columns = {
        EXTEND: {encode_text_index(name): line for name, line in lines.items()},
        SSID: {"10": b"Schule", "11": b"Pruefung", "18": b"Schule"},
        IF_NAME: {"10": b"wlan0", "11": b"wlan0-1", "18": b"wlan1"},
    }

    wireless = _interpret("openwrt", Answers(columns=columns)).wireless

    assert wireless is not None
    assert wireless.radios == (Radio(band="2.4", channel=6, clients=7), Radio(band="5", channel=36, clients=11))
    assert wireless.clients == 18
    assert wireless.ssids == ("Schule", "Pruefung")
    assert wireless.clients_by_ssid == {"Schule": 15, "Pruefung": 3}


@pytest.mark.parametrize(
    ("scalars", "failed", "ssids"),
    [
        ({DOT11: b"RTID"}, frozenset(), ()),
        ({}, frozenset(), None),
        ({DOT11: b"RTID"}, frozenset({SSID}), None),
    ],
    ids=["the MIB is there and empty", "the MIB is not there", "the walk failed"],
)
def test_no_networks_is_said_only_when_the_device_says_it(
    scalars: dict[str, bytes], failed: frozenset[str], ssids: tuple[str, ...] | None
) -> None:
    reading = _interpret("openwrt", Answers(dict(scalars), {SSID: {}}, failed))

    assert (reading.wireless.ssids if reading.wireless else None) == ssids


def test_neighbours_find_their_local_interface_by_name() -> None:
    columns = {
        IF_NAME: {"101": b"1/1", "102": b"1/2"},
        IF_TYPE: {"101": 6, "102": 6},
        "1.0.8802.1.1.2.1.3.7.1.3": {"1": b"1/1", "2": b"elsewhere"},
        "1.0.8802.1.1.2.1.4.1.1.5": {"0.1.1": b"\x02\0\0\0\0\x09", "0.2.1": b"\x02\0\0\0\0\x0a"},
        "1.0.8802.1.1.2.1.4.1.1.7": {"0.1.1": b"eth0", "0.2.1": b"eth0"},
        "1.0.8802.1.1.2.1.4.1.1.9": {"0.1.1": b"ap-204"},
    }

    assert _interpret("lab/switch", Answers(columns=columns)).neighbours == (
        Neighbour("lldp", "ap-204", "eth0", 101),
        Neighbour("lldp", "02:00:00:00:00:0a", "eth0", None),
    )


@pytest.mark.parametrize(
    ("subtype", "said", "name"),
    [
        (7, b"core-1", "core-1"),
        (7, b"cafe", "cafe"),
        (7, b"\x02\0\0\0\0\x09", "02:00:00:00:00:09"),
        (7, b"\x02@ABCD", "02:40:41:42:43:44"),
        (7, b"02-00-00-00-00-09", "02:00:00:00:00:09"),
        (1, b"Chassis 3", "Chassis 3"),
        (4, b"core-1", "63:6f:72:65:2d:31"),
        (None, b"core-1", "63:6f:72:65:2d:31"),
        (5, b"\x01\xc0\xa8\x01\x07", "192.168.1.7"),
        (5, b"\x02\xfe\x80" + b"\0" * 13 + b"\x01", "fe80::1"),
        (5, b"\x01\xc0\xa8", None),
    ],
)
@pytest.mark.parametrize(
    ("row", "index"), [("1.0.8802.1.1.2.1.4.1.1.", "0.1.1"), ("1.3.111.2.802.1.1.13.1.4.1.1.", "0.1.1.1")], ids=["v1", "v2"]
)
def test_a_chassis_id_is_read_by_its_subtype(
    row: str, index: str, subtype: int | None, said: bytes, name: str | None
) -> None:
    first = 4 if index == "0.1.1" else 5
    columns: dict[str, dict[str, Value]] = {f"{row}{first + 1}": {index: said}, f"{row}{first + 3}": {index: b"Gi1"}}
    columns |= {f"{row}{first}": {index: subtype}} if subtype else {}

    (neighbour,) = _interpret("standard/lldp", Answers(columns=columns)).neighbours or ()

    assert neighbour.name == name


@pytest.mark.parametrize(
    ("table", "vlan"), [("1.3.6.1.2.1.17.7.1.2.2.1.", "1."), ("1.3.6.1.2.1.17.4.3.1.", "")], ids=["dot1q", "dot1d"]
)
def test_only_what_was_learnt_or_set_is_behind_a_port(table: str, vlan: str) -> None:
    """1 other, 2 invalid, 3 learned, 4 self, 5 mgmt."""
    rows = {f"{vlan}2.0.0.0.0.{status}": status for status in range(6)}
    states = {index: status for index, status in rows.items() if status}
    columns: dict[str, dict[str, Value]] = {f"{table}2": dict.fromkeys(rows, 1), f"{table}3": dict(states)}

    forwarding = _interpret("standard/bridge", Answers(columns=columns)).forwarding or ()

    assert [entry.mac for entry in forwarding] == ["02:00:00:00:00:00", "02:00:00:00:00:03", "02:00:00:00:00:05"]


def test_ports_of_another_unit_do_not_stand_in_for_those_of_the_first() -> None:
    columns: dict[str, dict[str, Value]] = {
        "1.3.6.1.2.1.105.1.1.1.3": {"1.10": 1, "2.10": 2, "2.49": 1},
        "1.3.6.1.2.1.105.1.1.1.6": {"1.10": 3, "2.10": 1, "2.49": 3},
    }

    assert _interpret("standard/poe", Answers(columns=columns)).poe == (
        PoePort(10, "on", "deliveringPower"),
        PoePort(49, "on", "deliveringPower"),
    )


@pytest.mark.parametrize(("unit", "percent"), [(None, 40), (1, 40), (2, 40), (19, 40), (7, None), (15, None)])
def test_a_level_without_capacity_is_a_share_only_in_percent(unit: int | None, percent: int | None) -> None:
    """1 other, 2 unknown, 7 impressions, 15 tenths of millilitres, 19 percent."""
    columns: dict[str, dict[str, Value]] = {
        "1.3.6.1.2.1.43.11.1.1.6": {"1.1": b"Black"},
        "1.3.6.1.2.1.43.11.1.1.8": {"1.1": -2},
        "1.3.6.1.2.1.43.11.1.1.9": {"1.1": 40},
    }
    columns |= {"1.3.6.1.2.1.43.11.1.1.7": {"1.1": unit}} if unit else {}

    supplies = _interpret("standard/printer", Answers(columns=columns)).supplies

    assert [one.percent for one in supplies or ()] == ([percent] if percent else [])


def test_forwarding_reads_the_address_from_the_index() -> None:
    columns = {"1.3.6.1.2.1.17.7.1.2.2.1.2": {"95.2.0.0.0.0.9": 3, "95.2.0.0": 4}, "1.3.6.1.2.1.17.1.4.1.2": {"3": 103}}

    assert _interpret("standard/bridge", Answers(columns=columns)).forwarding == (Forwarding("02:00:00:00:00:09", 103, 95),)


def test_supplies_and_trays_know_what_is_not_a_level() -> None:
    columns = {
        "1.3.6.1.2.1.43.11.1.1.5": {"1.1": 3, "1.2": 9, "1.3": 4, "1.4": 15},
        "1.3.6.1.2.1.43.11.1.1.6": {
            "1.1": b"Black, PN 1A",
            "1.2": b"Drum",
            "1.3": b"Waste",
            "1.4": b"Fuser",
            "1.5": b"Belt",
        },
        "1.3.6.1.2.1.43.11.1.1.8": {"1.1": 5000, "1.2": -2, "1.3": 100, "1.4": 100, "1.5": 200},
        "1.3.6.1.2.1.43.11.1.1.9": {"1.1": 1250, "1.2": 67, "1.3": -3, "1.4": -2, "1.5": 100},
        "1.3.6.1.2.1.43.8.2.1.13": {"1.1": b"Tray 1", "1.2": b"Bypass", "1.3": b"Feeder"},
        "1.3.6.1.2.1.43.8.2.1.9": {"1.1": 550, "1.2": 100, "1.3": 250},
        "1.3.6.1.2.1.43.8.2.1.10": {"1.1": 55, "1.2": -3, "1.3": -2},
    }

    assert _interpret("standard/printer", Answers(columns=columns)).supplies == (
        Supply("Black", "toner", 25),
        Supply("Drum", "opc", 67),
        Supply("Waste", "wasteToner", 50),
        Supply("Belt", "markerSupply", 50),
        Supply("Tray 1", "input", 10),
        Supply("Bypass", "input", 50),
    )


STORAGE = "1.3.6.1.2.1.25.2.3.1"


def _storage(rows: dict[str, tuple[str, str, int, int]]) -> Answers:
    """hrStorageTable with rows of 1024 octets: index → name, the last part of its type, size, used."""
    columns: dict[str, dict[str, int | str | bytes]] = {f"{STORAGE}.{number}": {} for number in (2, 3, 4, 5, 6)}
    for index, (name, kind, size, used) in rows.items():
        values = (f"1.3.6.1.2.1.25.2.1.{kind}", name.encode(), 1024, size, used)
        for number, value in zip((2, 3, 4, 5, 6), values, strict=True):
            columns[f"{STORAGE}.{number}"][index] = value
    return Answers(columns=columns)


LINUX_POOLS = {
    "1": ("Physical memory", "2", 1000, 900),
    "3": ("Virtual memory", "3", 2000, 900),
    "6": ("Memory buffers", "1", 1000, 100),
    "7": ("Cached memory", "1", 300, 300),
    "10": ("Swap space", "3", 1000, 0),
    "31": ("/", "4", 5000, 4000),
}


@pytest.mark.parametrize(
    ("changed", "physical"),
    [
        ({}, 50.0),
        ({"2": ("Real memory", "2", 500, 500)}, 90.0),  # a BSD counts no caches
        ({"7": ("Cached memory", "1", 900, 900)}, 90.0),  # more caches than what is used: not counted in it
    ],
)
def test_physical_memory_is_without_what_linux_gives_back(
    changed: dict[str, tuple[str, str, int, int]], physical: float
) -> None:
    memory = _interpret("standard/host-resources", _storage(LINUX_POOLS | changed)).memory or ()

    said = {pool.name: pool.percent for pool in memory}
    assert said["Physical memory"] == physical
    assert said["Memory buffers"] == 10.0
    assert "/" not in said
    assert memory[0].total_bytes == 1024 * 1000


@pytest.mark.parametrize(("source", "on_battery"), [(3, False), (5, True), (1, None)])
def test_ups(source: int, on_battery: bool | None) -> None:
    scalars = {"1.3.6.1.2.1.33.1.4.1.0": source, "1.3.6.1.2.1.33.1.2.3.0": 30, "1.3.6.1.2.1.33.1.2.4.0": 101}
    columns = {"1.3.6.1.2.1.33.1.4.4.1.5": {"1": 20, "2": 35}}

    assert _interpret("standard/ups", Answers(dict(scalars), columns)).ups == Ups(None, 1800, 35.0, on_battery)


def test_sensor_scale_and_precision() -> None:
    base = "1.3.6.1.2.1.99.1.1.1"
    columns = {
        f"{base}.1": {"7": 8, "8": 8, "9": 6},
        f"{base}.2": {"7": 9, "8": 8, "9": 9},
        f"{base}.3": {"7": 1, "8": 0, "9": 0},
        f"{base}.4": {"7": 415, "8": 38_500, "9": 50},
        f"{base}.5": {"7": 1, "8": 1, "9": 1},
        "1.3.6.1.2.1.47.1.1.1.1.7": {"7": b"Inlet", "8": b"CPU", "9": b"Fan", "1": b"Chassis"},
    }

    assert _interpret("standard/entity-sensor", Answers(columns=columns)).temperatures_c == (
        Temperature("Inlet", 41.5),
        Temperature("CPU", 38.5),
    )


@pytest.mark.parametrize("absurd", [32_767, 65_535, 4_294_967_295, -32_768, b"too hot", b"", "1.3.6.1"])
def test_a_sensor_that_says_what_cannot_be_costs_only_itself(absurd: int | bytes | str) -> None:
    base = "1.3.6.1.2.1.99.1.1.1"
    columns = {
        f"{base}.1": {"1": 8, "2": 8},
        f"{base}.2": {"1": 9, "2": 9},
        f"{base}.3": {"1": 0, "2": 0},
        f"{base}.4": {"1": absurd, "2": 21},
    }

    assert _interpret("generic", Answers(columns=columns)).temperatures_c == (Temperature(None, 21.0),)


@pytest.mark.parametrize(
    ("used", "size"), [(3000, 2000), (-1, 2000), (500, 0), (500, -5), (b"half", 2000), (4_294_967_295, 2000)]
)
def test_a_pool_of_which_more_is_used_than_there_is_says_nothing(used: int | bytes, size: int) -> None:
    base = "1.3.6.1.2.1.25.2.3.1"
    storage = {
        f"{base}.2": {"1": "1.3.6.1.2.1.25.2.1.2", "2": "1.3.6.1.2.1.25.2.1.3"},
        f"{base}.3": {"1": b"RAM", "2": b"Swap"},
        f"{base}.4": {"1": 1024, "2": 1024},
        f"{base}.5": {"1": size, "2": 1000},
        f"{base}.6": {"1": used, "2": 500},
    }

    assert _interpret("generic", Answers(columns=storage)).memory == (Memory("Swap", 50.0, 1_024_000),)


@pytest.mark.parametrize(("minutes", "seconds"), [(30, 1800), (65_535, None), (-1, None), (4_294_967_295, None)])
def test_a_runtime_that_is_none(minutes: int, seconds: int | None) -> None:
    said = {"1.3.6.1.2.1.33.1.2.3.0": minutes, "1.3.6.1.2.1.33.1.2.4.0": 100}

    ups = _interpret("standard/ups", Answers(dict(said))).ups

    assert ups == Ups(100.0, seconds, None, None)


def test_a_table_stands_in_only_when_the_first_gave_nothing() -> None:
    ucd = {"1.3.6.1.4.1.2021.4.5.0": 1000, "1.3.6.1.4.1.2021.4.6.0": 250, "1.3.6.1.4.1.2021.11.11.0": 90}
    base = "1.3.6.1.2.1.25.2.3.1"
    storage = {
        f"{base}.2": {"1": "1.3.6.1.2.1.25.2.1.2", "31": "1.3.6.1.2.1.25.2.1.4"},
        f"{base}.3": {"1": b"Physical memory", "31": b"/overlay"},
        f"{base}.4": {"1": 1024, "31": 4096},
        f"{base}.5": {"1": 2000, "31": 10},
        f"{base}.6": {"1": 500, "31": 5},
    }

    both = _interpret("generic", Answers(dict(ucd), storage))
    only_ucd = _interpret("generic", Answers(dict(ucd)))

    assert both.memory == (Memory("Physical memory", 25.0, 2_048_000),)
    assert only_ucd.memory == (Memory("Physical memory", 75.0, 1_024_000),)
    assert both.cpu_percent == (10,)


def test_regex_enum_and_range_in_order(tmp_path: Path) -> None:
    text = """
[fields]
model = [{oid = "1.3.1.0", regex = 'Model (\\S+)'}, {value = "unknown"}]
kind = {oid = "1.3.2.0", enum = {1 = "switch"}}
"ups.charge_percent" = {oid = "1.3.3.0", scale = 0.1, max = 100}
"""
    scalars = {"1.3.1.0": b"Acme Model X9 rev 2", "1.3.2.0": 2, "1.3.3.0": 1001}

    reading = _own(tmp_path, text, Answers(dict(scalars)))

    assert (reading.model, reading.kind, reading.ups) == ("X9", None, None)


def test_a_table_that_adds_joins_the_others(tmp_path: Path) -> None:
    text = """
[[tables]]
into = "temperatures_c"
columns = {name = {value = "Board"}, value = {oid = "1.3.1.0"}}
[[tables]]
into = "temperatures_c"
add = true
columns = {name = {text_index = true}, value = {column = "1.3.2"}}
"""
    columns = {"1.3.2": {encode_text_index("Fan"): 30, encode_text_index("Hot"): b"hot"}}

    reading = _own(tmp_path, text, Answers({"1.3.1.0": 40}, columns))

    assert reading.temperatures_c == (Temperature("Board", 40.0), Temperature("Fan", 30.0))


@pytest.mark.parametrize("index", ["", "3.97.98", "2.97.300", "0"])
def test_an_index_that_is_no_text(index: str) -> None:
    assert decode_text_index(index) is None


def test_text_index_both_ways() -> None:
    assert decode_text_index(encode_text_index("clients-wlan0")) == "clients-wlan0"


@pytest.mark.parametrize(
    ("scalars", "firmware"),
    [({"1.3.6.1.9.1.0": b"6.1", "1.3.6.1.9.2.0": b"77"}, "OS 6.1 build 77"), ({"1.3.6.1.9.1.0": b"6.1"}, "6.1"), ({}, None)],
)
def test_a_text_is_written_from_names_and_only_when_all_have_a_value(
    tmp_path: Path, scalars: dict[str, bytes], firmware: str | None
) -> None:
    profile = """
        [fields]
        firmware = [
          {text = "OS {release} build {build}", let = {release = {oid = "1.3.6.1.9.1.0"}, build = {oid = "1.3.6.1.9.2.0"}}},
          {oid = "1.3.6.1.9.1.0"},
        ]"""

    assert _own(tmp_path, profile, Answers(dict(scalars))).firmware == firmware


@pytest.mark.parametrize(
    ("columns", "failed", "clients"),
    [
        ({"1.3.6.1.9.3": {"1": 1, "2": 1}}, frozenset(), 2),
        ({"1.3.6.1.9.3": {}}, frozenset(), 0),
        ({"1.3.6.1.9.3": {}}, frozenset({"1.3.6.1.9.3"}), None),
        ({}, frozenset(), None),
    ],
    ids=["rows", "no rows", "the walk failed", "not asked"],
)
def test_an_empty_table_counts_only_when_it_was_walked(
    tmp_path: Path, columns: dict[str, dict[str, int]], failed: frozenset[str], clients: int | None
) -> None:
    profile = '[fields]\n"wireless.clients" = {column = "1.3.6.1.9.3", aggregate = "count", empty = 0}'

    reading = _own(tmp_path, profile, Answers({}, dict(columns), failed))

    assert (reading.wireless.clients if reading.wireless else None) == clients


def test_a_joined_table_completes_the_rows_of_another(tmp_path: Path) -> None:
    profile = """
        [[tables]]
        into = "wireless.radios"
        columns.band = {column = "1.3.6.1.9.1.1"}
        columns.clients = {column = "1.3.6.1.9.1.2"}

        [[tables]]
        into = "wireless.radios"
        join = ["band"]
        columns.band = {column = "1.3.6.1.9.2.1"}
        columns.clients = {value = 99}
        columns.utilisation_percent = {column = "1.3.6.1.9.2.2"}"""
    columns = {
        "1.3.6.1.9.1.1": {"7": b"2.4"},
        "1.3.6.1.9.1.2": {"7": 3},
        "1.3.6.1.9.2.1": {"1": b"2.4", "2": b"5"},
        "1.3.6.1.9.2.2": {"1": 40, "2": 10},
    }

    wireless = _own(tmp_path, profile, Answers(columns=columns)).wireless

    assert wireless is not None
    assert wireless.radios == (
        Radio(band="2.4", clients=3, utilisation_percent=40),
        Radio(band="5", clients=99, utilisation_percent=10),
    )
