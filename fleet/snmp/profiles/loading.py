"""Reads profile files, resolves what they extend, and picks the one that fits a device."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fleet.snmp.errors import ProfileError
from fleet.snmp.profiles.schema import Match, Profile, Source, Table
from fleet.snmp.types import Oid

DIRECTORY = Path(__file__).parent


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
        for column in sorted(named, key=lambda oid: tuple(map(int, oid.split(".")))):
            groups.setdefault(column.rpartition(".")[0], []).append(column)
        return tuple(tuple(group) for group in groups.values())

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


@dataclass(frozen=True)
class Profiles:
    """All profiles of a directory."""

    by_name: Mapping[str, Resolved]

    def candidates(self, sys_object_id: Oid | None, sys_descr: str | None) -> list[tuple[Resolved, Match]]:
        """Profiles that fit so far, the most specific first: longest sysObjectID, then sysDescr, then `present`.

        Whoever calls must still check `Match.present` of each, in order; the first that holds is the profile.
        """
        fitting = [
            (_specificity(match, sys_object_id), profile, match)
            for profile in self.by_name.values()
            for match in profile.match
            if _holds(match, sys_object_id, sys_descr)
        ]
        fitting.sort(key=lambda found: (tuple(-part for part in found[0]), found[1].name))
        return [(profile, match) for _, profile, match in fitting]


def _holds(match: Match, sys_object_id: Oid | None, sys_descr: str | None) -> bool:
    if match.sysObjectID and not any(_below(sys_object_id, prefix) for prefix in match.sysObjectID):
        return False
    return match.sysDescr is None or re.search(match.sysDescr, sys_descr or "") is not None


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
    """Reads every ``*.toml`` below a directory; a profile's name is its path without suffix. Raises ProfileError."""
    files = {str(path.relative_to(directory).with_suffix("")): path for path in sorted(directory.rglob("*.toml"))}
    raw = {name: _read(path, name) for name, path in files.items()}
    return Profiles({name: _resolve(name, raw, ()) for name in raw})


def _read(path: Path, name: str) -> Profile:
    written = path.read_text(encoding="utf-8")
    try:
        return Profile.model_validate(tomllib.loads(written))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}.toml: {error}") from error
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


def _resolve(name: str, raw: Mapping[str, Profile], trail: tuple[str, ...]) -> Resolved:
    if name in trail:
        raise ProfileError(f"{trail[0]}.toml: extends goes in a circle: {' → '.join((*trail, name))}")
    if name not in raw:
        raise ProfileError(f"{trail[-1]}.toml: extends {name!r}, which does not exist")
    own = raw[name]
    fields = {field: tuple(sources) for field, sources in own.fields.items()}
    tables = list(own.tables)
    for parent in (_resolve(base, raw, (*trail, name)) for base in own.extends):
        for field, sources in parent.fields.items():
            if field not in own.drop:
                fields[field] = (*fields.get(field, ()), *(s for s in sources if s not in fields.get(field, ())))
        tables += [table for table in parent.tables if table.into not in own.drop and table not in tables]
    return Resolved(name, tuple(own.match), fields, tuple(tables))
