"""Prepares a script for the grammar: quotes, expansions, comments and here-documents are painted over.

tree-sitter-bash is made for editors and for bash: it stumbles over a ``;`` after ``<<END``, drops leading blanks of a
here-document and reads bash's own expressions inside ``[``. Painted over, every word is a plain word, the grammar sees
nothing but the structure, and each word is read from the script itself, at the same place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fleet.lab.ssh.shell.syntax import ShellSyntaxError, Word
from fleet.lab.ssh.shell.words import Reader, here_document, literal, unquoted_text

_BLANK = " \t\n"
_OPERATORS = ";&|()<>"
_BASHISMS = re.compile(r"(?:coproc|declare|export|function|let|local|readonly|time|typeset|unset|unsetenv)(?![\w=])")
"""Commands here, words with a grammar of their own in bash."""
_RESERVED = "{}!"
"""Reserved words when they stand alone, characters like others when not."""


@dataclass(frozen=True)
class Document:
    """A here-document: what it holds, and where its ``<<END`` ends in the script."""

    word: Word
    end: int
    ended: bool
    """False when the script ended before its delimiter came."""


@dataclass
class Masked:
    """Both texts have the length of the script; ``shape`` is plain ASCII."""

    source: str
    shape: str
    documents: dict[int, Document] = field(default_factory=dict)
    """By the place of their ``<<``."""


@dataclass(frozen=True)
class _Awaited:
    start: int
    end: int
    delimiter: str
    quoted: bool
    tabs: bool


def mask(script: str) -> Masked:
    """Raises ShellSyntaxError at a quote or a substitution that does not end."""
    return _Masking(script).done()


class _Masking:
    def __init__(self, script: str) -> None:
        self.script, self.reader = script, Reader(script)
        self.source, self.shape = list[str](), list[str]()
        self.awaited: list[_Awaited] = []
        self.documents: dict[int, Document] = {}

    def done(self) -> Masked:
        while self.reader.at < len(self.script):
            self._step()
        self._read_documents()
        return Masked("".join(self.source), "".join(self.shape), self.documents)

    def _keep(self, start: int, shape: str) -> None:
        """Take the script since ``start`` as it is, under another shape."""
        self.source.append(self.script[start : self.reader.at])
        self.shape.append(shape)

    def _blank(self, start: int) -> None:
        blank = "".join("\n" if char == "\n" else " " for char in self.script[start : self.reader.at])
        self.source.append(blank)
        self.shape.append(blank)

    def _step(self) -> None:
        start, char = self.reader.at, self.script[self.reader.at]
        if char == "#" and self._at_word_start():
            end = self.script.find("\n", start)
            self.reader.at = len(self.script) if end < 0 else end
            self._blank(start)
        elif (match := _BASHISMS.match(self.script, start)) and self._at_word_start():
            self.reader.at = match.end()
            self._keep(start, "x" * len(match[0]))
        elif self.script.startswith("\\\n", start):
            self.reader.at += 2
            self._keep(start, "  ")
        elif char in "'\"\\$`":
            self.reader.one()
            self._keep(start, "x" * (self.reader.at - start))
        elif self.script.startswith("<<", start) and not self.script.startswith("<<<", start):
            self._await_document()
        else:
            self.reader.at += 1
            self._keep(start, self._shape(start, char))
            if char == "\n":
                self._read_documents()

    def _at_word_start(self) -> bool:
        at = self.reader.at
        return at == 0 or self.script[at - 1] in _BLANK + _OPERATORS

    def _shape(self, start: int, char: str) -> str:
        if char == "-" and self.script[start - 1 : start] == "&":
            return char
        if char in _RESERVED:
            around = (self.script[start - 1 : start] or " ") + (self.script[start + 1 : start + 2] or " ")
            return char if all(neighbour in _BLANK + _OPERATORS for neighbour in around) else "x"
        return char if char in _BLANK + _OPERATORS or char == "_" or (char.isascii() and char.isalnum()) else "x"

    def _await_document(self) -> None:
        start = self.reader.at
        tabs = self.script.startswith("<<-", start)
        self.reader.at += 3 if tabs else 2
        while self.script[self.reader.at : self.reader.at + 1] in (" ", "\t"):
            self.reader.at += 1
        begin = self.reader.at
        self.reader.parts(_BLANK + _OPERATORS)
        raw = self.script[begin : self.reader.at]
        if not raw:
            raise ShellSyntaxError("syntax error: unexpected redirection")
        delimiter = unquoted_text(raw)
        self.awaited.append(_Awaited(start, self.reader.at, delimiter, any(mark in raw for mark in "'\"\\"), tabs))
        self._keep(start, "<" + "x" * (self.reader.at - start - 1))

    def _read_documents(self) -> None:
        for awaited in self.awaited:
            start = self.reader.at
            text, ended = self._body(awaited)
            word = literal(text) if awaited.quoted else here_document(text)
            self.documents[awaited.start] = Document(word, awaited.end, ended)
            self._blank(start)
        self.awaited.clear()

    def _body(self, awaited: _Awaited) -> tuple[str, bool]:
        """The lines up to the delimiter, or, as in every shell, up to the end of the script."""
        found: list[str] = []
        while self.reader.at < len(self.script):
            end = self.script.find("\n", self.reader.at)
            end = len(self.script) if end < 0 else end + 1
            line, self.reader.at = self.script[self.reader.at : end], end
            line = line.lstrip("\t") if awaited.tabs else line
            if line.removesuffix("\n") == awaited.delimiter:
                return "".join(found), True
            found.append(line)
        return "".join(found), False
