"""``test``, ``[`` and ``expr``."""

from __future__ import annotations

import re
from collections.abc import Callable

from fleet.lab.ssh.shell.applets.registry import UsageError, applet
from fleet.lab.ssh.shell.arithmetic import ArithmeticSyntaxError, wrap
from fleet.lab.ssh.shell.call import Call

_BASIC = re.compile(r"\\([(){}|+?])|([(){}|+?])")


@applet("test", "[")
async def test(call: Call) -> int:
    args = list(call.args)
    if call.name == "[":
        if args[-1:] != ["]"]:
            return await call.fail("missing ]", 2)
        args.pop()
    try:
        return int(not _Test(call, args).result())
    except UsageError as error:
        return await call.fail(str(error), 2)


class _Test:
    """The grammar of test(1): up to four arguments as POSIX says, beyond that ``-o`` below ``-a`` below ``!``."""

    def __init__(self, call: Call, args: list[str]) -> None:
        self.call, self.args = call, args

    def result(self) -> bool:
        args = self.args
        match args:
            case []:
                return False
            case [text]:
                return text != ""
            case ["!", *rest] if len(rest) < 4:  # noqa: PLR2004 - POSIX decides by the number of arguments
                return not _Test(self.call, rest).result()
            case [operator, operand] if operator in _UNARY:
                return _UNARY[operator](self.call, operand)
            case [left, operator, right] if operator in _BINARY:
                return _BINARY[operator](left, right)
        value = self._either()
        if self.args:
            raise UsageError(f"{self.args[0]}: unknown operand")
        return value

    def _either(self) -> bool:
        value = self._both()
        while self.args[:1] == ["-o"]:
            self.args = self.args[1:]
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._primary()
        while self.args[:1] == ["-a"]:
            self.args = self.args[1:]
            value = self._primary() and value
        return value

    def _primary(self) -> bool:
        match self.args:
            case ["!", *_]:
                self.args = self.args[1:]
                return not self._primary()
            case [left, operator, right, *rest] if operator in _BINARY:
                self.args = rest
                return _BINARY[operator](left, right)
            case ["(", *_]:
                return self._bracket()
            case [operator, operand, *rest] if operator in _UNARY:
                self.args = rest
                return _UNARY[operator](self.call, operand)
            case [text, *rest]:
                self.args = rest
                return text != ""
            case _:
                raise UsageError("argument expected")

    def _bracket(self) -> bool:
        self.args = self.args[1:]
        value = self._either()
        if self.args[:1] != [")"]:
            raise UsageError("closing paren expected")
        self.args = self.args[1:]
        return value


def _is_filled(call: Call, name: str) -> bool:
    path = call.path(name)
    return call.files.is_directory(path) or (call.files.is_file(path) and call.files.read(path) != "")


_UNARY: dict[str, Callable[[Call, str], bool]] = {
    "-n": lambda _call, text: text != "",
    "-z": lambda _call, text: text == "",
    "-e": lambda call, name: call.files.exists(call.path(name)),
    "-f": lambda call, name: call.files.is_file(call.path(name)) and name != "/dev/null",
    "-d": lambda call, name: call.files.is_directory(call.path(name)),
    "-r": lambda call, name: call.files.exists(call.path(name)),
    "-w": lambda call, name: call.files.exists(call.path(name)),
    "-x": lambda call, name: call.files.is_directory(call.path(name)) or bool(call.shell.find(call.path(name))),
    "-s": _is_filled,
    "-L": lambda _call, _name: False,
    "-h": lambda _call, _name: False,
    "-t": lambda _call, _name: False,
}


def _int(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text, re.ASCII):
        raise UsageError(f"{text}: bad number")
    return int(text)


def _comparing(compare: Callable[[int, int], bool]) -> Callable[[str, str], bool]:
    return lambda left, right: compare(_int(left), _int(right))


_BINARY: dict[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "-eq": _comparing(lambda left, right: left == right),
    "-ne": _comparing(lambda left, right: left != right),
    "-lt": _comparing(lambda left, right: left < right),
    "-le": _comparing(lambda left, right: left <= right),
    "-gt": _comparing(lambda left, right: left > right),
    "-ge": _comparing(lambda left, right: left >= right),
}


def basic_regex(text: str) -> str:
    """A POSIX basic regular expression in Python's notation."""
    expression = _BASIC.sub(lambda match: match[1] or "\\" + match[2], text)
    return extended_regex(re.sub(r"^\*", r"\\*", expression))


def extended_regex(text: str) -> str:
    """A POSIX extended regular expression in Python's notation: its classes have names."""
    classes = {"space": r"\s", "digit": "0-9", "alpha": "A-Za-z", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z"}
    return re.sub(r"\[:([a-z]+):\]", lambda match: classes.get(match[1], ""), text)


@applet("expr")
async def expr(call: Call) -> int:
    evaluation = _Expr(list(call.args))
    try:
        value = evaluation.value()
    except (UsageError, ArithmeticSyntaxError) as error:
        return await call.fail(str(error), 2)
    await call.out(value + "\n")
    return int(value in ("", "0"))


class _Expr:
    """expr(1): ``|``, ``&``, comparisons, sums, products, ``:``."""

    levels = (("|",), ("&",), ("=", "==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"), (":",))

    def __init__(self, args: list[str]) -> None:
        self.args = args

    def value(self) -> str:
        result = self._level(0)
        if self.args:
            raise UsageError("syntax error")
        return result

    def _level(self, level: int) -> str:
        if level == len(self.levels):
            return self._primary()
        left = self._level(level + 1)
        while self.args and self.args[0] in self.levels[level]:
            operator = self.args.pop(0)
            left = _combined(left, operator, self._level(level + 1))
        return left

    def _primary(self) -> str:
        if not self.args:
            raise UsageError("syntax error")
        word = self.args.pop(0)
        if word != "(":
            return word
        value = self._level(0)
        if self.args[:1] != [")"]:
            raise UsageError("syntax error")
        self.args.pop(0)
        return value


def _combined(left: str, operator: str, right: str) -> str:
    if operator == "|":
        return left if left not in ("", "0") else right
    if operator == "&":
        return left if left not in ("", "0") and right not in ("", "0") else "0"
    if operator == ":":
        return _matched(left, right)
    if operator in ("+", "-", "*", "/", "%"):
        return str(_computed(_int(left), operator, _int(right)))
    return str(int(_compared(left, operator, right)))


def _matched(text: str, expression: str) -> str:
    compiled = compile_regex(basic_regex(expression))
    match = compiled.match(text)
    if compiled.groups:
        return (match[1] or "") if match else ""
    return str(match.end() if match else 0)


def compile_regex(expression: str, flags: int = 0) -> re.Pattern[str]:
    """Raises UsageError for an expression that is none."""
    try:
        return re.compile(expression, flags)
    except (re.error, OverflowError) as error:
        raise UsageError(f"bad regex '{expression}': {error}") from error


def _computed(left: int, operator: str, right: int) -> int:
    if operator in ("/", "%") and right == 0:
        raise UsageError("division by zero")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if right else 0
    return wrap(
        {"+": left + right, "-": left - right, "*": left * right, "/": quotient, "%": left - quotient * right}[operator]
    )


def _compared(left: str, operator: str, right: str) -> bool:
    both = [re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) for text in (left, right)]
    order = (_int(left) > _int(right)) - (_int(left) < _int(right)) if all(both) else (left > right) - (left < right)
    return {
        "=": order == 0,
        "==": order == 0,
        "!=": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[operator]
