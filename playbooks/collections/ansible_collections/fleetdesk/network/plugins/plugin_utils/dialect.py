"""What the command lines of switches have in common: a running configuration, and the words in which each says it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .radius import Server
from .wish import WishError

MANY = ("ntp server", "logging host")
WORD_ONLY = ("hostname", "ntp server", "logging host", "snmp-server community")
ON = "on"
ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")
UNPRIVILEGED = re.compile(r"^[\w.()@-]{1,64}>", re.MULTILINE)


@dataclass
class Running:
    """What `show running-config` shows, as far as we configure it."""

    settings: dict[str, list[str]] = field(default_factory=dict)
    interfaces: dict[str, dict[str, str]] = field(default_factory=dict)
    """port → {description, poe (enabled, disabled), state (up, down), vlan, trunk}; no `poe` where it feeds no power."""
    vlans: frozenset[int] = field(default=frozenset(), compare=False)
    fixed: frozenset[str] = field(default=frozenset(), compare=False)
    """Settings that say more than we could type again."""
    neighbours: Mapping[str, str] = field(default_factory=dict, compare=False)
    """port → who is heard there (LLDP); only when asked for."""
    radius: dict[str, Server] = field(default_factory=dict)
    """Name of the block → the RADIUS server in it; on command lines that show them."""

    def copy(self) -> Running:
        settings = {words: list(values) for words, values in self.settings.items()}
        ports = {port: dict(values) for port, values in self.interfaces.items()}
        return Running(settings, ports, self.vlans, self.fixed, self.neighbours, dict(self.radius))


@dataclass(frozen=True)
class Setting:
    """One setting of the whole device."""

    shown: str
    """Regular expression of its line, with the value as group 1 (no group: there or not there)."""
    typed: str
    removed: str
    forbids: str = ""
    """Characters that a value cannot have, because they would end it."""
    off: str = ""
    """For what is on unless it says so: the line that says it is off."""
    fixed: str = ""
    """Regular expression of a line that says more than we could type again; it is left to people."""
    implies: tuple[str, ...] = ()
    """Other settings without which it does nothing."""


@dataclass(frozen=True)
class Port:
    """One property of a port. `typed` makes the lines of a value; a property that is not shown has its `default`."""

    shown: tuple[tuple[str, str], ...]
    """(regular expression, value; empty: group 1)"""
    typed: Callable[[str], list[str]]
    default: str | None = ""
    """None: a port that does not show it does not have it."""
    quoted: bool = False


@dataclass(frozen=True)
class Dialect:
    """The words of one family of switches. Sources are named where each is made."""

    name: str
    settings: Mapping[str, Setting]
    port: Mapping[str, Port]
    interface: str = r"interface (\S+)"
    port_words: Callable[[str], str] = str.strip
    """The name of a port as the running configuration shows it, from any spelling."""
    preamble: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Shows VLANs and neighbours."""
    vlan_row: str = r"(?!)"
    neighbour_row: str = r"(?!)"
    """Groups `port` and `name`."""
    begins: str = ""
    """The line at which the running configuration begins; what is before it are tables."""
    volatile: str = ""
    """Lines that change without anybody changing anything."""
    refused: str = r"^%.*$"
    save: tuple[str, ...] = ("write memory",)
    leave: tuple[str, ...] = ("exit",)
    ascii_only: bool = True
    cycle: Callable[[str], list[str]] | None = None
    """Its own command for switching a port's power off and on; None: two steps."""

    @property
    def show(self) -> str:
        return "show running-config"

    def parse(self, text: str) -> Running:
        return Reader(self).read(text)

    def cut(self, text: str) -> str:
        """Of what a session showed, the running configuration alone. Raises WishError when it is not in it."""
        text = ANSI.sub("", text).replace("\r", "")
        begins = list(re.finditer(self.begins, text, re.MULTILINE))
        if not begins:
            raise WishError("the device did not show its running configuration")
        lines = text[begins[-1].start() :].splitlines()
        lines[0] = re.sub(r"^\S+# ?", "", lines[0])
        lines = [line for line in lines if not (self.volatile and re.match(self.volatile, line))]
        while lines and re.match(r"^[^\s!]\S*(?:\([^)]*\))?[#>]", lines[-1]):
            lines.pop()
        return "".join(f"{line}\n" for line in lines)

    def words(self, setting: str) -> Setting:
        if setting not in self.settings:
            raise WishError(f"settings: {setting!r} is not known on {self.name}")
        return self.settings[setting]


class Reader:
    """One output into a Running. Subclasses read what stands elsewhere than in the block of a port."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.found = Running()
        self.vlans: set[int] = set()
        self.neighbours: dict[str, str] = {}
        self.port = ""
        self.switched_off: set[str] = set()

    def read(self, text: str) -> Running:
        tables, configuration = self._split(ANSI.sub("", text).replace("\r", ""))
        for line in tables:
            self.table_line(line)
        for line in configuration:
            self.line(line)
        self.end()
        self.found.vlans, self.found.neighbours = frozenset(self.vlans), dict(self.neighbours)
        return self.found

    def _split(self, text: str) -> tuple[list[str], list[str]]:
        lines = text.splitlines()
        begins = [at for at, line in enumerate(lines) if re.search(self.dialect.begins, line)]
        if not begins:
            raise WishError("the device did not show its running configuration")
        return lines[: begins[0]], lines[begins[-1] + 1 :]

    def table_line(self, line: str) -> None:
        if row := re.match(self.dialect.vlan_row, line):
            self.vlans.add(int(row[1]))
        elif row := re.match(self.dialect.neighbour_row, line):
            self.neighbours[self.dialect.port_words(row["port"])] = row["name"].strip() or "somebody"

    def line(self, line: str) -> None:
        if header := re.fullmatch(self.dialect.interface, line.rstrip()):
            self.port = self.dialect.port_words(header[1])
            self.interface(self.port)
        elif line.startswith(" ") and self.port:
            self.port_line(line.strip())
        else:
            self.port = ""
            self.setting_line(line.rstrip("\n"))

    def interface(self, port: str) -> dict[str, str]:
        defaults = {key: one.default for key, one in self.dialect.port.items() if one.default is not None}
        return self.found.interfaces.setdefault(port, defaults)

    def port_line(self, line: str) -> None:
        for key, one in self.dialect.port.items():
            for pattern, value in one.shown:
                if found := re.fullmatch(pattern, line):
                    self.found.interfaces[self.port][key] = value or (unquoted(found[1]) if one.quoted else found[1])
                    return

    def setting_line(self, line: str) -> None:
        if found := re.match(r"vlan ([0-9,-]+)(?: |$)", line):
            self.vlans |= set(numbers(found[1]))
        for words, one in self.dialect.settings.items():
            if one.fixed and re.fullmatch(one.fixed, line):
                self.found.fixed |= {words}
            if line == one.off:
                self.switched_off.add(words)
            elif found := re.fullmatch(one.shown, line):
                value = found[1] if found.re.groups else ON
                self.found.settings.setdefault(words, []).append(unquoted(value) if '"' in one.forbids else value)

    def end(self) -> None:
        """The last line has been read. Only the order of what is asked one after the other counts."""
        for words, values in self.found.settings.items():
            if words not in MANY:
                values.sort()
        for words, one in self.dialect.settings.items():
            if one.off and words not in self.switched_off:
                self.found.settings[words] = [ON]


def unquoted(text: str) -> str:
    """Without the double quotes around it; lines of a setting whose text may begin and end with one are never quoted."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def numbers(ranges: str) -> Iterator[int]:
    """`1-3,7` as 1, 2, 3, 7."""
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            yield from range(int(first), int(last or first) + 1)
