"""The small arithmetic a profile may write (``100 * used / size``): numbers, names, + - * / // % **, brackets, functions."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_MAX_EXPONENT = 32
_MAX_LENGTH = 400
"""Of what is written: so no formula nests deeper than it can be worked out."""

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_FUNCTIONS: Mapping[str, Callable[..., float]] = {"abs": abs, "log10": math.log10, "max": max, "min": min, "round": round}
_OF_SEVERAL = frozenset({"max", "min"})


@dataclass(frozen=True)
class Formula:
    """A checked expression. Build with `parse`."""

    written: str
    names: frozenset[str]
    _tree: ast.expr = field(repr=False, compare=False)

    def value(self, known: Mapping[str, float | None]) -> float | None:
        """The result; None if a name has no value, or the arithmetic is impossible (division by zero, overflow)."""
        try:
            return _evaluate(self._tree, known)
        except (ArithmeticError, KeyError, TypeError, ValueError):
            return None


def parse(written: str) -> Formula:
    """Checks an expression. Raises ValueError naming what is not allowed."""
    if len(written) > _MAX_LENGTH:
        raise ValueError(f"an expression of {len(written)} characters is too long; {_MAX_LENGTH} are allowed")
    try:
        tree = ast.parse(written, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{written!r} is not an expression: {error.msg}") from error
    return Formula(written, frozenset(_names(tree)), tree)


def _names(node: ast.expr) -> set[str]:
    match node:
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS or isinstance(op, ast.Pow):
            return _names(left) | _names(right)
        case ast.UnaryOp(ast.USub(), operand):
            return _names(operand)
        case ast.Call(ast.Name(name), arguments, []) if name in _FUNCTIONS:
            _check_arguments(name, len(arguments))
            return set().union(*map(_names, arguments))
        case ast.Name(name):
            return {name}
        case ast.Constant(value) if type(value) in (int, float):
            return set()
    functions = ", ".join(_FUNCTIONS)
    raise ValueError(f"{ast.unparse(node)!r}: only numbers, names, + - * / // % **, brackets and {functions} are allowed")


def _check_arguments(function: str, given: int) -> None:
    if function in _OF_SEVERAL and given < len(("one", "other")):
        raise ValueError(f"{function} takes 2 or more arguments")
    if function not in _OF_SEVERAL and given != 1:
        raise ValueError(f"{function} takes 1 argument")


def _evaluate(node: ast.expr, known: Mapping[str, float | None]) -> float:
    match node:
        case ast.BinOp(left, ast.Pow(), right):
            return _power(_evaluate(left, known), _evaluate(right, known))
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_evaluate(left, known), _evaluate(right, known))
        case ast.UnaryOp(_, operand):
            return -_evaluate(operand, known)
        case ast.Call(ast.Name(name), arguments):
            return float(_FUNCTIONS[name](*(_evaluate(argument, known) for argument in arguments)))
        case ast.Name(name):
            return float(known[name])  # type: ignore[arg-type]  # None raises TypeError: "no value", caught in value()
        case ast.Constant(value):
            return float(value)  # type: ignore[arg-type]  # parse() lets only int and float through
    raise TypeError(ast.dump(node))


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > _MAX_EXPONENT:
        raise OverflowError(f"exponent {exponent}")
    result = base**exponent
    if isinstance(result, complex):
        raise OverflowError("a root of a negative number")
    return float(result)
