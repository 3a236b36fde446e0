"""Interpreting: fetched values and a profile make a Reading. Pure; the same for every way of fetching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fleet.snmp import values
from fleet.snmp.joining import assemble
from fleet.snmp.profiles.loading import Resolved
from fleet.snmp.profiles.schema import LISTS, REQUIRED, SCALARS, Source, Table, compiled
from fleet.snmp.sources import Answers, Context, decode_text_index, encode_text_index, first
from fleet.snmp.types import Oid, Reading

__all__ = ["Answers", "decode_text_index", "encode_text_index", "interpret"]


def interpret(profile: Resolved, answers: Answers, problems: Sequence[str] = ()) -> Reading:
    """The Reading of a device that answered. A value that does not fit its field becomes None, never a guess."""
    stored: dict[str, Any] = {"reachable": True, "profile": profile.name, "problems": list(problems)}
    interfaces = _list("interfaces", profile, Context(answers))
    context = Context(answers, interfaces=interfaces or [])
    for path in LISTS:
        if path != "problems":
            _put(stored, path, interfaces if path == "interfaces" else _list(path, profile, context))
    for path, sources in profile.fields.items():
        _put(stored, path, first(sources, context, SCALARS[path]))
    return Reading.from_dict(stored)


def _put(stored: dict[str, Any], path: str, value: Any) -> None:
    """Sets ``wireless.clients`` in nested dicts; a group of which nothing is known is not made."""
    if value is None:
        return
    *groups, name = path.split(".")
    for group in groups:
        stored = stored.setdefault(group, {})
    stored[name] = value


# Lists


def _list(path: str, profile: Resolved, context: Context) -> Any:
    tables = (table for table in profile.tables if table.into == path)
    rows = assemble(tables, lambda table: _rows(table, context), _said_of)
    return None if rows is None else _shape(path, rows)


def _said_of(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in names)


def _shape(path: str, rows: list[dict[str, Any]]) -> Any:
    """Rows in the form the Reading has for this list: objects, plain values, or a mapping with sums."""
    columns = set(LISTS[path])
    if columns == {"key", "value"}:
        summed: dict[str, int] = {}
        for row in rows:
            summed[row["key"]] = summed.get(row["key"], 0) + row["value"]
        return summed
    if columns != {"value"}:
        return rows
    plain = [row["value"] for row in rows]
    return plain if path == "cpu_percent" else list(dict.fromkeys(plain))


def _rows(table: Table, context: Context) -> list[dict[str, Any]] | None:
    """The table's rows; None if it is not there (or could not be read), [] if the device says there are none."""
    present = table.none_when_present in context.answers.scalars
    contexts = list(_row_contexts(table, context))
    rows = [row for row in (_one_row(table, at) for at in contexts) if row]
    if table.merge_by:
        rows = _merge(table, rows)
    if rows:
        return rows
    return [] if present and not (_columns(table) & context.answers.failed) else None


def _row_contexts(table: Table, context: Context) -> Iterable[Context]:
    if table.rows:
        indices = list(context.answers.columns.get(table.rows.column, {}))
    else:
        cells = (context.answers.columns.get(column, {}) for column in _own_columns(table))
        indices = sorted({index for column in cells for index in column}, key=values.arcs)
        if not _columns(table):
            yield context.with_lets(table.let)  # only scalars: one row
    for index in indices:
        groups = _index_groups(table, index)
        if groups is not None:
            yield context.at(index, groups).with_lets(table.let)


def _index_groups(table: Table, index: str) -> tuple[str, ...] | None:
    """Groups of rows.text_index for this index; None if the row does not belong to the table."""
    if table.rows is None or table.rows.text_index is None:
        return ()
    found = compiled(table.rows.text_index).search(decode_text_index(index) or "")
    return tuple(group or "" for group in found.groups()) if found else None


def _sources(table: Table) -> Iterable[Source]:
    yield from table.let.values()
    for sources in table.columns.values():
        yield from sources


def _own_columns(table: Table) -> list[Oid]:
    """Columns that define which rows there are: those read at the row itself."""
    own = [source.column for source in _sources(table) if source.column and not source.at and not source.at_text]
    return list(dict.fromkeys(own))


def _columns(table: Table) -> set[Oid]:
    named = {source.column for source in _sources(table) if source.column}
    return named | ({table.rows.column} if table.rows else set())


def _one_row(table: Table, context: Context) -> dict[str, Any] | None:
    """One element, or None if the row is filtered out, lacks what it cannot be without, or says nothing at all."""
    if not context.holds(table.where):
        return None
    kinds = LISTS[table.into]
    row = {name: _plausible(table, name, first(sources, context, kinds[name])) for name, sources in table.columns.items()}
    needed = REQUIRED[table.into].union(name for name in table.needs if not _lost(table, name, context.answers))
    if any(row.get(name) is None for name in needed) or not any(_said(row, table, name) for name in row):
        return None
    return row


PLAUSIBLE = {
    ("cpu_percent", "value"): (0, 100),
    ("temperatures_c", "value"): (-100, 200),
    ("memory", "percent"): (0, 100),
}


def _plausible(table: Table, name: str, value: Any) -> Any:
    """None for what cannot be, whatever the device says."""
    low, high = PLAUSIBLE.get((table.into, name), (None, None))
    return None if value is not None and low is not None and high is not None and not low <= value <= high else value


def _lost(table: Table, name: str, answers: Answers) -> bool:
    """Whether a column of the table could not be read: then its lack says nothing about the row."""
    return not answers.failed.isdisjoint(source.column for source in table.columns.get(name, ()) if source.column)


def _said(row: Mapping[str, Any], table: Table, name: str) -> bool:
    """Whether the device itself gave this value; a constant of the profile says nothing."""
    return row[name] is not None and any(source.value is None for source in table.columns[name])


def _merge(table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in table.merge_by)
        known = merged.setdefault(key, row)
        if known is not row:
            sums = {name: _sum(known.get(name), row.get(name)) for name in table.sum}
            merged[key] = {**known, **sums}
    return list(merged.values())


def _sum(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one + other
