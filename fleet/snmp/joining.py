"""The tables of one list made into its rows: one way for what was said (`interpret`) and for what will be asked (`plan`)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from fleet.snmp.profiles.schema import Table

__all__ = ["assemble"]

V = TypeVar("V")


def assemble(
    tables: Iterable[Table],
    rows_of: Callable[[Table], list[dict[str, V]] | None],
    said: Callable[[Mapping[str, V], Sequence[str]], tuple[Hashable, ...]],
) -> list[dict[str, V]] | None:
    """The rows of the first table that has some, plus those of tables that add, before or after it; None if none was there.

    `rows_of`: None for a table that is not there, [] if the device says that there are none.
    `said`: what a row says under these names; rows that say the same are one element; what was said first stays.
    """
    rows: list[dict[str, V]] | None = None
    filled, by = False, list[str]()  # a table that completes may stand before the one it completes
    elements: list[dict[str, V]] = []
    completed = False
    for table in tables:
        completed |= table.completes
        stands_alone = not (table.add or table.join)
        if filled and stands_alone:
            continue
        found = rows_of(table)
        if found is None:
            continue
        by = [*table.join] or by
        rows = _joined([] if table.add else by, rows or [], found, said)
        filled |= stands_alone and bool(found)
        elements += [] if table.completes else found
    if rows is None or not completed:
        return rows
    known = {said(row, by) for row in elements}
    return [row for row in rows if said(row, by) in known]


def _joined(
    by: Sequence[str],
    rows: list[dict[str, V]],
    more: list[dict[str, V]],
    said: Callable[[Mapping[str, V], Sequence[str]], tuple[Any, ...]],
) -> list[dict[str, V]]:
    if not by:
        return [*rows, *more]
    joined = list(rows)
    places = {said(row, by): place for place, row in reversed(tuple(enumerate(joined)))}
    for row in more:
        place = places.setdefault(said(row, by), len(joined))
        if place == len(joined):
            joined.append(row)
        else:
            joined[place] = {**row, **{name: value for name, value in joined[place].items() if value is not None}}
    return joined
