"""The tree the interpreter walks. POSIX.1-2024, chapter 2 "Shell Command Language", as far as a device needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


class ShellSyntaxError(Exception):
    """The script cannot be read; a shell ends with status 2."""


@dataclass(frozen=True)
class Text:
    text: str
    quoted: bool


@dataclass(frozen=True)
class Parameter:
    """``$name`` or ``${name operator argument}``; the operator ``length`` stands for ``${#name}``."""

    name: str
    quoted: bool
    operator: str = ""
    argument: Word = ()


@dataclass(frozen=True)
class Substitution:
    """``$(source)`` or backticks; read when it is run."""

    source: str
    quoted: bool


@dataclass(frozen=True)
class Arithmetic:
    expression: Word
    quoted: bool


Part = Text | Parameter | Substitution | Arithmetic
Word = tuple[Part, ...]


@dataclass(frozen=True)
class Redirect:
    """``fd operator target``; for ``<<`` the target is the document's text."""

    fd: int
    operator: str
    target: Word


@dataclass(frozen=True)
class Simple:
    assignments: tuple[tuple[str, Word], ...] = ()
    words: tuple[Word, ...] = ()
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True)
class Sequence:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Pipeline:
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    node: Node


@dataclass(frozen=True)
class AndOr:
    left: Node
    operator: str
    right: Node


@dataclass(frozen=True)
class Background:
    node: Node


@dataclass(frozen=True)
class Subshell:
    node: Node


@dataclass(frozen=True)
class Redirected:
    node: Node
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True)
class If:
    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True)
class Loop:
    condition: Node
    until: bool
    body: Node


@dataclass(frozen=True)
class For:
    """``words`` is None for ``for name; do``, which walks ``"$@"``."""

    name: str
    words: tuple[Word, ...] | None
    body: Node


@dataclass(frozen=True)
class Case:
    subject: Word
    items: tuple[tuple[tuple[Word, ...], Node], ...]


@dataclass(frozen=True)
class Function:
    name: str
    body: Node


Node = Simple | Sequence | Pipeline | Not | AndOr | Background | Subshell | Redirected | If | Loop | For | Case | Function


def at_last(node: Node, change: Callable[[Node], Node]) -> Node:
    """Apply ``change`` to the last command of a list or a pipeline."""
    match node:
        case AndOr():
            return replace(node, right=at_last(node.right, change))
        case Not():
            return Not(at_last(node.node, change))
        case Pipeline():
            return Pipeline((*node.nodes[:-1], at_last(node.nodes[-1], change)))
        case _:
            return change(node)


def at_first(node: Node, change: Callable[[Node], Node]) -> Node:
    """Apply ``change`` to the first pipeline of a list."""
    if isinstance(node, AndOr):
        return replace(node, left=at_first(node.left, change))
    return change(node)
