"""Shell arithmetic (POSIX.1-2024, 2.6.4): signed 64-bit integers, C's operators, assignments to variables."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping

_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|[0-9]+)|([A-Za-z_]\w*)"
    r"|(<<=|>>=|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%<>=!~&|^?:()]))"
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="),
    ("<<", ">>"), ("+", "-"), ("*", "/", "%"),
)  # fmt: skip
_MAX_NESTING = 60
_MAX_DIGITS = 20


class ArithmeticSyntaxError(Exception):
    """The text is the one ash prints."""


def wrap(number: int) -> int:
    """Reduce to a signed 64-bit integer."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise ArithmeticSyntaxError("divide by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_APPLY: dict[str, Callable[[int, int], int]] = {
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "<<": lambda a, b: a << (b & 63),
    ">>": lambda a, b: a >> (b & 63),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": lambda a, b: a - _divide(a, b) * b,
}


def evaluate(text: str, variables: MutableMapping[str, str]) -> int:
    """The value of an expression after parameter expansion. Raises ArithmeticSyntaxError."""
    tokens = _tokens(text)
    if not tokens:
        return 0
    evaluation = _Evaluation(tokens, variables)
    value = evaluation.assignment(live=True)
    if evaluation.tokens:
        raise ArithmeticSyntaxError("arithmetic syntax error")
    return value


def _tokens(text: str) -> list[str]:
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ArithmeticSyntaxError("arithmetic syntax error")
        found.append(match[0].strip())
        at = match.end()
    return found


def _number(text: str) -> int:
    if text[:2].lower() == "0x":
        return wrap(int(text, 16))
    if text.startswith("0") and set(text) <= set("01234567"):
        return wrap(int(text, 8))
    if len(text) > _MAX_DIGITS or not text.isdecimal() or (text.startswith("0") and len(text) > 1):
        raise ArithmeticSyntaxError("arithmetic syntax error")
    return wrap(int(text))


class _Evaluation:
    """Recursive descent; ``live`` is False in a branch that is read but not taken."""

    def __init__(self, tokens: list[str], variables: MutableMapping[str, str]) -> None:
        self.tokens, self.variables, self.depth = tokens, variables, 0

    def _take(self, *wanted: str) -> str:
        if self.tokens and self.tokens[0] in wanted:
            return self.tokens.pop(0)
        return ""

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise ArithmeticSyntaxError("arithmetic syntax error")

    def assignment(self, *, live: bool) -> int:
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise ArithmeticSyntaxError("expression recursion loop detected")
        value = self._assignment(live=live)
        self.depth -= 1
        return value

    def _assignment(self, *, live: bool) -> int:
        name = self.tokens[0] if self.tokens else ""
        operator = self.tokens[1] if len(self.tokens) > 1 else ""
        if not name.isidentifier() or not operator.endswith("=") or operator in ("==", "<=", ">=", "!="):
            return self._conditional(live=live)
        del self.tokens[:2]
        value = self.assignment(live=live)
        if live:
            value = wrap(_APPLY[operator[:-1]](self._variable(name), value)) if len(operator) > 1 else value
            self.variables[name] = str(value)
        return value

    def _conditional(self, *, live: bool) -> int:
        condition = self._binary(0, live=live)
        if not self._take("?"):
            return condition
        yes = self.assignment(live=live and bool(condition))
        self._expect(":")
        no = self.assignment(live=live and not condition)
        return yes if condition else no

    def _binary(self, level: int, *, live: bool) -> int:
        if level == len(_LEVELS):
            return self._unary(live=live)
        left = self._binary(level + 1, live=live)
        while operator := self._take(*_LEVELS[level]):
            decided = (operator == "&&" and not left) or (operator == "||" and bool(left))
            right = self._binary(level + 1, live=live and not decided)
            left = self._combine(operator, left, right, live=live)
        return left

    @staticmethod
    def _combine(operator: str, left: int, right: int, *, live: bool) -> int:
        if operator == "&&":
            return int(bool(left) and bool(right))
        if operator == "||":
            return int(bool(left) or bool(right))
        return wrap(_APPLY[operator](left, right)) if live else 0

    def _unary(self, *, live: bool) -> int:
        operator = self._take("!", "~", "-", "+")
        if not operator:
            return self._primary(live=live)
        value = self._unary(live=live)
        return {"!": int(not value), "~": ~value, "-": wrap(-value), "+": value}[operator]

    def _primary(self, *, live: bool) -> int:
        if self._take("("):
            value = self.assignment(live=live)
            self._expect(")")
            return value
        token = self.tokens.pop(0) if self.tokens else ""
        if token[:1].isdigit():
            return _number(token)
        if token.isidentifier():
            return self._variable(token) if live else 0
        raise ArithmeticSyntaxError("arithmetic syntax error")

    def _variable(self, name: str) -> int:
        text = self.variables.get(name, "").strip() or "0"
        sign = -1 if text.startswith("-") else 1
        return sign * _number(text.lstrip("+-") or "x")
