"""What a plan is: cells, the instances they need, and a function from answers to numbers."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.snmp.plan import trees
from fleet.snmp.plan.trees import Tree
from fleet.snmp.profiles.loading import Resolved
from fleet.snmp.types import Oid, Value

IF_MIB_COUNTERS: Mapping[str, int] = {
    "1.3.6.1.2.1.2.2.1.": 32,  # ifTable
    "1.3.6.1.2.1.31.1.1.1.6.": 64,  # ifHCInOctets
    "1.3.6.1.2.1.31.1.1.1.10.": 64,  # ifHCOutOctets
}
"""How many bits the counters of interfaces have (RFC 2863), by where they stand."""
FORM = 2
"""Goes up when the stored form changes: older plans are then made anew."""


_known_digests: dict[int, tuple[Resolved, str]] = {}
"""By identity: profiles are loaded once and hold what cannot be hashed."""


def digest_of(profile: Resolved) -> str:
    """Which version of a profile a plan was made from; another one makes it void."""
    known = _known_digests.get(id(profile))
    if known is None:
        known = _known_digests[id(profile)] = (profile, _digest(profile))
    return known[1]


def _digest(profile: Resolved) -> str:
    said = [
        {path: [source.model_dump(mode="json") for source in sources] for path, sources in profile.fields.items()},
        [table.model_dump(mode="json") for table in profile.tables],
    ]
    return hashlib.sha256(json.dumps([FORM, profile.name, said], sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a device. `path` is that of the Reading: ``interfaces.in_octets``."""

    path: str
    key: int | None
    """The ifIndex of the list's element, else its position; None outside of lists."""
    tree: Tree
    whole: bool = False
    """The Reading holds an int here."""
    words: Mapping[str, Any] | None = None
    """For what the Reading tells in words or flags: the number as text → what stands there."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """What decides whether the list's element counts in a metric, as the walk told it: `{"kind": "input"}`."""

    @property
    def counter_bits(self) -> int | None:
        """Of a counter as it comes from the wire; None where that is not known."""
        oid = self.tree["oid"] if _plain(self) else ""
        return next((bits for table, bits in IF_MIB_COUNTERS.items() if oid.startswith(table)), None)


@dataclass(frozen=True)
class Plan:
    """For devices of one build. `values` of an answer are in the order of `cells`."""

    profile: str
    digest: str
    sys_object_id: str | None
    """Of the device that was walked: another one at the same address has another plan."""
    cells: tuple[Cell, ...]
    left_out: tuple[str, ...] = ()
    """Paths that the walk gave and that no cell could be made for: they are as of the last walk."""

    @functools.cached_property
    def oids(self) -> tuple[Oid, ...]:
        """What to GET."""
        needed = (oid for cell in self.cells for oid in trees.instances(cell.tree))
        return tuple(dict.fromkeys(needed))

    @functools.cached_property
    def values(self) -> Callable[[Mapping[Oid, Value]], list[float | None]]:
        """From the answers to the numbers; None where the device does not say."""
        plain = [(at, cell.tree["oid"]) for at, cell in enumerate(self.cells) if _plain(cell)]
        made = [(at, _rounded(cell)) for at, cell in enumerate(self.cells) if not _plain(cell)]
        empty: list[float | None] = [None] * len(self.cells)

        def values(said: Mapping[Oid, Value]) -> list[float | None]:
            found = empty.copy()
            get = said.get
            for at, oid in plain:
                value = get(oid)
                found[at] = value if type(value) is int else trees.number(value)
            for at, function in made:
                found[at] = function(said)
            return found

        return values

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` is the inverse."""
        return {
            "form": FORM,
            "profile": self.profile,
            "digest": self.digest,
            "sysObjectID": self.sys_object_id,
            "left_out": list(self.left_out),
            "cells": [[cell.path, cell.key, cell.tree, cell.whole, cell.words, cell.kept] for cell in self.cells],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Plan:
        cells = tuple(Cell(*cell) for cell in stored["cells"])
        return cls(stored["profile"], stored["digest"], stored["sysObjectID"], cells, tuple(stored["left_out"]))

    def patch(self, reading: dict[str, Any], found: Sequence[float | None]) -> dict[str, Any]:
        """The reading with these numbers in their places; the given one stays as it is."""
        patched: dict[str, Any] = json.loads(json.dumps(reading))
        for cell, value in zip(self.cells, found, strict=True):
            _put(patched, cell, value)
        return patched


def _plain(cell: Cell) -> bool:
    """A bare counter or gauge: nothing is done to it."""
    return cell.tree.keys() == {"oid"}


def _rounded(cell: Cell) -> Callable[[Mapping[Oid, Value]], float | None]:
    made, whole = trees.function(cell.tree), cell.whole

    def rounded(said: Mapping[Oid, Value]) -> float | None:
        found = made(said)
        value = float(found) if isinstance(found, bool) else trees.number(found)
        if value is None:
            return None
        return round(value) if whole else round(value, 3)

    return rounded


def _put(reading: dict[str, Any], cell: Cell, value: float | None) -> None:
    *groups, name = cell.path.split(".")
    at: Any = reading
    place: Any
    where: Any
    for group in groups:
        at = at.get(group) if isinstance(at, dict) else None
    if cell.key is not None:
        holder = at if isinstance(at, list) else at.get(name) if isinstance(at, dict) else None
        element = _element(holder, cell.key)
        if element is None:
            return
        place, where = (holder, element) if isinstance(element, int) else (element, name)  # a list of plain numbers
        place[where] = _said(cell, value)
    elif isinstance(at, dict):
        at[name] = _said(cell, value)


def _element(holder: Any, key: int) -> dict[str, Any] | int | None:
    """The element with this ifIndex, else at this position; for a list of numbers the position itself."""
    if not isinstance(holder, list):
        return None
    for position, element in enumerate(holder):
        own = element.get("ifIndex", position) if isinstance(element, dict) else position
        if own == key:
            return element if isinstance(element, dict) else position
    return None


def _said(cell: Cell, value: float | None) -> Any:
    if value is None or cell.words is None:
        return round(value) if cell.whole and value is not None else value
    return cell.words.get(f"{value:g}")
