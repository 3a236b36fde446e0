"""Whether cells say of a walk's answers what `interpret` said of them: asked of new ones, and of a plan after each walk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fleet.snmp.plan import trees
from fleet.snmp.plan.model import Cell, Plan, digest_of
from fleet.snmp.profiles.loading import Resolved
from fleet.snmp.types import Oid, Reading, Value

TOLERANCE = 1e-3

Telling = Mapping[str, Collection[str]]
"""{path: members of the list's elements that its cells keep as the walk told them}"""


def still_holds(
    plan: Plan, profile: Resolved, said: Mapping[Oid, Value], reading: Reading, paths: Collection[str], telling: Telling
) -> bool:
    """Whether the plan says of this walk, for every path, what the Reading says: then none has to be made anew.

    It is what `make` asks of its own cells, so that a plan which passes is as good as a new one; and it costs a tenth.
    """
    if plan.digest != digest_of(profile) or plan.sys_object_id != reading.sysObjectID:
        return False
    whole = reading.as_dict()
    found: defaultdict[str, dict[int | None, Any]] = defaultdict(dict)
    cells: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell, number in zip(plan.cells, plan.values(said), strict=True):
        found[cell.path][cell.key] = in_words(cell, number)
        cells[cell.path].append(cell)
    return all(
        equal(found[path], dict(numbers_at(whole, path)))
        and all(cell.kept == kept for cell, kept in zip(cells[path], kept_of(cells[path], whole, telling), strict=True))
        for path in paths
    )


def numbers_at(reading: Mapping[str, Any], path: str) -> Iterator[tuple[int | None, Any]]:
    """(key of the element, value) of the path in a Reading, without what was not said."""
    *groups, name = path.split(".")
    at: Any = reading
    for group in groups:
        at = at.get(group) if isinstance(at, dict) else None
    if isinstance(at, dict):
        at = at.get(name)
        found: list[tuple[int | None, Any]] = [*enumerate(at)] if isinstance(at, list) else [(None, at)]
    else:
        found = [(row.get("ifIndex", position), row.get(name)) for position, row in enumerate(at or [])]
    yield from ((key, value) for key, value in found if value is not None)


def kept_of(cells: Sequence[Cell], reading: Mapping[str, Any], telling: Telling) -> Iterator[dict[str, Any]]:
    """What the walk told of each cell's element, for cells of one path."""
    names = telling.get(cells[0].path, ()) if cells else ()
    elements = reading.get(cells[0].path.partition(".")[0]) if names else None
    listed = elements if isinstance(elements, list) else None
    by_key = None if listed is None else {one.get("ifIndex", position): one for position, one in enumerate(listed)}
    for cell in cells:
        yield {} if by_key is None else {name: by_key.get(cell.key, {}).get(name) for name in names}


def equal(found: Mapping[int | None, Any], expected: Mapping[int | None, Any]) -> bool:
    """Whether these are the same numbers, flags and words, each at the same key."""
    return found.keys() == expected.keys() and all(_equal(found[key], value) for key, value in expected.items())


def in_words(cell: Cell, value: Any) -> Any:
    """What the Reading holds where the device said this."""
    if cell.words is None or isinstance(value, bool):
        return value
    number = trees.number(value)
    return None if number is None else cell.words.get(f"{number:g}")


def _equal(found: Any, expected: Any) -> bool:
    if isinstance(expected, str | bool):
        return bool(found == expected)
    number = trees.number(found)
    slack = 0.5 if isinstance(expected, int) else TOLERANCE
    return number is not None and abs(number - expected) <= slack
