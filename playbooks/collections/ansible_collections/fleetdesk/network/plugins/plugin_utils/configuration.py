"""A whole configuration as one text: what is fetched for keeping, and what is put back. Pure.

OpenWrt: what `uci export` prints, then small files as comments that UCI passes over (`# file PATH`, each line after `#| `).
Switches: what they show as their running configuration. RouterOS: its export. Servers: see `server_files`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .uci_plan import State
from .uci_text import PACKAGE, Section, UciTextError, Value, _append, _statements, quote

FILE, LINE = "# file ", "#| "
FILES = ("/etc/banner",)
SERVICES = {
    "dhcp": ["dnsmasq"],
    "dropbear": ["dropbear"],
    "firewall": ["firewall"],
    "network": ["network"],
    "snmpd": ["snmpd"],
    "system": ["system", "sysntpd", "log"],
    "wireless": ["wifi"],
}
"""Package → what is reloaded when it has changed."""
Pair = tuple[str, Value]


def fetching(mark: str, nowhere: str) -> str:
    """A script that prints everything between marked lines; `nowhere`: a folder without anybody's staged changes."""
    lines = [f"uci -q -P {nowhere} export </dev/null || exit 9"]
    for path in FILES:
        lines += [f"echo '{mark} {path}'", f"cat {quote(path)} 2>/dev/null </dev/null"]
    return "\n".join([*lines, f"echo '{mark} done'", "exit 0", ""])


def document(mark: str, output: str) -> str:
    """What `fetching` printed, as the text that is kept. Raises UciTextError when it is cut off."""
    export, *parts = output.split(f"{mark} ")
    if not parts or parts[-1].strip() != "done":
        raise UciTextError("the device's answer is not complete")
    lines = [export.rstrip("\n"), ""]
    for part in parts[:-1]:
        path, _, body = part.partition("\n")
        lines += [FILE + path, *(LINE + line for line in body.splitlines())]
    return "\n".join([*lines, ""])


def packages(text: str) -> State:
    """Package → its sections. Raises UciTextError."""
    found: State = {}
    current: list[Section] = []
    for words in _statements(text):
        match words:
            case ["package", name] if PACKAGE.fullmatch(name):
                current = found.setdefault(name, [])
            case ["config", kind, *name] if found and len(name) <= 1:
                current.append(Section(kind, name[0] if name else ""))
            case ["option", name, value] if current:
                current[-1].options[name] = value
            case ["list", name, value] if current:
                _append(current[-1], name, value)
            case _:
                raise UciTextError(f"not a statement of UCI: {words[0]}")
    return found


def files(text: str) -> dict[str, str]:
    """Path → content; only of the files that we keep, whatever else the text names."""
    found: dict[str, list[str]] = {}
    path = ""
    for line in text.splitlines():
        if line.startswith(FILE):
            path = line.removeprefix(FILE)
            found[path] = []
        elif line.startswith(LINE.rstrip()) and path:
            found[path].append(line[len(LINE) :])
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in found.items() if name in FILES}


def serialised(sections: Sequence[Section]) -> str:
    """As a file in /etc/config."""
    lines: list[str] = []
    for section in sections:
        lines += ["", f"config {section.type}" + (f" {quote(section.name)}" if section.name else "")]
        for name, value in section.options.items():
            word, values = ("list", value) if isinstance(value, list) else ("option", [value])
            lines += [f"\t{word} {name} {quote(one)}" for one in values]
    return "\n".join([*lines, ""])


def pairs(state: Mapping[str, Sequence[Section]]) -> list[Pair]:
    """(package.section.option, value), an unnamed section by its place among its kind."""
    found: list[Pair] = []
    for package, sections in state.items():
        seen: dict[str, int] = {}
        for section in sections:
            place = seen[section.type] = seen.get(section.type, -1) + 1
            name = section.name or f"@{section.type}[{place}]"
            found.append((f"{package}.{name}", section.type))
            found += [(f"{package}.{name}.{option}", value) for option, value in section.options.items()]
    return found


def differing(one: Iterable[Pair], other: Iterable[Pair]) -> list[Pair]:
    """What `one` has that `other` has not, or not so."""
    there = dict(other)
    return [(path, value) for path, value in one if there.get(path) != value]
