"""The text of UCI: ``config``/``option``/``list`` files and the words of one ``uci batch`` line.

The grammar and the export layout are those of OpenWrt's libuci (file.c, util.c), so that what this module writes is
byte for byte what ``uci commit`` leaves in ``/etc/config``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

Value = str | list[str]

_BLANK = " \t\r\f\v"
_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_PACKAGE = re.compile(r"[A-Za-z0-9_-]+\Z")
_TYPE = re.compile(r"[!-~]+\Z")
_PLAIN = re.compile(r"[A-Za-z0-9_.@:/+-]+\Z")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class UciError(Exception):
    """What libuci would answer; the text is its own, the command line prints it after ``uci: ``."""

    message = "Unknown error"

    def __str__(self) -> str:
        return f"{self.message}{f' ({self.args[0]})' if self.args else ''}"


class EntryNotFound(UciError):  # noqa: N818 - libuci's own words
    message = "Entry not found"


class InvalidArgument(UciError):  # noqa: N818 - libuci's own words
    message = "Invalid argument"


class ParseError(UciError):
    message = "Parse error"

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line

    def __str__(self) -> str:
        return f"Parse error ({self.reason}) at line {self.line}, byte 0"


@dataclass
class Section:
    """One ``config`` block. ``name`` is the given name, or libuci's ``cfgXXXXXX`` when ``anonymous``."""

    type: str
    name: str
    options: dict[str, Value] = field(default_factory=dict)
    anonymous: bool = False


def is_name(text: str) -> bool:
    """True for what libuci accepts as a section's or an option's name."""
    return bool(_NAME.match(text))


def is_package(text: str) -> bool:
    return bool(_PACKAGE.match(text))


def is_type(text: str) -> bool:
    return bool(_TYPE.match(text))


def is_value(text: str) -> bool:
    """True unless there is a control character that libuci refuses (tab and line ends are allowed)."""
    return not _FORBIDDEN.search(text)


def quote(text: str) -> str:
    """The single-quoted form that libuci prints."""
    return "'" + text.replace("'", "'\\''") + "'"


class _Words:
    """Splits UCI text into statements (a line, or up to ``;``) of unquoted words."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1

    def statements(self) -> Iterator[tuple[int, list[str]]]:
        while self.at < len(self.text):
            line = self.line
            if words := list(self._statement()):
                yield line, words

    def _statement(self) -> Iterator[str]:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "\n;":
                self._advance()
                return
            if char == "#":
                self._skip_comment()
            elif char in _BLANK:
                self._advance()
            else:
                yield self._word()

    def _advance(self) -> str:
        char = self.text[self.at]
        self.at += 1
        self.line += char == "\n"
        return char

    def _skip_comment(self) -> None:
        while self.at < len(self.text) and self.text[self.at] != "\n":
            self.at += 1

    def _word(self) -> str:
        found: list[str] = []
        while self.at < len(self.text) and self.text[self.at] not in _BLANK + "\n;#":
            char = self._advance()
            if char in "'\"":
                found.append(self._quoted(char))
            elif char == "\\":
                found.append(self._escaped())
            else:
                found.append(char)
        return "".join(found)

    def _escaped(self) -> str:
        if self.at >= len(self.text):
            return ""
        char = self._advance()
        return "" if char == "\n" else char

    def _quoted(self, mark: str) -> str:
        line = self.line
        found: list[str] = []
        while self.at < len(self.text):
            char = self._advance()
            if char == mark:
                return "".join(found)
            found.append(self._escaped() if char == "\\" and mark == '"' else char)
        raise ParseError(f"unterminated {mark}", line)


def statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line number, words)`` for every statement; raises ParseError at an unterminated quote."""
    return _Words(text).statements()


def _hash(text: str, value: int | None = None) -> int:
    """libuci's djbhash over the characters of a section's type and values."""
    result = 5381 if value is None else value
    for byte in text.encode("utf-8", "surrogateescape"):
        result = ((result << 5) + result + byte) & 0xFFFFFFFF
    return result & 0x7FFFFFFF


def anonymous_name(section: Section, number: int) -> str:
    """The ``cfgXXXXXX`` name of the ``number``-th section of a package (counted from one)."""
    value = _hash(section.type)
    for name, option in section.options.items():
        value = _hash(name, value)
        if isinstance(option, str):
            value = _hash(option, value)
    return f"cfg{number:02x}{value & 0xFFFF:04x}"


class _Reader:
    """Builds the sections of one package from its statements."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.started = 0
        self._current: Section | None = None

    def read(self, text: str) -> list[Section]:
        for line, words in statements(text):
            self._take(line, words)
        self._finish()
        return self.sections

    def _take(self, line: int, words: list[str]) -> None:
        match words:
            case ["package", _]:
                return
            case ["config", kind, *rest] if len(rest) <= 1:
                self._start(line, kind, rest[0] if rest else "")
            case ["option", name, value]:
                self._option(line, name).options[name] = value
            case ["list", name, value]:
                self._append(self._option(line, name), name, value)
            case [("package" | "config" | "option" | "list"), *_]:
                raise ParseError("wrong number of arguments", line)
            case _:
                raise ParseError("invalid command", line)

    def _start(self, line: int, kind: str, name: str) -> None:
        self._finish()
        if not is_type(kind) or (name and not is_name(name)):
            raise ParseError("invalid character in name field", line)
        self.started += 1
        self._current = self._existing(kind, name) or Section(kind, name, anonymous=not name)

    def _existing(self, kind: str, name: str) -> Section | None:
        found = next((s for s in self.sections if name and s.name == name), None)
        if found is not None:
            found.type = kind
        return found

    def _option(self, line: int, name: str) -> Section:
        if self._current is None:
            raise ParseError("option/list command found before the first section", line)
        if not is_name(name):
            raise ParseError("invalid character in name field", line)
        return self._current

    @staticmethod
    def _append(section: Section, name: str, value: str) -> None:
        before = section.options.get(name, [])
        section.options[name] = [*([before] if isinstance(before, str) else before), value]

    def _finish(self) -> None:
        section, self._current = self._current, None
        if section is None or section in self.sections:
            return
        if section.anonymous:
            section.name = anonymous_name(section, self.started)
        self.sections.append(section)


def parse(text: str) -> list[Section]:
    """Read one UCI file; the order of sections and options is kept. Raises ParseError."""
    return _Reader().read(text)


def serialise(sections: Iterable[Section]) -> str:
    """Write sections as ``uci commit`` does; ``parse`` reads the same back."""
    return "".join(map(_section_text, sections)) + "\n"


def _section_text(section: Section) -> str:
    kind = section.type if _PLAIN.match(section.type) else quote(section.type)
    head = f"\nconfig {kind}" + ("" if section.anonymous else f" {quote(section.name)}")
    return "\n".join([head, *_option_lines(section), ""])


def _option_lines(section: Section) -> Iterator[str]:
    for name, value in section.options.items():
        if isinstance(value, str):
            yield f"\toption {name} {quote(value)}"
        else:
            yield from (f"\tlist {name} {quote(item)}" for item in value)
