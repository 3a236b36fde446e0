"""One source of a profile worked out: where its value is taken from, and what becomes of it. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fleet.snmp import spectrum, values
from fleet.snmp.profiles.schema import PLACEHOLDER, Condition, Source, compiled
from fleet.snmp.types import Oid, Value

OCTET_MAX = 255


@dataclass(frozen=True)
class Answers:
    """What a device answered. ``columns``: column → row index → value; a column whose walk failed is in ``failed``."""

    scalars: Mapping[Oid, Value] = field(default_factory=dict)
    columns: Mapping[Oid, Mapping[str, Value]] = field(default_factory=dict)
    failed: frozenset[Oid] = frozenset()
    _indices: dict[Oid, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def index_holding(self, column: Oid, written: str) -> str | None:
        """The first row of a column whose cell reads like this."""
        if column not in self._indices:
            cells = self.columns.get(column, {})
            self._indices[column] = {values.text(cell) or "": index for index, cell in reversed(tuple(cells.items()))}
        return self._indices[column].get(written)


class Context:
    """Where a source looks: the answers, and inside a table the row."""

    __slots__ = ("answers", "groups", "index", "interfaces", "names")

    def __init__(
        self,
        answers: Answers,
        interfaces: Sequence[Mapping[str, Any]] = (),
        index: str | None = None,
        groups: tuple[str, ...] = (),
        names: Mapping[str, Any] | None = None,
    ) -> None:
        self.answers, self.interfaces, self.index, self.groups = answers, interfaces, index, groups
        self.names: Mapping[str, Any] = {} if names is None else names

    def at(self, index: str, groups: tuple[str, ...] = ()) -> Context:
        return Context(self.answers, self.interfaces, index, groups, self.names)

    def with_lets(self, lets: Mapping[str, Source]) -> Context:
        if not lets:
            return self
        context, names = self, dict(self.names)
        for name, source in lets.items():  # a name may use those before it
            context = Context(self.answers, self.interfaces, self.index, self.groups, names)
            names[name] = evaluate(source, context)
        return context

    def holds(self, conditions: Mapping[str, Condition]) -> bool:
        """Whether every named value is as its condition wants it; one without value counts as empty text."""
        return all(self._holds(name, condition) for name, condition in conditions.items())

    def _holds(self, name: str, condition: Condition) -> bool:
        written = _written(self.names.get(name))
        if isinstance(condition, str):
            return compiled(condition).search(written) is not None
        return any(written == _fill(allowed, self) for allowed in condition)


# One value


def first(sources: Iterable[Source], context: Context, kind: type) -> Any:
    """The first source that says something this field can hold."""
    for source in sources:
        value = _coerce(evaluate(source, context), kind)
        if value is not None:
            return value
    return None


def evaluate(source: Source, context: Context) -> Any:
    if source.column and source.aggregate:
        return _aggregate(source, context)
    return _evaluate_here(source, context)


def _evaluate_here(source: Source, context: Context) -> Any:
    context = context.with_lets(source.let)
    if source.where and not context.holds(source.where):
        return None
    return _finish(source, _raw(source, context), context)


def _raw(source: Source, context: Context) -> Value | bool | None:
    if source.oid:
        return context.answers.scalars.get(source.oid)
    if source.column:
        return _cell(source, source.column, context)
    if source.index is not None:
        return _index_part(source.index, context.index)
    if source.text_index:
        return decode_text_index(context.index or "", int(source.text_index))
    if source.text:
        return _fill(source.text, context)
    return context.names.get(source.of) if source.of else source.value


def _cell(source: Source, column: Oid, context: Context) -> Value | None:
    if source.holding:
        wanted = _fill(source.holding, context)
        return context.answers.index_holding(column, wanted) if wanted else None
    at = row_of(source, context)
    return context.answers.columns.get(column, {}).get(at) if at is not None else None


def row_of(source: Source, context: Context) -> str | None:
    template = source.at or source.at_text
    if template is None:
        return context.index
    filled = _fill(template, context)
    return encode_text_index(filled) if filled is not None and source.at_text else filled


def _fill(template: str, context: Context, own: Mapping[str, Any] | None = None) -> str | None:
    """Replaces ``{index}``, ``{index.2}``, ``{1}`` and names; None if one of them has no value and no question mark."""
    if "{" not in template:
        return template
    parts: list[str | None] = [_placeholder(name, context, own or {}) for name in PLACEHOLDER.findall(template)]
    if None in parts:
        return None
    remaining = iter(parts)
    return PLACEHOLDER.sub(lambda _: next(remaining) or "", template)


def _placeholder(name: str, context: Context, own: Mapping[str, Any]) -> str | None:
    name, missing = (name[:-1], "") if name.endswith("?") else (name, None)
    if name in own:
        return _written(own[name]) or missing
    if name == "index":
        return context.index or missing
    if name.startswith("index."):
        return _index_text(name[6:], context.index) or missing
    if name.isdigit():
        return (context.groups[int(name) - 1] if int(name) <= len(context.groups) else "") or missing
    return _written(context.names.get(name)) or missing


def _written(value: Any) -> str:
    """A value as text; empty if there is none. Whole numbers are written without a point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else values.text(value) or ""


def _index_text(wanted: str, index: str | None) -> str | None:
    """``2``, ``-1``, ``2-4`` or ``3-`` of a row's index, counted from 1; None if there is no such part."""
    parts = index.split(".") if index else []
    if wanted.startswith("-"):
        return parts[int(wanted)] if int(wanted[1:]) <= len(parts) else None
    first, to, last = wanted.partition("-")
    end = int(last or len(parts)) if to else int(first)
    return ".".join(parts[int(first) - 1 : end]) if int(first) <= end <= len(parts) else None


def _index_part(wanted: int | list[int], index: str | None) -> Value | None:
    """Sub-identifier(s) of a row's index, from 1; a range comes as octets where it can (a MAC, an address)."""
    parts = index.split(".") if index else []
    first, last = (wanted, wanted) if isinstance(wanted, int) else (wanted[0], wanted[-1])
    first, last = (end if end > 0 else len(parts) + 1 + end for end in (first, last))
    if not 1 <= first <= last <= len(parts):
        return None
    if isinstance(wanted, int):
        return int(parts[first - 1])
    octets = [int(part) for part in parts[first - 1 : last]]
    return bytes(octets) if max(octets) <= OCTET_MAX else None


def decode_text_index(index: str, at: int = 1) -> str | None:
    """``3.97.98.99`` as ``abc``: a length-prefixed OCTET STRING index (RFC 2578 §7.7); ``at`` is where the length stands.

    Standing first the text must be the whole index, further back it may be followed by other parts.
    """
    parts = [int(part) for part in index.split(".") if part][at - 1 :]
    if not parts or parts[0] > len(parts) - 1 or (at == 1 and parts[0] != len(parts) - 1):
        return None
    octets = parts[1 : 1 + parts[0]]
    return values.text(bytes(octets)) if max(octets, default=0) <= OCTET_MAX else None


def encode_text_index(written: str) -> str:
    """Inverse of `decode_text_index`."""
    octets = written.encode()
    return ".".join(map(str, (len(octets), *octets)))


CONVERSIONS: Mapping[str, Callable[[Value], Any]] = {
    "text": values.text,
    "number": values.number,
    "mac": values.mac,
    "address": values.address,
    "network_address": values.network_address,
    "oid": values.text,
    "hex": values.hexadecimal,
    "date": values.date,
    "lower": lambda value: (values.text(value) or "").lower() or None,
    "upper": lambda value: (values.text(value) or "").upper() or None,
    "capitals": values.capitals,
    "band_of_frequency": spectrum.band_of_frequency,
    "band_of_channel": spectrum.band_of_channel,
    "channel_of_frequency": spectrum.channel_of_frequency,
}


def _finish(source: Source, raw: Value | bool | None, context: Context) -> Any:
    """Everything that happens to a value after it was taken, in the order the schema documents."""
    value: Any = raw
    groups: Sequence[str | None] = ()
    if value is not None and source.as_:
        value = CONVERSIONS[source.as_](value)
    for pattern, by in source.replace if value is not None else ():
        value = compiled(pattern).sub(by, values.text(value) or "")
    if value is not None and source.regex:
        value, groups = _search(source.regex, value)
    if value is not None and source.not_ and _written(value) in source.not_:
        value = None
    if value is not None and source.enum is not None:
        value = source.enum.get(_written(value))
    if value is not None and (source.scale is not None or source.min is not None or source.max is not None):
        value = _measure(source, value)
    if source.formula and (value is not None or not source.has_origin):
        known = {name: _number(context.names.get(name)) for name in source.formula.names}
        value = source.formula.value({**known, "x": _number(value)})
    if value is not None and source.find:
        value = _find_interface(source.find, value, context.interfaces)
    if source.format is not None and (value is not None or not (source.has_origin or source.expr)):
        value = _format(source, value, groups, context)
    return source.give if value is not None and source.give is not None else value


def _format(source: Source, value: Any, groups: Sequence[str | None], context: Context) -> str | None:
    own = {str(number): group for number, group in enumerate(groups, 1)} if source.groups else {}
    filled = _fill(source.format or "", context, {"x": value, **own})
    return (filled or "").strip() or None


def _search(regex: str, value: Value) -> tuple[str | None, Sequence[str | None]]:
    """The first group that says something, or the whole match of a pattern without groups; and all groups."""
    found = compiled(regex).search(values.text(value) or "")
    if found is None:
        return None, ()
    if not found.re.groups:
        return found.group(), ()
    return next(filter(None, found.groups()), None), found.groups()


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


def _aggregate(source: Source, context: Context) -> float | int | str | None:
    """One value from a whole column: what could be read of it summed, counted, …"""
    cells = context.answers.columns.get(source.column or "", {})
    if not cells:
        walked = source.column in context.answers.columns and source.column not in context.answers.failed
        return source.empty if walked else None
    if source.only:
        cells = {
            index: cell for index, cell in cells.items() if compiled(source.only).search(decode_text_index(index) or "")
        }
    read = (_evaluate_here(source, context.at(index)) for index in cells)
    said = (value for value in read if value is not None and value != b"")
    if source.aggregate == "first":
        return next(said, None)
    found = list(said)
    if source.aggregate == "last":
        return found[-1] if found else None
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
        return _written(value) or None
    number = _number(value)
    if number is None:
        return None
    return round(number) if kind is int else float(round(number, 3))
