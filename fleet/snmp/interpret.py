"""Interpreting: fetched values and a profile make a Reading. Pure; the same for every way of fetching."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.snmp import values
from fleet.snmp.profiles.loading import Resolved
from fleet.snmp.profiles.schema import LISTS, PLACEHOLDER, REQUIRED, SCALARS, Source, Table
from fleet.snmp.types import Oid, Reading, Value

OCTET_MAX = 255


@dataclass(frozen=True)
class Answers:
    """What a device answered. ``columns``: column → row index → value; a column whose walk failed is in ``failed``."""

    scalars: Mapping[Oid, Value] = field(default_factory=dict)
    columns: Mapping[Oid, Mapping[str, Value]] = field(default_factory=dict)
    failed: frozenset[Oid] = frozenset()


def interpret(profile: Resolved, answers: Answers, problems: Sequence[str] = ()) -> Reading:
    """The Reading of a device that answered. A value that does not fit its field becomes None, never a guess."""
    stored: dict[str, Any] = {"reachable": True, "profile": profile.name, "problems": list(problems)}
    interfaces = _list("interfaces", profile, _Context(answers))
    context = _Context(answers, interfaces=interfaces or [])
    for path in LISTS:
        if path != "problems":
            _put(stored, path, interfaces if path == "interfaces" else _list(path, profile, context))
    for path, sources in profile.fields.items():
        _put(stored, path, _first(sources, context, SCALARS[path]))
    return Reading.from_dict(stored)


def _put(stored: dict[str, Any], path: str, value: Any) -> None:
    """Sets ``wireless.clients`` in nested dicts; a group of which nothing is known is not made."""
    if value is None:
        return
    *groups, name = path.split(".")
    for group in groups:
        stored = stored.setdefault(group, {})
    stored[name] = value


@dataclass(frozen=True)
class _Context:
    """Where a source looks: the answers, and inside a table the row."""

    answers: Answers
    interfaces: Sequence[Mapping[str, Any]] = ()
    index: str | None = None
    groups: tuple[str, ...] = ()
    names: Mapping[str, Any] = field(default_factory=dict)

    def with_lets(self, lets: Mapping[str, Source]) -> _Context:
        context = self
        for name, source in lets.items():
            context = replace(context, names={**context.names, name: _evaluate(source, context)})
        return context


# One value


def _first(sources: Iterable[Source], context: _Context, kind: type) -> Any:
    """The first source that says something this field can hold."""
    for source in sources:
        value = _coerce(_evaluate(source, context), kind)
        if value is not None:
            return value
    return None


def _evaluate(source: Source, context: _Context) -> Any:
    if source.let:
        context = context.with_lets(source.let)
    if source.column and source.aggregate:
        return _aggregate(source, context)
    return _finish(source, _raw(source, context), context)


def _raw(source: Source, context: _Context) -> Value | bool | None:
    if source.oid:
        return context.answers.scalars.get(source.oid)
    if source.column:
        at = _row(source, context)
        return context.answers.columns.get(source.column, {}).get(at) if at is not None else None
    if source.index is not None:
        return _index_part(source.index, context.index)
    if source.text_index:
        return decode_text_index(context.index or "")
    return source.value


def _row(source: Source, context: _Context) -> str | None:
    template = source.at or source.at_text
    if template is None:
        return context.index
    filled = _fill(template, context)
    return encode_text_index(filled) if filled is not None and source.at_text else filled


def _fill(template: str, context: _Context) -> str | None:
    """Replaces ``{index}``, ``{index.2}``, ``{1}`` and names of `let`; None if one of them has no value."""
    parts: list[str | None] = [_placeholder(name, context) for name in PLACEHOLDER.findall(template)]
    if None in parts:
        return None
    remaining = iter(parts)
    return PLACEHOLDER.sub(lambda _: next(remaining) or "", template)


def _placeholder(name: str, context: _Context) -> str | None:
    if name == "index":
        return context.index
    if name.startswith("index."):
        part = _index_part(int(name[6:]), context.index)
        return None if part is None else str(part)
    if name.isdigit():
        return context.groups[int(name) - 1] if int(name) <= len(context.groups) else None
    value = context.names.get(name)
    return values.text(value) if value is not None else None


def _index_part(wanted: int | list[int], index: str | None) -> Value | None:
    """Sub-identifier(s) of a row's index, from 1; a range comes as octets where it can (a MAC, an address)."""
    parts = index.split(".") if index else []
    first, last = (wanted, wanted) if isinstance(wanted, int) else (wanted[0], wanted[-1])
    if not 1 <= first <= last <= len(parts):
        return None
    if isinstance(wanted, int):
        return int(parts[first - 1])
    octets = [int(part) for part in parts[first - 1 : last]]
    return bytes(octets) if max(octets) <= OCTET_MAX else None


def decode_text_index(index: str) -> str | None:
    """``3.97.98.99`` as ``abc``: a length-prefixed OCTET STRING index (RFC 2578 §7.7)."""
    parts = [int(part) for part in index.split(".") if part]
    if not parts or parts[0] != len(parts) - 1 or max(parts[1:], default=0) > OCTET_MAX:
        return None
    return values.text(bytes(parts[1:]))


def encode_text_index(written: str) -> str:
    """Inverse of `decode_text_index`."""
    octets = written.encode()
    return ".".join(map(str, (len(octets), *octets)))


_AS: Mapping[str, Callable[[Value], Any]] = {
    "text": values.text,
    "number": values.number,
    "mac": values.mac,
    "address": values.address,
    "oid": values.text,
}


def _finish(source: Source, raw: Value | bool | None, context: _Context) -> Any:
    """Everything that happens to a value after it was taken, in the order the schema documents."""
    value: Any = raw
    if value is not None and source.as_:
        value = _AS[source.as_](value)
    if value is not None and source.regex:
        value = _search(source.regex, value)
    if value is not None and source.enum is not None:
        value = source.enum.get(values.text(value) or "")
    if value is not None and (source.scale is not None or source.min is not None or source.max is not None):
        value = _measure(source, value)
    if source.formula and (value is not None or not _has_origin(source)):
        known = {name: _number(known) for name, known in context.names.items()}
        value = source.formula.value({**known, "x": _number(value)})
    if value is not None and source.find:
        value = _find_interface(source.find, value, context.interfaces)
    return source.give if value is not None and source.give is not None else value


def _has_origin(source: Source) -> bool:
    return bool(source.oid or source.column or source.text_index or source.index is not None or source.value is not None)


def _search(regex: str, value: Value) -> str | None:
    """The first group that took part in the match, or the whole match of a pattern without groups."""
    found = re.search(regex, values.text(value) or "")
    if found is None:
        return None
    groups = [group for group in found.groups() if group is not None]
    return (groups[0] if groups else None) if found.re.groups else found.group()


def _measure(source: Source, value: Value) -> float | int | None:
    number = values.number(value)
    if number is None:
        return None
    if source.scale is not None:
        number *= source.scale
    too_small = source.min is not None and number < source.min
    too_large = source.max is not None and number > source.max
    return None if too_small or too_large else number


def _number(value: Any) -> float | None:
    return None if value is None or isinstance(value, bool) else values.number(value)


def _find_interface(by: str, value: Value, interfaces: Sequence[Mapping[str, Any]]) -> int | None:
    wanted = values.mac(value) if by == "mac" else values.text(value)
    found = [row["ifIndex"] for row in interfaces if wanted is not None and row.get(by) == wanted]
    return found[0] if len(found) == 1 else None


def _aggregate(source: Source, context: _Context) -> float | int | str | None:
    """One value from a whole column: what could be read of it summed, counted, …"""
    cells = context.answers.columns.get(source.column or "", {})
    if source.only:
        cells = {index: cell for index, cell in cells.items() if re.search(source.only, decode_text_index(index) or "")}
    read = [_finish(source, cell, replace(context, index=index)) for index, cell in cells.items()]
    found = [value for value in read if value is not None]
    if source.aggregate == "first":
        return found[0] if found else None
    if source.aggregate == "count":
        return len(found) if cells else None
    numbers = [number for number in map(_number, found) if number is not None]
    return _AGGREGATES[source.aggregate or "sum"](numbers) if numbers else None


_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "mean": statistics.fmean,
}


def _coerce(value: Any, kind: type) -> Any:
    """Makes a value what its field holds; None if that is not possible without guessing."""
    if value is None:
        return None
    if kind is bool:
        return value if isinstance(value, bool) else None
    if kind is str:
        return values.text(value)
    number = _number(value)
    if number is None:
        return None
    return round(number) if kind is int else float(round(number, 3))


# Lists


def _list(path: str, profile: Resolved, context: _Context) -> Any:
    """The rows of the first table that has some, plus those of tables that add."""
    rows: list[dict[str, Any]] | None = None
    for table in (table for table in profile.tables if table.into == path):
        if rows and not table.add:
            continue
        found = _rows(table, context)
        if found is not None:
            rows = [*(rows or []), *found]
    return None if rows is None else _shape(path, rows)


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


def _rows(table: Table, context: _Context) -> list[dict[str, Any]] | None:
    """The table's rows; None if it is not there (or could not be read), [] if the device says there are none."""
    present = table.none_when_present in context.answers.scalars
    contexts = list(_row_contexts(table, context))
    rows = [row for row in (_one_row(table, at) for at in contexts) if row]
    if table.merge_by:
        rows = _merge(table, rows)
    if rows:
        return rows
    return [] if present and not (_columns(table) & context.answers.failed) else None


def _row_contexts(table: Table, context: _Context) -> Iterable[_Context]:
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
            yield replace(context, index=index, groups=groups).with_lets(table.let)


def _index_groups(table: Table, index: str) -> tuple[str, ...] | None:
    """Groups of rows.text_index for this index; None if the row does not belong to the table."""
    if table.rows is None or table.rows.text_index is None:
        return ()
    found = re.search(table.rows.text_index, decode_text_index(index) or "")
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


def _one_row(table: Table, context: _Context) -> dict[str, Any] | None:
    """One element, or None if the row is filtered out, lacks what it cannot be without, or says nothing at all."""
    for name, allowed in table.where.items():
        if context.names[name] is None or values.text(context.names[name]) not in allowed:
            return None
    kinds = LISTS[table.into]
    row = {name: _first(sources, context, kinds[name]) for name, sources in table.columns.items()}
    needed = REQUIRED[table.into].union(table.needs)
    if any(row.get(name) is None for name in needed) or not any(_said(row, table, name) for name in row):
        return None
    return row


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
