"""The form of a profile file. Unknown keys, impossible combinations and bad expressions are errors at load."""

from __future__ import annotations

import functools
import itertools
import re
import types as builtin_types
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from fleet.snmp import types, values
from fleet.snmp.profiles import arithmetic

OF_THE_DEVICE = re.compile(r"\{sysObjectID(?:\.(\d+)(?:-(\d+))?)?\}")
"""In an object identifier: the device's own sysObjectID, its nth arc, or its arcs from … to …; counted from 1."""

ARC_MAX = 2**32 - 1  # RFC 2578 §3.5


def _oid(written: str) -> str:
    plain = OF_THE_DEVICE.sub("1.3", written)
    if not re.fullmatch(r"[012](\.[0-9]+)+", plain) or any(int(arc) > ARC_MAX for arc in plain.split(".")):
        raise ValueError(f"{written!r} is not a dotted object identifier")
    return written


def _regex(written: str) -> str:
    try:
        compiled(written)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{written!r} is not a regular expression: {error}") from error
    return written


@functools.cache
def compiled(regex: str) -> re.Pattern[str]:
    """A profile's regular expression. `re` itself keeps only 512 compiled ones, and all profiles together have more."""
    return re.compile(regex)


def _replacement(given: tuple[str, str]) -> tuple[str, str]:
    regex, by = given
    try:
        compiled(regex).sub(by, "")  # reads all of `by` even where there is nothing to replace
    except (re.error, IndexError) as error:
        raise ValueError(f"{by!r} cannot stand in for {regex!r}: {error}") from error
    return given


def _formula(written: str) -> str:
    arithmetic.parse(written)
    return written


def _index(given: int | list[int]) -> int | list[int]:
    parts = given if isinstance(given, list) else [given]
    if isinstance(given, list) and len(parts) != len(("first", "last")):
        raise ValueError("a range has two parts, the first and the last")
    if 0 in parts:
        raise ValueError("the parts of an index are counted from 1, or from -1")
    return given


def _scale(given: float) -> float:
    if not given:
        raise ValueError("a scale of 0 leaves nothing")
    return given


def _as_list(given: Any) -> Any:
    return given if isinstance(given, list) else [given]


Oid = Annotated[str, AfterValidator(_oid)]
Regex = Annotated[str, AfterValidator(_regex)]
Expression = Annotated[str, AfterValidator(_formula)]
Replacement = Annotated[
    tuple[Regex, str],
    BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given),
    AfterValidator(_replacement),
]
Some = Field(min_length=1)

Condition = Regex | Annotated[list[str], Some]
"""A regular expression that is searched, or the values allowed; a name without value is the empty text."""

Constant = str | int | float | bool

Conversion = Literal[
    "text", "number", "mac", "address", "network_address", "oid", "hex", "date", "lower", "upper", "capitals",
    "band_of_frequency", "band_of_channel", "channel_of_frequency",
]  # fmt: skip


class Strict(BaseModel):
    """Knows its keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Source(Strict):
    """Where a value comes from and what becomes of it, in this order: take, `where`, `as`, `replace`, regex, `not`, enum,
    scale, min/max, expr, find, format, give.

    Taken from exactly one of: `oid` (an instance; may hold `{sysObjectID}`, `{sysObjectID.1-9}`), `column` (the cell of this
    row; with `at`/`at_text` another row's), `index` (a part of the row's index, counted from 1, from the end if negative;
    [first, last] for a range), `text_index` (the index read as length-prefixed text; a number says at which part the length
    stands), `of` (a name of `let`), `text` (written with `{placeholders}`: the index, names of `let`; nothing if one of them
    has no value), `value` (a constant), or from `expr` or `format` alone.
    """

    oid: Oid | None = None
    column: Oid | None = None
    at: str | None = None
    at_text: str | None = None
    holding: str | None = None  # with column: not the cell, but the index of the first row in which it is this text
    index: Annotated[int | list[int], AfterValidator(_index)] | None = None
    text_index: bool | int = False
    of: str | None = None
    text: str | None = None
    value: Constant | None = None
    let: dict[str, Source] = Field(default_factory=dict)
    where: dict[str, Condition] = Field(default_factory=dict)  # says nothing (aggregate: of this row) unless all hold

    as_: Conversion | None = Field(None, alias="as")
    replace: list[Replacement] = Field(default_factory=list)  # [[regex, text], …], one after the other
    regex: Regex | None = None
    not_: list[str] = Field(default_factory=list, alias="not")  # what an agent says when it means nothing: "N/A", "-1"
    enum: Annotated[dict[str, Constant], Some] | None = None
    scale: Annotated[float | int, AfterValidator(_scale)] | None = None
    min: float | int | None = None
    max: float | int | None = None
    expr: Expression | None = None
    find: Literal["name", "alias", "mac"] | None = None  # the ifIndex of the interface with this name, alias or MAC
    format: str | None = None  # like `text`, afterwards: {x} is the value, {1} a group of `regex`; {name?} may be missing
    give: Constant | None = None  # said instead, if there still is a value: a name for a range
    aggregate: Literal["sum", "count", "min", "max", "mean", "first", "last"] | None = None  # of the whole column
    only: Regex | None = None  # with aggregate: only rows whose text index matches
    empty: int | None = None  # with aggregate: what a column without rows says, where the walk succeeded

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = sum(origin is not None for origin in self.origins())
        if given > 1 or (given == 0 and self.expr is None and self.format is None):
            raise ValueError("wants exactly one of oid, column, index, text_index, of, text, value, or expr or format alone")
        if (self.at or self.at_text or self.holding) and not self.column:
            raise ValueError("at, at_text and holding belong to column")
        if (self.aggregate and not self.column) or ((self.only or self.empty is not None) and not self.aggregate):
            raise ValueError("aggregate belongs to column, only and empty belong to aggregate")
        if sum(given is not None for given in (self.at, self.at_text, self.holding, self.aggregate)) > 1:
            raise ValueError("at, at_text, holding and aggregate exclude each other")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is greater than max: nothing is between them")
        return self

    def origins(self) -> list[Any]:
        """What each of the possible origins says; at most one is not None."""
        return [self.oid, self.column, self.index, self.text_index or None, self.of, self.text, self.value]

    @cached_property
    def has_origin(self) -> bool:
        """False if there is only an `expr` or a `format`."""
        return any(origin is not None for origin in self.origins())

    @cached_property
    def formula(self) -> arithmetic.Formula | None:
        """`expr`, parsed once."""
        return arithmetic.parse(self.expr) if self.expr else None

    @cached_property
    def groups(self) -> int:
        """How many groups `regex` has; with `format`, {1} … {n} mean them."""
        return compiled(self.regex).groups if self.regex and self.format else 0

    def constants(self) -> list[Constant]:
        """What this source can end in of what is written here; empty if it ends in something worked out."""
        if self.aggregate not in (None, "first", "last"):
            return []
        if self.give is not None:
            return [self.give]
        if self.format is not None or self.find or self.expr or self.scale is not None:
            return []
        if self.enum is not None:
            return list(self.enum.values())
        return [] if self.value is None or self.as_ or self.replace or self.regex else [self.value]

    def unknown_names(self, around: AbstractSet[str]) -> set[str]:
        """Names that this source uses and that neither it nor what is around it defines.

        Groups of a row's index are names, too: "1", "2" ...; "index" is one where there is a row.
        """
        around = ({name for name in around if not name.isdigit()} | {INDEX}) if self.aggregate else around
        known = around | set(self.let)
        missing = self._used() - known - {str(group) for group in range(1, self.groups + 1)}
        return missing.union(*(source.unknown_names(known) for source in self.let.values()))

    def _used(self) -> set[str]:
        own_row = self.column and not (self.at or self.at_text or self.holding)
        used = {INDEX} if own_row or self.index is not None or self.text_index else set()
        used |= (self.formula.names - {"x"}) if self.formula else set()
        used |= set(self.where) | ({self.of} if self.of else set())
        allowed = itertools.chain(*(condition for condition in self.where.values() if isinstance(condition, list)))
        templates = (self.at, self.at_text, self.holding, self.text, (self.format or "").replace("{x}", ""), *allowed)
        return used | {_plain_name(name) for template in templates for name in PLACEHOLDER.findall(template or "")}


INDEX = "index"
PLACEHOLDER = re.compile(r"\{([\w.-]+\??)\}")


def _plain_name(placeholder: str) -> str:
    """Without a question mark; ``{index.2}``, ``{index.2-4}``, ``{index.3-}``, ``{index.-1}`` are parts of the index."""
    name = placeholder.rstrip("?")
    return INDEX if re.fullmatch(r"index\.-?\d+(-\d*)?", name) else name


Sources = Annotated[list[Source], BeforeValidator(_as_list), Some]


class Rows(Strict):
    """Which rows a table has: the instances of `column`, optionally only those whose text index matches."""

    column: Oid
    text_index: Regex | None = None

    @property
    def groups(self) -> int:
        """How many groups `text_index` has: {1} … {n} mean them in a row."""
        return compiled(self.text_index).groups if self.text_index else 0


class Table(Strict):
    """Fills a list of the Reading: one element per row."""

    into: str
    rows: Rows | None = None
    let: dict[str, Source] = Field(default_factory=dict)
    where: dict[str, Condition] = Field(default_factory=dict)
    columns: Annotated[dict[str, Sources], Some]
    add: bool = False  # adds to what other tables gave, instead of standing in when they gave nothing
    join: list[str] = Field(default_factory=list)  # adds, and completes the rows of other tables that are equal in these
    completes: bool = False  # with `join`: a row that equals none of another table is left out
    needs: list[str] = Field(default_factory=list)  # columns without which a row says nothing
    merge_by: list[str] = Field(default_factory=list)  # rows equal in these become one ...
    sum: list[str] = Field(default_factory=list)  # ... in which these are added up
    none_when_present: Oid | None = None  # with this object there, an empty table means "there are none"

    @field_validator("into")
    @classmethod
    def _known(cls, into: str) -> str:
        if into not in LISTS:
            raise ValueError(f"{into!r} is no list of the reading; there are {', '.join(sorted(LISTS))}")
        return into

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known = set(LISTS[self.into])
        for column in (*self.columns, *self.needs, *self.merge_by, *self.sum, *self.join):
            if column not in known:
                raise ValueError(f"{self.into} has no {column!r}; it has {', '.join(sorted(known))}")
        for column in sorted(REQUIRED[self.into].union(self.needs, self.merge_by, self.sum, self.join)):
            if column not in self.columns:
                raise ValueError(f"{self.into} wants columns.{column}")
        if self.completes and not self.join:
            raise ValueError("completes belongs to join")
        return self

    @model_validator(mode="after")
    def _defined(self) -> Self:
        for name in self.where:
            if name not in self.let:
                raise ValueError(f"where.{name} is not defined under let")
        known = {INDEX, *self.let, *(str(group + 1) for group in range(self.rows.groups if self.rows else 0))}
        for name, sources in (*self.columns.items(), ("let", self.let.values())):
            _check_names(name, sources, known)
        for name, sources in self.columns.items():
            _check_constants(name, sources, LISTS[self.into][name])
        return self


def _check_names(name: str, sources: Iterable[Source], known: AbstractSet[str]) -> None:
    if missing := set[str]().union(*(source.unknown_names(known) for source in sources)):
        raise ValueError(f"{name}: {', '.join(sorted(missing))} is not defined under let, by a group or by a row")


def _check_constants(name: str, sources: Iterable[Source], kind: type) -> None:
    for constant in itertools.chain(*(source.constants() for source in sources)):
        if not _fits(constant, kind):
            raise ValueError(f"{name}: {constant!r} is no {kind.__name__}")


def _fits(constant: Constant, kind: type) -> bool:
    if kind is bool or isinstance(constant, bool):
        return kind is bool and isinstance(constant, bool)
    return kind is str or values.number(constant) is not None


def _check_kinds(sources: Iterable[Source]) -> None:
    for source in sources:
        said = source.constants()
        if not said:
            raise ValueError("kind: wants value, enum, map or give")
        for kind in said:
            if kind not in types.KINDS:
                raise ValueError(f"kind: {kind!r} is none of {', '.join(sorted(types.KINDS))}")


class Match(Strict):
    """All given conditions must hold. The empty match always holds, and is the weakest."""

    sysObjectID: Annotated[list[Oid], BeforeValidator(_as_list), Some] = Field(default_factory=list)  # noqa: N815 - the MIB's name
    sysDescr: Regex | None = None  # noqa: N815 - the MIB's name
    present: Annotated[list[Oid], BeforeValidator(_as_list), Some] = Field(default_factory=list)  # one of these instances


class Profile(Strict):
    """One profile file. Without `match` it is a part for others to extend."""

    extends: list[str] = Field(default_factory=list)
    match: list[Match] = Field(default_factory=list)
    fields: dict[str, Sources] = Field(default_factory=dict)
    tables: list[Table] = Field(default_factory=list)
    drop: list[str] = Field(default_factory=list)  # fields and lists not to be inherited

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, given: dict[str, list[Source]]) -> dict[str, list[Source]]:
        for name, sources in given.items():
            if name not in SCALARS:
                raise ValueError(f"{name!r} is no field of the reading; there are {', '.join(sorted(SCALARS))}")
            _check_names(name, sources, frozenset())
            _check_constants(name, sources, SCALARS[name])
        _check_kinds(given.get("kind", ()))
        return given

    @field_validator("drop")
    @classmethod
    def _known_drops(cls, given: list[str]) -> list[str]:
        for name in given:
            if name not in SCALARS and name not in LISTS:
                raise ValueError(f"{name!r} is neither field nor list of the reading")
        return given


# What a profile may fill, derived from the Reading itself so that the two cannot drift apart.


def _plain(hint: Any) -> Any:
    """``int | None`` as int."""
    if get_origin(hint) is builtin_types.UnionType:
        return next(arg for arg in get_args(hint) if arg is not type(None))
    return hint


def _destinations(cls: Any, prefix: str = "") -> tuple[dict[str, type], dict[str, dict[str, type]]]:
    scalars: dict[str, type] = {}
    lists: dict[str, dict[str, type]] = {}
    for name, hint in get_type_hints(cls).items():
        kind, path = _plain(hint), prefix + name
        if get_origin(kind) is tuple:
            element = get_args(kind)[0]
            lists[path] = _members(element) if is_dataclass(element) else {"value": element}
        elif get_origin(kind) is dict:
            lists[path] = {"key": str, "value": int}
        elif is_dataclass(kind):
            nested_scalars, nested_lists = _destinations(kind, f"{path}.")
            scalars |= nested_scalars
            lists |= nested_lists
        else:
            scalars[path] = kind
    return scalars, lists


def _members(cls: Any) -> dict[str, type]:
    hints = get_type_hints(cls)
    return {member.name: _plain(hints[member.name]) for member in fields(cls)}


SCALARS, LISTS = _destinations(types.Reading)
for _ours in ("reachable", "profile"):
    del SCALARS[_ours]
del LISTS["problems"]

REQUIRED = {
    path: frozenset(members) & {"ifIndex", "value", "key"} if path != "forwarding" else frozenset({"mac"})
    for path, members in LISTS.items()
}
"""What an element of a list cannot be without; a row that lacks it is no row."""
