"""From a word as it was written to the text a command sees (POSIX.1-2024, 2.6)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from fleet.lab.ssh.shell.arithmetic import evaluate
from fleet.lab.ssh.shell.files import VirtualFiles
from fleet.lab.ssh.shell.syntax import Arithmetic, Parameter, Part, Substitution, Text, Word

_MAGIC = re.compile(r"[*?\[]")
_CLASSES = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": " \t", "xdigit": "0-9A-Fa-f", "punct": r"!-/:-@\[-`{-~",
}  # fmt: skip


class ExpansionError(Exception):
    """A word cannot be expanded; a shell that is not interactive ends with status 2."""


class Scope(Protocol):
    """What an expansion needs of the shell."""

    variables: dict[str, str]
    arguments: list[str]
    cwd: str
    nounset: bool

    @property
    def files(self) -> VirtualFiles: ...

    def special(self, name: str) -> str: ...

    @property
    def substitute(self) -> Callable[[str], Awaitable[str]]: ...


@dataclass(frozen=True)
class _Piece:
    text: str
    quoted: bool
    splits: bool = False


_BREAK = _Piece("", quoted=False)
"""Marks the border between two fields of ``"$@"``; compared by identity."""


async def fields(scope: Scope, word: Word) -> list[str]:
    """All expansions: parameters, substitutions, splitting at IFS, patterns of paths, removal of quotes."""
    found: list[str] = []
    for field_ in _fields(await _pieces(scope, word), scope.variables.get("IFS", " \t\n")):
        found += _paths(scope, field_)
    return found


async def text(scope: Scope, word: Word) -> str:
    """Without splitting and patterns: for assignments, targets of redirections, here-documents."""
    pieces = await _pieces(scope, word)
    return "".join(" " if piece is _BREAK else piece.text for piece in pieces)


async def pattern(scope: Scope, word: Word) -> str:
    """The regular expression for a word that stands where a pattern stands (``case``, ``${x#…}``)."""
    return _regex(await _pieces(scope, word))


async def _pieces(scope: Scope, word: Word) -> list[_Piece]:
    found: list[_Piece] = []
    for part in word:
        found += await _expand(scope, part)
    return _with_home(scope, word, found)


def _with_home(scope: Scope, word: Word, found: list[_Piece]) -> list[_Piece]:
    """Tilde expansion of a leading ``~`` or ``~/``."""
    if not word or not isinstance(word[0], Text) or word[0].quoted or not word[0].text.startswith("~"):
        return found
    head, rest = word[0].text[:1], word[0].text[1:]
    if (rest and not rest.startswith("/")) or (not rest and len(word) > 1):
        return found
    home = scope.variables.get("HOME", head)
    return [_Piece(home, quoted=True), _Piece(rest, quoted=False), *found[1:]]


async def _expand(scope: Scope, part: Part) -> list[_Piece]:
    match part:
        case Text():
            return [_Piece(part.text, part.quoted)]
        case Substitution():
            output = await scope.substitute(part.source)
            return [_Piece(output.rstrip("\n"), part.quoted, splits=not part.quoted)]
        case Arithmetic():
            value = evaluate(await text(scope, part.expression), scope.variables)
            return [_Piece(str(value), part.quoted, splits=not part.quoted)]
        case Parameter():
            return await _parameter(scope, part)


async def _parameter(scope: Scope, part: Parameter) -> list[_Piece]:
    if part.name in "@*" and not part.operator:
        return _all_arguments(scope, part)
    value = value_of(scope, part.name)
    if part.operator.lstrip(":") in ("-", "=", "+", "?") and part.operator:
        found = await _conditional(scope, part, value)
        return [_Piece("", quoted=True)] if part.quoted and not found else found
    if value is None and scope.nounset:
        raise ExpansionError(f"{part.name}: parameter not set")
    result = value or ""
    if part.operator == "length":
        result = str(len(result))
    elif part.operator:
        result = _trimmed(result, part.operator, await pattern(scope, part.argument))
    return [_Piece(result, part.quoted, splits=not part.quoted)]


def value_of(scope: Scope, name: str) -> str | None:
    """The value of a parameter, None when it is not set."""
    if name.isdecimal() and name != "0":
        number = int(name) - 1
        return scope.arguments[number] if number < len(scope.arguments) else None
    if name in "@*":
        return " ".join(scope.arguments) if scope.arguments else None
    if name in "0#?$!-":
        return scope.special(name)
    return scope.variables.get(name)


def _all_arguments(scope: Scope, part: Parameter) -> list[_Piece]:
    if part.name == "*" and part.quoted:
        separator = scope.variables.get("IFS", " ")[:1]
        return [_Piece(separator.join(scope.arguments), quoted=True)]
    found: list[_Piece] = []
    for argument in scope.arguments:
        found += [_BREAK, _Piece(argument, part.quoted, splits=not part.quoted)]
    # ``"$@"`` without arguments is no field at all, although quotes stood there.
    return found[1:] or [_NOTHING]


_NOTHING = _Piece("", quoted=False)


async def _conditional(scope: Scope, part: Parameter, value: str | None) -> list[_Piece]:
    missing = value is None or (part.operator.startswith(":") and not value)
    act = part.operator[-1]
    if act == "+":
        return [] if missing else await _argument(scope, part)
    if not missing:
        return [_Piece(value or "", part.quoted, splits=not part.quoted)]
    if act == "?":
        message = await text(scope, part.argument)
        raise ExpansionError(f"{part.name}: {message or 'parameter not set'}")
    if act == "=":
        if not part.name.isidentifier():
            raise ExpansionError("bad variable name")
        scope.variables[part.name] = await text(scope, part.argument)
        return [_Piece(scope.variables[part.name], part.quoted, splits=not part.quoted)]
    return await _argument(scope, part)


async def _argument(scope: Scope, part: Parameter) -> list[_Piece]:
    """The word of ``${x:-word}``: what is not quoted in it is split like an expansion."""
    pieces = await _pieces(scope, part.argument)
    return [piece if piece is _BREAK else _Piece(piece.text, piece.quoted, not piece.quoted) for piece in pieces]


def _trimmed(value: str, operator: str, expression: str) -> str:
    """``%`` and ``#`` cut the shortest, ``%%`` and ``##`` the longest end or beginning that fits."""
    compiled = re.compile(expression, re.DOTALL)
    cuts = range(len(value) + 1)
    order = cuts if operator in ("#", "%%") else reversed(cuts)
    for cut in order:
        part, rest = (value[:cut], value[cut:]) if operator[0] == "#" else (value[cut:], value[:cut])
        if compiled.fullmatch(part):
            return rest
    return value


def _fields(pieces: list[_Piece], separators: str) -> Iterator[list[_Piece]]:
    """Split at IFS what came from expansions outside of quotes."""
    current: list[_Piece] = []
    for piece in pieces:
        if piece is _BREAK:
            if current:
                yield current
            current = []
        elif piece.splits:
            *ended, current = _split(piece, current, separators)
            yield from (field_ for field_ in ended if field_)
        elif piece.text or piece.quoted:
            current = [*current, piece]
    if current:
        yield current


def _split(piece: _Piece, before: list[_Piece], separators: str) -> list[list[_Piece]]:
    """The fields one expansion makes; the first continues ``before``, the last is left open."""
    blanks = "".join(char for char in separators if char in " \t\n")
    others = "".join(char for char in separators if char not in " \t\n")
    found, current, content = [], before, ""
    rest = piece.text
    while rest:
        char = rest[0]
        if char not in separators:
            content, rest = content + char, rest[1:]
            continue
        stripped = rest.lstrip(blanks)
        hard = stripped[:1] != "" and stripped[:1] in others
        if content or hard:
            # A separator that is not blank ends a field even when there is nothing before it.
            current = [*current, _Piece(content, quoted=hard and not content)] if content or not current else current
        if current:
            found.append(current)
        current, content = [], ""
        rest = stripped[1:].lstrip(blanks) if hard else stripped
    if content:
        current = [*current, _Piece(content, quoted=False)]
    return [*found, current]


def _regex(pieces: list[_Piece]) -> str:
    return "".join(re.escape(p.text) if p.quoted else _unquoted_regex(p.text) for p in pieces)


def _unquoted_regex(text_: str) -> str:
    found, at = [], 0
    while at < len(text_):
        char = text_[at]
        bracket = _bracket(text_, at) if char == "[" else None
        if bracket is not None:
            expression, at = bracket
            found.append(expression)
            continue
        at += 1
        if char == "\\" and at < len(text_):
            char, at = text_[at], at + 1
            found.append(re.escape(char))
        else:
            found.append({"*": ".*", "?": "."}.get(char, re.escape(char)))
    return "".join(found)


def _bracket(text_: str, at: int) -> tuple[str, int] | None:
    """A bracket expression as a regular expression, and the index after it."""
    start = at + 1
    negated = text_[start : start + 1] in ("!", "^") and text_[start : start + 1] != ""
    start += negated
    match = re.compile(r"\]?(?:\[:[a-z]+:\]|[^\]])*\]").match(text_, start)
    if match is None:
        return None
    inner = re.sub(r"\[:([a-z]+):\]|([\\\[\]^&~|])", _class, match[0][:-1])
    expression = f"[{'^' if negated else ''}{inner}]"
    try:
        re.compile(expression)
    except re.error:
        # A range that runs backwards fits nothing.
        expression = "(?!)"
    return expression, match.end()


def _class(match: re.Match[str]) -> str:
    return _CLASSES.get(match[1], "") if match[1] else "\\" + match[2]


def _paths(scope: Scope, field_: list[_Piece]) -> list[str]:
    """The paths a field fits, or the field itself."""
    plain = "".join(piece.text for piece in field_)
    if not any(_MAGIC.search(piece.text) for piece in field_ if not piece.quoted):
        return [plain]
    marked = "".join(re.sub(r"([*?\[\]\\])", r"\\\1", p.text) if p.quoted else p.text for p in field_)
    return sorted(_matches(scope, marked)) or [plain]


def _matches(scope: Scope, marked: str) -> list[str]:
    found = ["/"] if marked.startswith("/") else [""]
    for component in filter(None, marked.split("/")):
        expression = re.compile(_unquoted_regex(component), re.DOTALL)
        found = [
            f"{base}{'' if base in ('', '/') else '/'}{name}"
            for base in found
            for name in (*((".", "..") if component.startswith(".") else ()), *_names(scope, base))
            if expression.fullmatch(name) and (not name.startswith(".") or component.startswith("."))
        ]
    return found


def _names(scope: Scope, base: str) -> list[str]:
    path = scope.files.resolve(base, scope.cwd)
    return scope.files.names(path) if scope.files.is_directory(path) else []
