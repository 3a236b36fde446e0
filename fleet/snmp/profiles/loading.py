"""Reads profile files, resolves what they extend, and picks the one that fits a device."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fleet.snmp.errors import ProfileError
from fleet.snmp.profiles.schema import OF_THE_DEVICE, Match, Profile, Source, Table, compiled
from fleet.snmp.types import Oid

DIRECTORY = Path(__file__).parent
MAPS = "maps/"


@dataclass(frozen=True)
class Resolved:
    """A profile with everything it extends: own sources before inherited ones."""

    name: str
    match: tuple[Match, ...]
    fields: Mapping[str, tuple[Source, ...]]
    tables: tuple[Table, ...]

    @functools.cached_property
    def oids(self) -> tuple[Oid, ...]:
        """All instances to GET."""
        listed = {table.none_when_present for table in self.tables if table.none_when_present}
        return tuple(sorted(listed | {source.oid for source in self._sources() if source.oid}))

    @functools.cached_property
    def columns(self) -> tuple[tuple[Oid, ...], ...]:
        """All columns to walk, grouped by table: columns of one table are walked side by side."""
        named = {source.column for source in self._sources() if source.column}
        named |= {table.rows.column for table in self.tables if table.rows}
        groups: dict[str, list[Oid]] = {}
        for column in sorted(named, key=lambda oid: [int(arc) if arc.isdigit() else 0 for arc in oid.split(".")]):
            groups.setdefault(column.rpartition(".")[0], []).append(column)
        return tuple(tuple(group) for group in groups.values())

    @functools.cached_property
    def tables_into(self) -> Mapping[str, tuple[Table, ...]]:
        """The tables of each list, in their order."""
        lists = dict.fromkeys(table.into for table in self.tables)
        return {into: tuple(table for table in self.tables if table.into == into) for into in lists}

    def of_device(self, sys_object_id: Oid | None) -> Resolved:
        """The same profile with the device's own sysObjectID where its object identifiers mention it."""
        if not any(OF_THE_DEVICE.search(oid) for source in self._sources() for oid in (source.oid, source.column) if oid):
            return self
        arcs = (sys_object_id or "").split(".")
        fields = {name: tuple(_at_device(source, arcs) for source in given) for name, given in self.fields.items()}
        return replace(self, fields=fields, tables=tuple(_table_at_device(table, arcs) for table in self.tables))

    def _sources(self) -> Iterator[Source]:
        for alternatives in self.fields.values():
            yield from _with_lets(alternatives)
        for table in self.tables:
            yield from _with_lets(table.let.values())
            for cell in table.columns.values():
                yield from _with_lets(cell)


def _with_lets(sources: Iterable[Source]) -> Iterator[Source]:
    for source in sources:
        yield source
        yield from _with_lets(source.let.values())


_NO_OBJECT = "0.0"  # zeroDotZero, RFC 2578: asked for where the sysObjectID is too short


def _at_device(source: Source, arcs: Sequence[str]) -> Source:
    own = {key: _own(oid, arcs) for key in ("oid", "column") if (oid := getattr(source, key))}
    return source.model_copy(update={**own, "let": {name: _at_device(let, arcs) for name, let in source.let.items()}})


def _table_at_device(table: Table, arcs: Sequence[str]) -> Table:
    rows = table.rows and table.rows.model_copy(update={"column": _own(table.rows.column, arcs)})
    let = {name: _at_device(source, arcs) for name, source in table.let.items()}
    columns = {name: [_at_device(source, arcs) for source in given] for name, given in table.columns.items()}
    return table.model_copy(update={"rows": rows, "let": let, "columns": columns})


def _own(oid: Oid, arcs: Sequence[str]) -> Oid:
    def filled(found: re.Match[str]) -> str:
        first, last = int(found[1] or 1), int(found[2] or found[1] or len(arcs))
        return ".".join(arcs[first - 1 : last]) if last <= len(arcs) else ""

    written = OF_THE_DEVICE.sub(filled, oid)
    return _NO_OBJECT if ".." in written or written.startswith(".") or written.endswith(".") else written


@dataclass(frozen=True)
class Profiles:
    """All profiles of a directory."""

    by_name: Mapping[str, Resolved]

    @functools.cached_property
    def _known(self) -> Callable[[Oid | None, str | None], list[tuple[Resolved, Match]]]:
        """Devices of one model and firmware ask the same: a city has some hundreds of them, a search costs milliseconds."""
        return functools.lru_cache(maxsize=4096)(self._search)

    def candidates(self, sys_object_id: Oid | None, sys_descr: str | None) -> list[tuple[Resolved, Match]]:
        """Profiles that fit so far, the most specific first: longest sysObjectID, then sysDescr, then `present`.

        They are as of this device (`Resolved.of_device`). Whoever calls must still check `Match.present` of each, in order;
        the first that holds is the profile.
        """
        return list(self._known(sys_object_id, sys_descr))

    def _search(self, sys_object_id: Oid | None, sys_descr: str | None) -> list[tuple[Resolved, Match]]:
        fitting = [
            (_specificity(match, sys_object_id), profile, match)
            for profile in self.by_name.values()
            for match in profile.match
            if _holds(match, sys_object_id, sys_descr)
        ]
        fitting.sort(key=lambda found: (tuple(-part for part in found[0]), found[1].name))
        return [(profile.of_device(sys_object_id), match) for _, profile, match in fitting]


def _holds(match: Match, sys_object_id: Oid | None, sys_descr: str | None) -> bool:
    if match.sysObjectID and not any(_below(sys_object_id, prefix) for prefix in match.sysObjectID):
        return False
    return match.sysDescr is None or compiled(match.sysDescr).search(sys_descr or "") is not None


def _below(oid: Oid | None, prefix: Oid) -> bool:
    return f"{oid}.".startswith(f"{prefix}.")


def _specificity(match: Match, sys_object_id: Oid | None) -> tuple[int, int, int]:
    lengths = [prefix.count(".") + 1 for prefix in match.sysObjectID if _below(sys_object_id, prefix)]
    return max(lengths, default=0), int(match.sysDescr is not None), int(bool(match.present))


@functools.cache
def default() -> Profiles:
    """The profiles that come with the product. Raises ProfileError."""
    return load(DIRECTORY)


def load(directory: Path) -> Profiles:
    """Reads every ``*.toml`` below a directory; a profile's name is its path without suffix. Raises ProfileError.

    Files below ``maps/`` are no profiles: each is one `enum`, for profiles that say ``map = "<name>"``.
    """
    files = {str(path.relative_to(directory).with_suffix("")): path for path in sorted(directory.rglob("*.toml"))}
    maps = {name.removeprefix(MAPS): _read_map(path, name) for name, path in files.items() if name.startswith(MAPS)}
    raw = {name: _read(path, name, maps) for name, path in files.items() if not name.startswith(MAPS)}
    resolved: dict[str, Resolved] = {}
    return Profiles({name: _resolve(name, raw, (), resolved) for name in raw})


def _read_map(path: Path, name: str) -> dict[str, Any]:
    return _toml(_text(path, name), name)


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{name}.toml: {error}") from error


def _toml(written: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}.toml: {error}") from error
    except RecursionError as error:
        raise ProfileError(f"{name}.toml: too deep") from error


def _with_maps(written: Any, maps: Mapping[str, dict[str, Any]], name: str) -> Any:
    """The same structure with each ``map = "name"`` replaced by the `enum` it stands for."""
    if isinstance(written, list):
        return [_with_maps(part, maps, name) for part in written]
    if not isinstance(written, dict):
        return written
    if isinstance(wanted := written.get("map"), str):
        if wanted not in maps:
            raise ProfileError(f"{name}.toml: map {wanted!r} does not exist; there are {', '.join(sorted(maps)) or 'none'}")
        if "enum" in written:
            raise ProfileError(f"{name}.toml: map {wanted!r} and enum exclude each other")
        written = {**{key: part for key, part in written.items() if key != "map"}, "enum": maps[wanted]}
    return {key: part if key == "enum" else _with_maps(part, maps, name) for key, part in written.items()}


def _read(path: Path, name: str, maps: Mapping[str, dict[str, Any]]) -> Profile:
    written = _text(path, name)
    try:
        return Profile.model_validate(_with_maps(_toml(written, name), maps, name))
    except RecursionError as error:
        raise ProfileError(f"{name}.toml: too deep") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        loc = first["loc"]
        where = f"{name}.toml, line {_line(written, loc)}: {'.'.join(map(str, loc))}"
        raise ProfileError(f"{where}: {first['msg']}") from error


def _line(written: str, loc: Sequence[int | str]) -> int:
    """The line a pydantic location most likely means: its keys are looked for one after the other."""
    lines = written.splitlines()
    at = 0
    for position, part in enumerate(loc):
        following = loc[position + 1] if position + 1 < len(loc) else None
        if not isinstance(part, str):
            continue
        heads = [n for n in range(at, len(lines)) if re.search(rf'(^|[\s\[."{{,]){re.escape(part)}(?![\w])', lines[n])]
        nth = following if isinstance(following, int) and heads and lines[heads[0]].startswith("[[") else 0
        at = [n for n in heads if nth == 0 or lines[n].startswith("[[")][nth] if len(heads) > nth else at
    return at + 1


def _resolve(name: str, raw: Mapping[str, Profile], trail: tuple[str, ...], resolved: dict[str, Resolved]) -> Resolved:
    """`resolved`: those that are known already; most extend the same few."""
    if name in resolved:
        return resolved[name]
    if name in trail:
        raise ProfileError(f"{trail[0]}.toml: extends goes in a circle: {' → '.join((*trail, name))}")
    if name not in raw:
        raise ProfileError(f"{trail[-1]}.toml: extends {name!r}, which does not exist")
    own = raw[name]
    fields = {field: tuple(sources) for field, sources in own.fields.items()}
    tables = list(own.tables)
    for parent in (_resolve(base, raw, (*trail, name), resolved) for base in own.extends):
        for field, sources in parent.fields.items():
            if field not in own.drop:
                fields[field] = (*fields.get(field, ()), *(s for s in sources if s not in fields.get(field, ())))
        tables += [table for table in parent.tables if table.into not in own.drop and table not in tables]
    resolved[name] = Resolved(name, tuple(own.match), fields, tuple(tables))
    return resolved[name]
