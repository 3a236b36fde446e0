"""How one value is made of instances, as data (so that it can be stored) and as a function (so that it is quick).

A tree is one of
  {"oid": …, "as"?, "regex"?, "not"?, "enum"?, "scale"?, "min"?, "max"?, "expr"?, "let"?,
   "give"?}                                                                          an instance and what becomes of it
  {"value": …, …}                                                                    a constant, likewise
  {"from": tree, …}                                                                  what another makes, likewise
  {"expr": …, "let": {name: tree}}                                                   arithmetic on others
  {"fold": "sum" | "count" | "min" | "max" | "mean" | "first", "of": [tree, …]}      several made one
A constant "of_the_walk" is one that may be another by now. Meaning and order are those of `profiles.schema.Source`.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from fleet.snmp import values
from fleet.snmp.profiles import arithmetic
from fleet.snmp.profiles.schema import compiled
from fleet.snmp.sources import CONVERSIONS
from fleet.snmp.types import Oid, Value

Tree: TypeAlias = dict[str, Any]
Answered: TypeAlias = Mapping[Oid, Value]
Made: TypeAlias = Callable[[Answered], Any]

_FOLDS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "mean": statistics.fmean,
}


def instances(tree: Tree) -> Iterator[Oid]:
    """All that must be fetched to make it."""
    if "oid" in tree:
        yield tree["oid"]
    for part in _parts(tree):
        yield from instances(part)


def is_of_the_walk(tree: Tree) -> bool:
    """Whether some of it is only as it was at the walk."""
    return "of_the_walk" in tree or any(map(is_of_the_walk, _parts(tree)))


def _parts(tree: Tree) -> Iterator[Tree]:
    yield from tree.get("let", {}).values()
    yield from tree.get("of", ())
    if "from" in tree:
        yield tree["from"]


def function(tree: Tree) -> Made:
    """From answers to the value; None where they do not give one."""
    if "fold" in tree:
        return _folding(tree["fold"], [function(part) for part in tree["of"]])
    made = _origin(tree)
    for step in _steps(tree):
        made = _then(made, step)
    if "expr" in tree:
        made = _calculating(made, tree)
    if "give" in tree:
        given = tree["give"]
        made = _then(made, lambda _: given)
    return made


def value(tree: Tree, said: Answered) -> Any:
    """What `function` makes, once: a bare instance or constant, which most are, needs no function."""
    if len(tree) == 1:
        if "oid" in tree:
            return said.get(tree["oid"])
        if "value" in tree:
            return tree["value"]
    return function(tree)(said)


def number(value: Any) -> float | int | None:
    """As a profile's arithmetic sees it: a flag is no number."""
    if type(value) is int or type(value) is float:
        return value
    return None if value is None or isinstance(value, bool) else values.number(value)


def _origin(tree: Tree) -> Made:
    if "oid" in tree:
        oid = tree["oid"]
        return lambda said: said.get(oid)
    if "from" in tree:
        return function(tree["from"])
    constant = tree.get("value")
    return lambda _: constant


def _then(made: Made, step: Callable[[Any], Any]) -> Made:
    def both(said: Answered) -> Any:
        value = made(said)
        return None if value is None else step(value)

    return both


def _steps(tree: Tree) -> Iterator[Callable[[Any], Any]]:
    if "as" in tree:
        yield CONVERSIONS[tree["as"]]
    if "regex" in tree:
        pattern = compiled(tree["regex"])
        yield lambda value: _search(pattern, value)
    if "not" in tree:
        nothing = frozenset(tree["not"])
        yield lambda value: None if (values.text(value) or "") in nothing else value
    if "enum" in tree:
        enum = tree["enum"]
        yield lambda value: enum.get(values.text(value) or "")
    if "scale" in tree or "min" in tree or "max" in tree:
        yield _measuring(tree.get("scale", 1), tree.get("min"), tree.get("max"))


def _search(pattern: re.Pattern[str], value: Value) -> str | None:
    found = pattern.search(values.text(value) or "")
    if found is None:
        return None
    groups = [group for group in found.groups() if group is not None]
    return (groups[0] if groups else None) if pattern.groups else found.group()


def _measuring(scale: float, low: float | None, high: float | None) -> Callable[[Any], float | None]:
    def measure(value: Any) -> float | None:
        found = value if type(value) is int else values.number(value)
        if found is None:
            return None
        found *= scale
        return None if (low is not None and found < low) or (high is not None and found > high) else found

    return measure


@lru_cache(maxsize=1_024)
def _formula(written: str) -> arithmetic.Formula:
    return arithmetic.parse(written)


_TIMES = re.compile(r"x \* (\d+)")
"""The arithmetic that most cells have, such as ifHighSpeed's."""


def _calculating(made: Made, tree: Tree) -> Made:
    if times := _TIMES.fullmatch(tree["expr"]):
        factor = float(times[1])
        return lambda said: None if (value := number(made(said))) is None else value * factor
    formula = _formula(tree["expr"])
    has_origin = "oid" in tree or "value" in tree or "from" in tree
    names = {name: function(part) for name, part in tree.get("let", {}).items() if name in formula.names}

    def calculate(said: Answered) -> float | None:
        value = made(said)
        if value is None and has_origin:
            return None
        return formula.value({"x": number(value)} | {name: number(part(said)) for name, part in names.items()})

    return calculate


def _folding(how: str, parts: Sequence[Made]) -> Made:
    if how == "count":
        return lambda said: sum(part(said) is not None for part in parts)
    if how == "first":
        return lambda said: next((value for part in parts if (value := part(said)) is not None), None)
    fold = _FOLDS[how]

    def folded(said: Answered) -> float | None:
        found = [value for part in parts if (value := number(part(said))) is not None]
        return fold(found) if found else None

    return folded
