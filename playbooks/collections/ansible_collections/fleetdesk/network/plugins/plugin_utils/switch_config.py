"""The lab switch's running configuration: reading it, and the lines that bring it to a wanted state. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Pair = tuple[str, str | list[str]]

MANY = ("ntp server", "logging host")
ONE = ("snmp-server community", "snmp-server location", "snmp-server contact", "banner")
LAST_WORD = {"snmp-server community": " ro"}
PORT = re.compile(r"port[0-9]{1,3}", re.ASCII)
LONGEST = 200
_WORD_ONLY = ("ntp server", "logging host", "snmp-server community")


class WishError(ValueError):
    """What the task asks for cannot be said on this command line."""


@dataclass
class Running:
    """What `show running-config` shows, as far as we configure it."""

    settings: dict[str, list[str]] = field(default_factory=dict)
    interfaces: dict[str, dict[str, str]] = field(default_factory=dict)
    """port → {description, poe}; without `poe` where the port feeds no power."""


def parse(text: str) -> Running:
    found = Running()
    port = ""
    for line in text.splitlines():
        if line.startswith("interface "):
            port = line.removeprefix("interface ").strip()
            found.interfaces[port] = {}
        elif line.startswith(" ") and port:
            key, _, value = line[1:].partition(" ")
            if key in ("description", "poe"):
                found.interfaces[port][key] = value
        else:
            _setting(found, line)
    return found


def _setting(found: Running, line: str) -> None:
    for words in (*MANY, *ONE):
        if line.startswith(words + " "):
            value = line[len(words) + 1 :].removesuffix(LAST_WORD.get(words, ""))
            found.settings.setdefault(words, []).append(value)


def wanted(running: Running, settings: Any, interfaces: Any) -> Running:
    """`running` with the task's wishes put in; None leaves a thing as it is, empty removes it. Raises WishError."""
    after = Running(
        {words: list(values) for words, values in running.settings.items()},
        {port: dict(values) for port, values in running.interfaces.items()},
    )
    for words, value in _mapping(settings, "settings").items():
        if words not in (*MANY, *ONE):
            raise WishError(f"settings: {words!r} is not known")
        if value is not None:
            after.settings[words] = _values(words, value)
    for port, asked in _mapping(interfaces, "interfaces").items():
        _known_port(running, port)
        for key, value in _mapping(asked, port).items():
            if value is not None:
                after.interfaces[port][key] = _interface_value(running, port, key, value)
    return after


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WishError(f"{what} must be a mapping")
    return value


def _known_port(running: Running, port: str) -> None:
    if port not in running.interfaces or not PORT.fullmatch(port):
        raise WishError(f"the switch has no interface {port!r}")


def _values(words: str, value: Any) -> list[str]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if words in ONE and len(values) > 1:
        raise WishError(f"{words}: there can be only one")
    return list(dict.fromkeys(_text(words, one) for one in values if one != ""))


def _text(what: str, value: Any) -> str:
    """One line, as the switch will show it again: nothing that begins a second command can be in it."""
    text = str(value)
    if not text.isprintable() or text != text.strip() or len(text) > LONGEST:
        raise WishError(f"{what}: must be one line of at most {LONGEST} printable characters")
    if what in _WORD_ONLY and (" " in text or not text.isascii()):
        raise WishError(f"{what}: must be one word of plain characters")
    return text


def _interface_value(running: Running, port: str, key: str, value: Any) -> str:
    if key == "description":
        return _text("description", value)
    if key != "poe":
        raise WishError(f"{port}: {key!r} is not known")
    if value not in ("enabled", "disabled"):
        raise WishError(f"{port}: poe is enabled or disabled")
    if "poe" not in running.interfaces[port]:
        raise WishError(f"{port} feeds no power")
    return str(value)


def power_cycle(running: Running, port: str) -> str:
    """The command that switches a port's power off and on again. Raises WishError where that would do nothing."""
    _known_port(running, port)
    poe = running.interfaces[port].get("poe")
    if poe != "enabled":
        raise WishError(f"{port} feeds no power" if poe is None else f"power is switched off on {port}")
    return f"poe cycle interface {port}"


def lines(before: Running, after: Running) -> list[str]:
    """What must be typed; empty when there is nothing to do."""
    typed = [*_setting_lines(before, after), *_interface_lines(before, after)]
    return ["configure terminal", *typed, "end"] if typed else []


def _setting_lines(before: Running, after: Running) -> Iterator[str]:
    for words in (*MANY, *ONE):
        had, want = before.settings.get(words, []), after.settings.get(words, [])
        if words in MANY and had != want and set(had) & set(want):
            # Order counts (the first server is asked first) and new ones are put at the end: make the list anew.
            kept = 0
            while kept < min(len(had), len(want)) and had[kept] == want[kept]:
                kept += 1
            yield from (f"no {words} {value}" for value in had[kept:])
            yield from (f"{words} {value}" for value in want[kept:])
        elif had != want:
            yield from _replacing(words, had, want)


def _replacing(words: str, had: list[str], want: list[str]) -> Iterator[str]:
    if words in MANY:
        yield from (f"no {words} {value}" for value in had)
    elif had and not want:
        yield f"no {words} {had[0]}" if words == "snmp-server community" else f"no {words}"
    yield from (f"{words} {value}{LAST_WORD.get(words, '')}" for value in want)


def _interface_lines(before: Running, after: Running) -> Iterator[str]:
    for port, want in after.interfaces.items():
        had = before.interfaces[port]
        typed = [_interface_line(key, value) for key, value in want.items() if had.get(key, "") != value]
        if typed:
            yield from (f"interface {port}", *typed, "exit")


def _interface_line(key: str, value: str) -> str:
    return f"{key} {value}" if value else f"no {key}"


def rendered(one: Running, other: Running) -> list[Pair]:
    """What `one` shows where it differs from `other`."""
    shown: list[Pair] = []
    for words in (*MANY, *ONE):
        here = one.settings.get(words, [])
        if here and here != other.settings.get(words, []):
            shown.append((words, here if words in MANY else here[0]))
    for port, values in one.interfaces.items():
        there = other.interfaces.get(port, {})
        shown += [(f"{port}.{key}", value) for key, value in values.items() if value and there.get(key, "") != value]
    return shown
