"""Compares a Reading with what is expected of a recording. Pure.

An expectation is a dict: hardware, version, serial, kind, sysObjectID, interfaces, cpu_percent, memory, sensors (class →
rows of [name, value]), wireless (likewise), supplies, vlans, neighbours, fdb_entries. A key that is missing is not judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MINUTE_S = 60
PERCENT_TOLERANCE = 1.0
DEGREE_TOLERANCE = 0.5

Expected = Mapping[str, Any]
Said = Mapping[str, Any]
"""A reading as `Reading.as_dict` gives it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One field of one recording. ``share`` is between 0 and 1; of a list it is the part of the rows that are equal."""

    field: str
    share: float
    differences: tuple[str, ...] = ()


def judge(expected: Expected, said: Said) -> Iterator[Verdict]:
    """A verdict for every field that is expected of this recording."""
    for field, key in (("kind", "kind"), ("model", "hardware"), ("firmware", "version"), ("serial", "serial")):
        yield _scalar(field, expected.get(key), said.get(field))
    yield _scalar("sysObjectID", expected.get("sysObjectID"), said.get("sysObjectID"))
    yield _interfaces(expected["interfaces"], said.get("interfaces") or [])
    for judged in _JUDGES:
        yield from judged(expected, said)


def _scalar(field: str, wanted: Any, given: Any) -> Verdict:
    equal = (wanted or None) == (given or None)
    return Verdict(field, float(equal), () if equal else (f"expected {wanted!r}, read {given!r}",))


# Lists


def _rows(field: str, wanted: Sequence[Any], given: Sequence[Any], equal: Callable[[Any, Any], bool]) -> Verdict:
    """Rows found on both sides, as a share of the longer side; each row counts once, order does not."""
    left, missing = list(given), []
    for row in wanted:
        found = next((other for other in left if equal(row, other)), _NOTHING)
        if found is _NOTHING:
            missing.append(row)
        else:
            left.remove(found)
    longer = max(len(wanted), len(given))
    told = [f"missing {row!r}" for row in missing] + [f"too much {row!r}" for row in left]
    return Verdict(field, 1.0 if longer == 0 else (len(wanted) - len(missing)) / longer, tuple(told))


_NOTHING = object()


def _interfaces(wanted: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> Verdict:
    by_index = {row["ifIndex"]: row for row in given}
    told, equal = [], 0
    for row in wanted:
        ours = by_index.pop(row["ifIndex"], None)
        unlike = ["missing"] if ours is None else list(_unlike(row, ours))
        equal += not unlike
        told += [f"ifIndex {row['ifIndex']}: {what}" for what in unlike]
    told += [f"ifIndex {index}: too much ({row['name']})" for index, row in by_index.items()]
    longer = max(len(wanted), len(given))
    return Verdict("interfaces", equal / longer if longer else 1.0, tuple(told))


def _unlike(wanted: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    pairs = (
        ("name", wanted["ifName"] or wanted["ifDescr"], ours["name"]),
        ("mac", wanted["mac"], (ours["mac"] or "").replace(":", "")),
        ("oper", wanted["oper"], ours["oper"]),
        ("speed_bps", wanted["speed"], ours["speed_bps"]),
    )
    for name, expected, read in pairs:
        null_mac = name == "mac" and not (expected or "").strip("0") and not read
        if not null_mac and expected != (read if read != "" else None):
            yield f"{name}: expected {expected!r}, read {read!r}"


def _cpu(expected: Expected, said: Said) -> Iterator[Verdict]:
    if "cpu_percent" in expected:
        yield _rows("cpu_percent", expected["cpu_percent"], said.get("cpu_percent") or [], _near(PERCENT_TOLERANCE))


def _near(tolerance: float) -> Callable[[float, float], bool]:
    return lambda one, other: one is not None and other is not None and abs(float(one) - float(other)) <= tolerance


def _memory(expected: Expected, said: Said) -> Iterator[Verdict]:
    if "memory" in expected:
        wanted = [(pool["name"], pool["percent"], pool["total"]) for pool in expected["memory"]]
        given = [(pool["name"], pool["percent"], pool["total_bytes"]) for pool in said.get("memory") or []]
        yield _rows("memory", wanted, given, _same_pool)


def _same_pool(one: Sequence[Any], other: Sequence[Any]) -> bool:
    percent = one[1] == other[1] or _near(PERCENT_TOLERANCE)(one[1], other[1])
    # a pool of which only the share is known has a total of 100 there and none here
    return one[0] == other[0] and percent and (one[2] == other[2] or (one[2] == 100 and other[2] is None))


def _temperatures(expected: Expected, said: Said) -> Iterator[Verdict]:
    wanted = expected.get("sensors", {}).get("temperature")
    if wanted:
        given = [(sensor["name"] or "", sensor["value"]) for sensor in said.get("temperatures_c") or []]
        yield _rows("temperatures_c", [tuple(row) for row in wanted], given, _same_temperature)


def _same_temperature(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return one[0] == other[0] and _near(DEGREE_TOLERANCE)(one[1], other[1])


def _ups(expected: Expected, said: Said) -> Iterator[Verdict]:
    sensors, ups = expected.get("sensors", {}), said.get("ups") or {}
    if expected.get("kind") != "ups":
        return
    if sensors.get("charge"):
        yield _one_of("ups.charge_percent", _values(sensors["charge"]), ups.get("charge_percent"), PERCENT_TOLERANCE)
    if sensors.get("load"):
        yield _one_of("ups.load_percent", _values(sensors["load"]), ups.get("load_percent"), PERCENT_TOLERANCE)
    remaining = [row for row in sensors.get("runtime", ()) if not re.search(r"(?i)on battery$|last|replacement", row[0])]
    if remaining := remaining or sensors.get("runtime", []):
        wanted = [value * MINUTE_S for value in _values(remaining)]
        yield _one_of("ups.runtime_s", wanted, ups.get("runtime_s"), MINUTE_S)


def _values(rows: Sequence[Sequence[Any]]) -> list[float]:
    return [row[1] for row in rows]


def _one_of(field: str, wanted: Sequence[float], given: float | None, tolerance: float) -> Verdict:
    equal = any(_near(tolerance)(value, given) for value in wanted if given is not None)
    return Verdict(field, float(equal), () if equal else (f"expected one of {list(wanted)}, read {given!r}",))


# Wi-Fi


def _wireless(expected: Expected, said: Said) -> Iterator[Verdict]:
    wanted, given = expected.get("wireless", {}), said.get("wireless") or {}
    clients = wanted.get("clients", [])
    if clients:
        yield _one_of("wireless.clients", _totals(clients), given.get("clients"), 0)
    if by_ssid := _by_ssid(clients):
        ours = given.get("clients_by_ssid") or {}
        yield _rows("wireless.clients_by_ssid", list(by_ssid.items()), list(ours.items()), lambda one, other: one == other)
    if counts := wanted.get("ap-count"):
        yield _one_of("wireless.access_point_count", _values(counts), given.get("access_point_count"), 0)
    yield from _radios(wanted, given.get("radios") or [])


def _totals(clients: Sequence[Sequence[Any]]) -> list[float]:
    """What may pass for the number of all clients: a row that says so, or the sum of rows of one sort."""
    said = [
        value for name, value in clients if re.search(r"(?i)total|^clients$|^wlan$|^client count$|^connected clients$", name)
    ]
    if said:
        return said
    per_ssid = [value for name, value in clients if name.startswith("SSID")]
    other = [value for name, value in clients if not name.startswith("SSID")]
    return [sum(rows) for rows in (other, per_ssid) if rows]


def _by_ssid(clients: Sequence[Sequence[Any]]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name, value in clients:
        if name.startswith("SSID: "):
            counted[name.removeprefix("SSID: ")] += value
    return counted


def _radios(wanted: Mapping[str, Any], radios: Sequence[Mapping[str, Any]]) -> Iterator[Verdict]:
    channels = [_channel(row[1]) for row in wanted.get("frequency", ()) if row[1]]
    powers = [row[1] for row in wanted.get("power", ()) if re.search(r"(?i)tx|transmit|eirp", row[0])]
    uses = [row[1] for row in wanted.get("utilization", ()) if not re.search(r"(?i)other|self|rx|non-802", row[0])]
    for field, rows in (("channel", channels), ("power_dbm", powers), ("utilisation_percent", uses)):
        ours = [radio[field] for radio in radios if radio.get(field) is not None]
        if rows:
            yield _rows(f"wireless.radios.{field}", rows, ours, _near(PERCENT_TOLERANCE if field != "channel" else 0))


def _channel(mhz: float) -> int:
    """Channel of a centre frequency (IEEE 802.11)."""
    for low, high, base, width in (
        (2412, 2472, 2407, 5),
        (2484, 2484, 2414, 5),
        (5000, 5924, 5000, 5),
        (5925, 7125, 5950, 5),
        (57_000, 71_000, 56_160, 2160),
    ):
        if low <= mhz <= high:
            return round((mhz - base) / width)
    return round(mhz)


# The rest


def _supplies(expected: Expected, said: Said) -> Iterator[Verdict]:
    if "supplies" in expected:
        given = [(row["name"], row["kind"], row["percent"]) for row in said.get("supplies") or []]
        yield _rows("supplies", [tuple(row) for row in expected["supplies"]], given, _same_supply)


def _same_supply(one: Sequence[Any], other: Sequence[Any]) -> bool:
    percent = one[2] == other[2] or _near(PERCENT_TOLERANCE)(one[2], other[2])
    return tuple(one[:2]) == tuple(other[:2]) and percent


def _network(expected: Expected, said: Said) -> Iterator[Verdict]:
    if "vlans" in expected:
        yield _rows("vlans", expected["vlans"], said.get("vlans") or [], lambda one, other: one == other)
    if "neighbours" in expected:
        given = [(row["protocol"], row["name"], row["port"]) for row in said.get("neighbours") or []]
        yield _rows("neighbours", [tuple(row) for row in expected["neighbours"]], given, _same_neighbour)
    if "fdb_entries" in expected:
        yield _scalar("forwarding", expected["fdb_entries"], len(said.get("forwarding") or []))


def _same_neighbour(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """``ge1 (b85001f0b783)`` names the port and, in brackets, the address of who is there."""
    ports = {one[2], re.sub(r" \([0-9a-f]{12}\)$", "", one[2] or "")}
    return one[0] == other[0] and one[1] == other[1] and other[2] in ports


_JUDGES = (_cpu, _memory, _temperatures, _ups, _wireless, _supplies, _network)
