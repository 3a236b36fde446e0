"""From a walk to a plan: the profile's sources are worked out as far as the walk decides them, and what is left is followed.

Only sources whose keys are known here become cells, and only where the cells say of the walk's own answers what `interpret`
said. So a profile may use what this file does not know: such a source is what `interpret` made of it at the walk, good for
finding rows and names, and a path that would be made of it is as of the last walk (`Plan.left_out`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.snmp import values
from fleet.snmp.interpret import PLAUSIBLE, Answers, decode_text_index
from fleet.snmp.joining import assemble
from fleet.snmp.plan import trees
from fleet.snmp.plan.comparing import Telling, equal, in_words, kept_of, numbers_at
from fleet.snmp.plan.model import Cell, Plan, digest_of
from fleet.snmp.plan.trees import Tree
from fleet.snmp.profiles.loading import Resolved
from fleet.snmp.profiles.schema import LISTS, REQUIRED, SCALARS, Source, Table
from fleet.snmp.sources import Context, evaluate, row_of
from fleet.snmp.types import Oid, Reading, Value

KNOWN_OF_SOURCE = {
    "oid", "column", "at", "at_text", "of", "value", "let", "where",
    "as_", "regex", "not_", "enum", "scale", "min", "max", "expr", "give", "aggregate", "only", "empty",
}  # fmt: skip
OF_ROW = {"index", "text_index"}
"""What a row's place says stays."""
KNOWN_OF_TABLE = {
    "into", "rows", "let", "where", "columns", "add", "join", "completes", "needs", "merge_by", "sum", "none_when_present",
}  # fmt: skip
MOST_CELLS = 2_000


class _Unknown(Exception):  # noqa: N818 - no error: the path is left to the walk
    """A source that this file cannot work out."""


def make(
    profile: Resolved,
    said: Mapping[Oid, Value],
    reading: Reading,
    paths: Collection[str],
    telling: Telling | None = None,
) -> Plan:
    """The plan for what this device said. `paths`: what of the Reading is followed, such as ``interfaces.in_octets``."""
    digest, profile = digest_of(profile), profile.of_device(reading.sysObjectID)
    walked, whole = _Walked(profile, said), reading.as_dict()
    tables = _Tables(profile, walked)
    cells: list[Cell] = []
    left_out: list[str] = []
    for path in paths:
        expected = dict(numbers_at(whole, path))
        found = _cells(profile, path, tables, walked)
        if _same(found, expected, said) and len(cells) + len(found) <= MOST_CELLS:
            cells += _keeping(found, whole, telling or {})
        elif expected:
            left_out.append(path)
    return Plan(profile.name, digest, reading.sysObjectID, tuple(cells), tuple(left_out))


def _keeping(cells: Sequence[Cell], reading: Mapping[str, Any], telling: Telling) -> Iterator[Cell]:
    for cell, kept in zip(cells, kept_of(cells, reading, telling), strict=True):
        yield replace(cell, kept=kept) if kept else cell


def _same(cells: Sequence[Cell], expected: Mapping[int | None, Any], said: Mapping[Oid, Value]) -> bool:
    return equal({cell.key: in_words(cell, trees.function(cell.tree)(said)) for cell in cells}, expected)


# One path


def _cells(profile: Resolved, path: str, tables: _Tables, walked: _Walked) -> list[Cell]:
    """Empty where it cannot be worked out."""
    try:
        if path in SCALARS:
            found = _first(profile.fields.get(path, ()), _Row(), walked)
            return [] if found is None else [_cell(path, None, found, SCALARS[path])]
        into, _, name = path.rpartition(".")
        into, name = (path, "value") if path in LISTS else (into, name)
        return list(_list_cells(path, into, name, tables))
    except _Unknown:
        return []


def _cell(path: str, key: int | None, tree: Tree, kind: type) -> Cell:
    if trees.is_of_the_walk(tree):
        raise _Unknown
    if kind is bool:  # as a number a flag is 1 or 0, whatever code the device has for it
        return Cell(path, key, tree, words={"1": True, "0": False})
    if kind is str:
        return _worded(path, key, tree)
    return Cell(path, key, tree, whole=kind is int)


def _worded(path: str, key: int | None, tree: Tree) -> Cell:
    """What the Reading tells in words is followed by its number."""
    enum = tree.get("enum")
    if enum is None or "expr" in tree or "fold" in tree or "regex" in tree:
        raise _Unknown
    return Cell(path, key, {"oid": tree["oid"]} if "oid" in tree else _unknown(), words=enum)


def _unknown() -> Tree:
    raise _Unknown


def _list_cells(path: str, into: str, name: str, tables: _Tables) -> Iterator[Cell]:
    kind = LISTS[into][name]
    for position, row in enumerate(tables.rows(into)):
        tree = row.get(name)
        if tree is not None:
            yield _cell(path, tables.key(row, position), tree, kind)


class _Tables:
    """The rows of a list, each a tree per column; the same rows in the same order as `interpret` finds."""

    def __init__(self, profile: Resolved, walked: _Walked) -> None:
        self._profile, self._walked = profile, walked
        self._known: dict[str, list[dict[str, Tree]]] = {}

    def key(self, row: Mapping[str, Tree], position: int) -> int:
        if "ifIndex" not in row:
            return position
        return int(trees.function(row["ifIndex"])(self._walked.said))

    def rows(self, into: str) -> list[dict[str, Tree]]:
        if into not in self._known:
            self._known[into] = self._rows(into)
        return self._known[into]

    def _rows(self, into: str) -> list[dict[str, Tree]]:
        tables = (table for table in self._profile.tables if table.into == into)
        return assemble(tables, lambda table: self._of_table(table) or None, self._said) or []

    def _said(self, row: Mapping[str, Tree], names: Sequence[str]) -> tuple[Any, ...]:
        return tuple(self._walked.value(row[name]) if name in row else None for name in names)

    def _of_table(self, table: Table) -> list[dict[str, Tree]]:
        if set(table.model_fields_set) - KNOWN_OF_TABLE:
            raise _Unknown
        rows = [row for at in self._row_contexts(table) if (row := self._row(table, at)) is not None]
        return self._merged(table, rows) if table.merge_by else rows

    def _row_contexts(self, table: Table) -> Iterator[_Row]:
        for row in self._indices(table):
            yield self._named(row, table.let)

    def _indices(self, table: Table) -> Iterable[_Row]:
        if table.rows:
            return (found for index in self._walked.rows(table.rows.column) if (found := _matching(table, index)))
        own = _own_columns(table)
        if not own and not any(source.column for source in _sources(table)):
            return [_Row()]  # only scalars: one row
        indices = {index for column in own for index in self._walked.rows(column)}
        return (_Row(index) for index in sorted(indices, key=values.arcs))

    def _named(self, row: _Row, lets: Mapping[str, Source]) -> _Row:
        for name, source in lets.items():
            row = _Row(row.index, row.groups, {**row.names, name: _tree(source, row, self._walked)})
        return row

    def _row(self, table: Table, at: _Row) -> dict[str, Tree] | None:
        if not self._walked.context(at).holds(table.where):
            return None
        row = {
            name: _plausible(table.into, name, tree)
            for name, sources in table.columns.items()
            if (tree := _first(sources, at, self._walked))
        }
        row = {name: tree for name, tree in row.items() if self._walked.value(tree) is not None}
        needed = REQUIRED[table.into].union(table.needs)
        if any(name not in row for name in needed):
            return None
        told = any(any(source.value is None for source in table.columns[name]) for name in row)
        return row if told else None

    def _merged(self, table: Table, rows: Sequence[dict[str, Tree]]) -> list[dict[str, Tree]]:
        merged: dict[tuple[Any, ...], dict[str, Tree]] = {}
        for row in rows:
            key = self._said(row, table.merge_by)
            known = merged.setdefault(key, row)
            if known is not row:
                sums = {name: {"fold": "sum", "of": _both(known.get(name), row.get(name))} for name in table.sum}
                merged[key] = {**known, **{name: tree for name, tree in sums.items() if tree["of"]}}
        return list(merged.values())


def _plausible(into: str, name: str, tree: Tree) -> Tree:
    if (into, name) not in PLAUSIBLE:
        return tree
    low, high = PLAUSIBLE[into, name]
    return {"from": tree, "min": low, "max": high}


def _both(*parts: Tree | None) -> list[Tree]:
    return [part for part in parts if part is not None]


def _matching(table: Table, index: str) -> _Row | None:
    if table.rows is None or table.rows.text_index is None:
        return _Row(index)
    if set(table.rows.model_fields_set) - {"column", "text_index"}:
        raise _Unknown
    found = re.search(table.rows.text_index, decode_text_index(index) or "")
    return _Row(index, tuple(group or "" for group in found.groups())) if found else None


def _sources(table: Table) -> Iterator[Source]:
    yield from table.let.values()
    for sources in table.columns.values():
        yield from sources


def _own_columns(table: Table) -> list[Oid]:
    own = [source.column for source in _sources(table) if source.column and not source.at and not source.at_text]
    return list(dict.fromkeys(own))


# One source


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a source looks: the row's index, the groups of its text, and what is named around it."""

    index: str | None = None
    groups: tuple[str, ...] = ()
    names: Mapping[str, Tree] = field(default_factory=dict)


class _Walked:
    """What the device said, by column."""

    def __init__(self, profile: Resolved, said: Mapping[Oid, Value]) -> None:
        self.said = said
        columns = {column for group in profile.columns for column in group}
        cells: dict[Oid, dict[str, Value]] = {column: {} for column in columns}
        for oid, value in said.items():
            head = oid
            while head := head.rpartition(".")[0]:
                if head in columns:
                    cells[head][oid[len(head) + 1 :]] = value
        self._answers = Answers(said, cells)
        self._values: dict[int, tuple[Tree, Any]] = {}
        """By identity, with the tree, so that no other one takes its place: what is named is looked at often."""

    def rows(self, column: Oid) -> list[str]:
        return list(self._answers.columns.get(column, ()))

    def context(self, row: _Row) -> Context:
        """Where `interpret` would look."""
        return Context(self._answers, index=row.index, groups=row.groups, names=_Names(row.names, self))

    def value(self, tree: Tree) -> Any:
        known = self._values.get(id(tree))
        if known is None:
            known = self._values[id(tree)] = (tree, trees.value(tree, self.said))
        return known[1]


class _Names(Mapping[str, Any]):
    """What is named around a row, worked out where somebody asks for it: most conditions look at one of many."""

    __slots__ = ("_trees", "_walked")

    def __init__(self, named: Mapping[str, Tree], walked: _Walked) -> None:
        self._trees, self._walked = named, walked

    def __getitem__(self, name: str) -> Any:
        return self._walked.value(self._trees[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._trees)

    def __len__(self) -> int:
        return len(self._trees)


def _first(sources: Iterable[Source], row: _Row, walked: _Walked) -> Tree | None:
    """The first source that said something; another may have its turn after the next walk."""
    for source in sources:
        tree = _tree(source, row, walked)
        if walked.value(tree) not in (None, b"", ""):
            return tree
    return None


def _tree(source: Source, row: _Row, walked: _Walked) -> Tree:
    if unknown := set(source.model_fields_set) - KNOWN_OF_SOURCE:
        value = evaluate(source, walked.context(row))
        value = values.text(value) if isinstance(value, bytes) else value
        return {"value": value} if unknown <= OF_ROW else {"value": value, "of_the_walk": True}
    return _aggregate(source, row, walked) if source.column and source.aggregate else _here(source, row, walked)


def _here(source: Source, row: _Row, walked: _Walked) -> Tree:
    names = row.names
    for name, inner in source.let.items():
        names = {**names, name: _tree(inner, _Row(row.index, row.groups, names), walked)}
    row = _Row(row.index, row.groups, names)
    if source.where and not walked.context(row).holds(source.where):
        return {"value": None}
    return _origin(source, row, walked) | _finish(source, names)


def _origin(source: Source, row: _Row, walked: _Walked) -> Tree:
    if source.oid:
        return {"oid": source.oid}
    if source.column:
        at = row_of(source, walked.context(row))
        return {"oid": f"{source.column}.{at}"} if at is not None else {"value": None}
    if source.of:
        named = row.names.get(source.of, {"value": None})
        return named if named.keys() <= {"oid", "value"} else {"from": named}
    return {} if source.value is None else {"value": source.value}


def _finish(source: Source, names: Mapping[str, Tree]) -> Tree:
    steps: dict[str, Any] = {"as": source.as_, "regex": source.regex, "enum": source.enum, "scale": source.scale}
    steps |= {"min": source.min, "max": source.max, "expr": source.expr, "give": source.give}
    tree = {name: step for name, step in steps.items() if step is not None}
    if source.not_:
        tree["not"] = list(source.not_)
    if source.formula and (used := {name: names[name] for name in source.formula.names if name in names}):
        tree["let"] = used
    return tree


def _aggregate(source: Source, row: _Row, walked: _Walked) -> Tree:
    """The cells of the column that are there now."""
    indices = walked.rows(source.column or "")
    if not indices and source.empty is not None:
        return {"value": source.empty}
    if source.only:
        indices = [index for index in indices if re.search(source.only, decode_text_index(index) or "")]
    parts = [_here(source, _Row(index, row.groups, row.names), walked) for index in indices]
    how = source.aggregate
    return {"fold": "first", "of": parts[::-1]} if how == "last" else {"fold": how, "of": parts}
