"""UCI's own text: reading what `uci export` prints, quoting for `uci batch`.

The grammar is libuci's (file.c): statements end at a line's end, words are joined from plain, 'single' and "double" quoted
parts, and a quoted part may run over several lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Value = str | list[str]

NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
PACKAGE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
INDEXED = re.compile(r"@([A-Za-z0-9_-]+)\[(-?[0-9]{1,4})\]", re.ASCII)
_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\;#]+)""", re.DOTALL)


class UciTextError(ValueError):
    """The device printed something that is no UCI text."""


@dataclass
class Section:
    """One `config` block; `name` is empty for an anonymous one."""

    type: str
    name: str = ""
    options: dict[str, Value] = field(default_factory=dict)


def parse(text: str) -> list[Section]:
    """The sections of one package as `uci export` prints it, in their order. Raises UciTextError."""
    sections: list[Section] = []
    for words in _statements(text):
        if words[0] != "package":
            _take(sections, words)
    return sections


def _take(sections: list[Section], words: list[str]) -> None:
    match words:
        case ["config", kind, *name] if len(name) <= 1:
            sections.append(Section(kind, name[0] if name else ""))
        case ["option", name, value] if sections:
            sections[-1].options[name] = value
        case ["list", name, value] if sections:
            _append(sections[-1], name, value)
        case _:
            raise UciTextError(f"not a statement of UCI: {words[0]}")


def _append(section: Section, name: str, value: str) -> None:
    before = section.options.get(name, [])
    section.options[name] = [*([before] if isinstance(before, str) else before), value]


def _statements(text: str) -> Iterator[list[str]]:
    words: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in "\n;":
            if words:
                yield words
            words, at = [], at + 1
        elif text[at].isspace():
            at += 1
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            word, at = _word(text, at)
            words.append(word)
    if words:
        yield words


def _word(text: str, at: int) -> tuple[str, int]:
    """The word that begins at `at`, and where it ends."""
    found: list[str] = []
    while at < len(text) and not text[at].isspace() and text[at] not in ";#":
        piece = _PIECE.match(text, at)
        if piece is None:
            raise UciTextError("a quote is not closed")
        single, double, escaped, plain = piece.groups()
        if double is not None:
            double = re.sub(r"\\(.)", r"\1", double, flags=re.DOTALL)
        found.append(next(part for part in (single, double, escaped, plain) if part is not None))
        at = piece.end()
    return "".join(found), at


def quote(text: str) -> str:
    """Single-quoted, so that UCI and a POSIX shell both read exactly `text`."""
    return "'" + text.replace("'", "'\\''") + "'"
