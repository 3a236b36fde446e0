"""Turns a script into the tree of ``syntax``.

tree-sitter-bash decides where commands, lists and loops begin and end, on the text that ``mask`` has prepared; words are
read by ``words`` from the script itself, to the character. Redirections that the grammar hangs on a whole list go to
the command they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import tree_sitter
import tree_sitter_bash

from fleet.lab.ssh.shell import words
from fleet.lab.ssh.shell.mask import Masked, mask
from fleet.lab.ssh.shell.syntax import (
    AndOr,
    Background,
    Case,
    For,
    Function,
    If,
    Loop,
    Node,
    Not,
    Pipeline,
    Redirect,
    Redirected,
    Sequence,
    ShellSyntaxError,
    Simple,
    Subshell,
    Text,
    Word,
    at_first,
    at_last,
)

_LANGUAGE = tree_sitter.Language(tree_sitter_bash.language())
_REDIRECTS = ("file_redirect", "herestring_redirect")
_RESERVED = [(Text(word, quoted=False),) for word in ("do", "done", "elif", "else", "esac", "fi", "then", "{", "}")]
MAX_SCRIPT = 256 * 1024


@lru_cache(maxsize=256)
def parse(script: str) -> Node:
    """Read a script. Raises ShellSyntaxError where ``sh`` would not begin to run it, or when it passes 256 KiB."""
    if len(script) > MAX_SCRIPT or "\0" in script:
        raise ShellSyntaxError("script too long or not text")
    try:
        masked = mask(script)
        root = tree_sitter.Parser(_LANGUAGE).parse(masked.shape.encode("ascii")).root_node
        if root.has_error:
            raise ShellSyntaxError(f"syntax error: {_first_error(root, masked.source)}")
        return _Lowering(masked).sequence(root.children)
    except RecursionError:
        raise ShellSyntaxError("nested too deeply") from None


def is_complete(script: str) -> bool:
    """False while a person is still in the middle of a quote, a loop or a here-document."""
    if script.endswith("\\\n"):
        return False
    try:
        masked = mask(script)
        if any(not document.ended for document in masked.documents.values()):
            return False
        parse(script)
    except ShellSyntaxError as error:
        return not str(error).endswith(("end of file", "unterminated quoted string", "unterminated substitution"))
    return True


def _first_error(node: tree_sitter.Node, source: str) -> str:
    while not (node.is_error or node.is_missing):
        node = next(child for child in node.children if child.has_error)
    if node.is_missing or node.end_byte >= len(source):
        return "unexpected end of file"
    text = source[node.start_byte : node.end_byte].split()
    return f'unexpected "{text[0] if text else "newline"}"'


class _Lowering:
    def __init__(self, masked: Masked) -> None:
        self.masked = masked

    def text(self, start: int, end: int) -> str:
        return self.masked.source[start:end]

    def text_of(self, node: tree_sitter.Node) -> str:
        return self.text(node.start_byte, node.end_byte)

    def sequence(self, nodes: list[tree_sitter.Node]) -> Node:
        found: list[Node] = []
        for node in nodes:
            if node.type == "&" and found:
                found[-1] = Background(found[-1])
            elif node.is_named and node.type != "comment":
                found.append(self.node(node))
            elif node.type == ";;":
                raise ShellSyntaxError('syntax error: unexpected ";;"')
        return found[0] if len(found) == 1 else Sequence(tuple(found))

    def node(self, node: tree_sitter.Node) -> Node:
        lower = _LOWER.get(node.type)
        if lower is None:
            raise ShellSyntaxError(f"syntax error: {node.type.replace('_', ' ')} is not known here")
        return lower(self, node)

    # Simple commands -------------------------------------------------------------------------------------------------

    def simple(self, node: tree_sitter.Node) -> Node:
        redirects: list[Redirect] = []
        found: list[Word] = []
        at = node.start_byte
        for child in node.children:
            if child.type in _REDIRECTS:
                found += words.split(self.text(at, child.start_byte))
                made, more = self.redirect(child)
                redirects.append(made)
                found += more
                at = child.end_byte
        found += words.split(self.text(at, node.end_byte))
        return _simple(found, redirects)

    def redirect(self, node: tree_sitter.Node) -> tuple[Redirect, list[Word]]:
        """One redirection, and the words after its target, which belong to the command."""
        operator = next(child for child in node.children if not child.is_named)
        document = self.masked.documents.get(operator.start_byte)
        if document is not None:
            return Redirect(0, "<<", document.word), words.split(self.text(document.end, node.end_byte))
        found = words.split(self.text(operator.end_byte, node.end_byte))
        if operator.type in (">&-", "<&-"):
            return Redirect(self.fd(node, operator.type), operator.type[:2], words.literal("-")), found
        if not found or operator.type not in (">", ">>", "<", ">&", "<&", ">|"):
            raise ShellSyntaxError("syntax error: unexpected redirection")
        return Redirect(self.fd(node, operator.type), operator.type, found[0]), found[1:]

    def fd(self, node: tree_sitter.Node, operator: str) -> int:
        first = node.children[0]
        if first.type != "file_descriptor":
            return int(operator[0] == ">")
        if not self.text_of(first).isdecimal():
            raise ShellSyntaxError("syntax error: bad file descriptor")
        return int(self.text_of(first))

    def redirected(self, node: tree_sitter.Node) -> Node:
        body = next((c for c in node.children if c.is_named and c.type not in _REDIRECTS), None)
        result: Node = Simple() if body is None else self.node(body)
        for child in node.children:
            if child.type in _REDIRECTS:
                made, more = self.redirect(child)
                result = at_last(result, _adding([made], more))
        return result

    # Lists and pipelines ---------------------------------------------------------------------------------------------

    def list_(self, node: tree_sitter.Node) -> Node:
        left, operator, right = (c for c in node.children if c.type != "comment")
        lowered = self.node(right)
        # ``a && b || c`` groups to the left.
        return at_first(lowered, lambda first: AndOr(self.node(left), operator.type, first))

    def pipeline(self, node: tree_sitter.Node) -> Node:
        if any(child.type == "|&" for child in node.children):
            raise ShellSyntaxError('syntax error: unexpected "&"')
        return _joined([self.node(child) for child in node.children if child.is_named and child.type != "comment"])

    def negated(self, node: tree_sitter.Node) -> Node:
        return at_first(self.node(node.children[-1]), _negation)

    def subshell(self, node: tree_sitter.Node) -> Node:
        return Subshell(self.sequence(node.children[1:-1]))

    def group(self, node: tree_sitter.Node) -> Node:
        return Sequence((self.sequence(node.children[1:-1]),))

    # Compound commands -----------------------------------------------------------------------------------------------

    def if_(self, node: tree_sitter.Node) -> Node:
        branches = [self.branch(node.children)]
        otherwise: Node | None = None
        for child in node.children:
            if child.type == "elif_clause":
                branches.append(self.branch(child.children))
            elif child.type == "else_clause":
                otherwise = self.sequence(child.children[1:])
        return If(tuple(branches), otherwise)

    def branch(self, nodes: list[tree_sitter.Node]) -> tuple[Node, Node]:
        then = next(i for i, child in enumerate(nodes) if child.type == "then")
        body = [child for child in nodes[then + 1 :] if child.type not in ("elif_clause", "else_clause")]
        return self.sequence(nodes[1:then]), self.sequence(body)

    def while_(self, node: tree_sitter.Node) -> Node:
        return Loop(self.sequence(node.children[1:-1]), node.children[0].type == "until", self.do(node.children[-1]))

    def do(self, node: tree_sitter.Node) -> Node:
        if node.type != "do_group":
            raise ShellSyntaxError('syntax error: expected "do"')
        return self.sequence(node.children[1:-1])

    def for_(self, node: tree_sitter.Node) -> Node:
        if node.children[0].type != "for":
            raise ShellSyntaxError("syntax error: select is not known here")
        start = next((c.end_byte for c in node.children if c.type == "in"), None)
        end = next((c.start_byte for c in node.children if c.type in (";", "do_group")), node.end_byte)
        found = None if start is None else tuple(words.split(self.text(start, end)))
        return For(self.text_of(node.children[1]), found, self.do(node.children[-1]))

    def case(self, node: tree_sitter.Node) -> Node:
        end = next(c for c in node.children if c.type == "in").start_byte
        subject = words.split(self.text(node.children[0].end_byte, end))
        items = tuple(self.case_item(child) for child in node.children if child.type == "case_item")
        return Case(subject[0], items)

    def case_item(self, node: tree_sitter.Node) -> tuple[tuple[Word, ...], Node]:
        close = next(i for i, child in enumerate(node.children) if child.type == ")")
        patterns = tuple(self.patterns(node.children[:close], node.children[close].start_byte))
        body = [child for child in node.children[close + 1 :] if child.type not in (";;", ";&", ";;&")]
        return patterns, self.sequence(body)

    def patterns(self, nodes: list[tree_sitter.Node], end: int) -> Iterator[Word]:
        at = nodes[0].end_byte if nodes[0].type == "(" else nodes[0].start_byte
        for bar in [child.start_byte for child in nodes if child.type == "|"] + [end]:
            yield words.split(self.text(at, bar))[0]
            at = bar + 1

    def function(self, node: tree_sitter.Node) -> Node:
        if node.children[0].type == "function":
            raise ShellSyntaxError("syntax error: bad function name")
        return Function(self.text_of(node.children[0]), self.node(node.children[-1]))


def _simple(found: list[Word], redirects: list[Redirect]) -> Node:
    if found and found[0] in _RESERVED:
        raise ShellSyntaxError("syntax error: unexpected reserved word")
    assignments: list[tuple[str, Word]] = []
    for word in found:
        if (made := words.assignment(word)) is None:
            break
        assignments.append(made)
    return Simple(tuple(assignments), tuple(found[len(assignments) :]), tuple(redirects))


def _adding(redirects: list[Redirect], more: list[Word]) -> Callable[[Node], Node]:
    """A change that gives a command more redirections and words."""

    def change(node: Node) -> Node:
        if isinstance(node, Simple):
            return Simple(node.assignments, (*node.words, *more), (*node.redirects, *redirects))
        if more:
            raise ShellSyntaxError("syntax error: unexpected word")
        return Redirected(node, tuple(redirects))

    return change


def _negation(node: Node) -> Node:
    return Not(node)


def _joined(nodes: list[Node]) -> Node:
    """A pipeline of commands, where the last may head a list and ``!`` at the front speaks of the whole pipeline."""
    if len(nodes) == 1:
        return nodes[0]
    *front, last = nodes
    if isinstance(last, AndOr):
        return at_first(last, lambda first: _joined([*front, first]))
    if isinstance(front[0], Not):
        return Not(_joined([front[0].node, *front[1:], last]))
    return Pipeline(tuple(part for node in nodes for part in (node.nodes if isinstance(node, Pipeline) else (node,))))


_LOWER: dict[str, Callable[[_Lowering, tree_sitter.Node], Node]] = {
    "case_statement": _Lowering.case,
    "command": _Lowering.simple,
    "compound_statement": _Lowering.group,
    "for_statement": _Lowering.for_,
    "function_definition": _Lowering.function,
    "if_statement": _Lowering.if_,
    "list": _Lowering.list_,
    "negated_command": _Lowering.negated,
    "pipeline": _Lowering.pipeline,
    "redirected_statement": _Lowering.redirected,
    "subshell": _Lowering.subshell,
    "while_statement": _Lowering.while_,
}
