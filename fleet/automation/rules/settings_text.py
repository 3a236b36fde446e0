"""Reading single values out of a fetched configuration. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_PLACE = re.compile(r"(?P<package>[\w-]+)\.(?P<section>@[\w-]+\[\d+\]|@[\w-]+|\w+)(?:\.(?P<option>\w+))?")
_TOKEN = re.compile(
    r"""(?P<end>[\n;]+)|(?P<blank>\s+)|(?P<comment>\#[^\n]*)|(?P<single>'[^']*')|(?P<double>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<escaped>\\.)|(?P<plain>[^\s'"\\;#]+)|(?P<stray>.)""",
    re.DOTALL,
)
_FILE, _LINE = "# file ", "#|"


@dataclass
class Section:
    """A `config` block of UCI."""

    package: str
    type: str
    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def uci_sections(text: str) -> tuple[Section, ...]:
    """The sections of what `uci export` prints (libuci, file.c); what cannot be read is passed over.

    Kept for the next question about the same text: each rule and each setting asks once. Nobody changes them.
    """
    found: list[Section] = []
    package = ""
    for words in _statements(text):
        match words:
            case ["package", name]:
                package = name
            case ["config", kind, *name]:
                found.append(Section(package, kind, name[0] if name else ""))
            case ["option", name, value] if found:
                found[-1].options[name] = value
            case ["list", name, value] if found:
                listed = found[-1].options.setdefault(name, [])
                found[-1].options[name] = [*([listed] if isinstance(listed, str) else listed), value]
    return tuple(found)


def _statements(text: str) -> Iterator[list[str]]:
    """Lines as words; a quoted part may run over several lines."""
    words: list[str] = []
    joined = False
    for token in _TOKEN.finditer(text):
        if token.lastgroup in {"end", "blank"}:
            joined = False
            if token.lastgroup == "end" and words:
                yield words
                words = []
        elif token.lastgroup not in {"comment", "stray"}:
            if joined:
                words[-1] += _piece(token)
            else:
                words.append(_piece(token))
            joined = True
    if words:
        yield words


def _piece(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "single":
            return token[0][1:-1]
        case "double":
            return re.sub(r"\\(.)", r"\1", token[0][1:-1], flags=re.DOTALL)
        case "escaped":
            return token[0][1:]
    return token[0]


def kept_file(text: str, path: str) -> str | None:
    """The content of a small file that is kept with an OpenWrt configuration."""
    lines: list[str] | None = None
    for line in text.splitlines():
        if line.startswith(_FILE):
            if lines is not None:
                break
            lines = [] if line == _FILE + path else None
        elif lines is not None and line.startswith(_LINE):
            lines.append(line[len(_LINE) + 1 :])
    return None if lines is None else "\n".join(lines).strip()


def value_at(text: str, platform: str, where: str) -> Any:
    """What stands there: text, a list of texts, or "" where nothing is set."""
    if platform != "openwrt":
        return after_words(text, where)
    if where.startswith("/"):
        return kept_file(text, where) or ""
    place = _PLACE.fullmatch(where)
    if place is None:
        raise ValueError(f"{where!r} is no place in UCI")
    named = _named(uci_sections(text), place["package"], place["section"])
    return named.options.get(place["option"], "") if named else ""


def _named(sections: Sequence[Section], package: str, section: str) -> Section | None:
    here = [one for one in sections if one.package == package]
    if not section.startswith("@"):
        return next((one for one in here if one.name == section), None)
    kind, _, index = section[1:].partition("[")
    alike = [one for one in here if one.type == kind]
    number = int(index.rstrip("]") or 0)
    return alike[number] if number < len(alike) else None


def after_words(text: str, words: str) -> list[str]:
    """What follows these words at the beginning of a line, line by line."""
    return [line[len(words) + 1 :].strip() for line in text.splitlines() if line.startswith(words + " ")]
