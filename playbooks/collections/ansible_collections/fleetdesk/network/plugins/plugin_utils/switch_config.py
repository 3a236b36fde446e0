"""From a running configuration and what is wanted to the lines that must be typed, and a diff. Pure, for every dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import radius
from .dialect import MANY, ON, WORD_ONLY, Dialect, Running, Setting
from .wish import WishError

Pair = tuple[str, str | list[str]]

LONGEST = 200
SWITCHES = {"poe": ("enabled", "disabled"), "state": ("up", "down")}
HIGHEST_VLAN = 4094


def wanted(dialect: Dialect, running: Running, settings: Any, interfaces: Any, entries: Any = None) -> Running:
    """`running` with the task's wishes put in; None leaves a thing as it is, empty removes it. Raises WishError."""
    after = running.copy()
    for words, value in _mapping(settings, "settings").items():
        if value is not None:
            _set(dialect, running, after, words, _values(dialect, words, value))
    for words, asked in _mapping(entries or {}, "entries").items():
        _set(dialect, running, after, words, _entries(dialect, after, words, _mapping(asked, words)))
    for asked_port, asked in _mapping(interfaces, "interfaces").items():
        port = known_port(dialect, running, asked_port)
        for key, value in _mapping(asked, port).items():
            if value is not None:
                after.interfaces[port][key] = _port_value(dialect, running, (port, key), value)
    return after


def _set(dialect: Dialect, running: Running, after: Running, words: str, values: list[str]) -> None:
    one = dialect.words(words)
    after.settings[words] = values
    if words in running.fixed and values != running.settings.get(words):
        raise WishError(f"{words}: an access list hangs on it, which would be lost; change it at the switch")
    after.settings |= {implied: [ON] for implied in one.implies if values}


def _entries(dialect: Dialect, after: Running, words: str, asked: Mapping[str, Any]) -> list[str]:
    """What is there with some values more and some fewer; others stay."""
    dialect.words(words)
    if unknown := sorted(set(map(str, asked)) - {"present", "absent"}):
        raise WishError(f"{words}: entries are present or absent, not {unknown[0]}")
    more, fewer = ([_text(dialect, words, one) for one in asked.get(key) or [] if one] for key in ("present", "absent"))
    if both := set(more) & set(fewer):
        raise WishError(f"{words}: {len(both)} of them shall be both there and not there")
    values = dict.fromkeys([*(one for one in after.settings.get(words, []) if one not in fewer), *more])
    return list(values) if words in MANY else sorted(values)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WishError(f"{what} must be a mapping")
    return value


def known_port(dialect: Dialect, running: Running, port: Any) -> str:
    """The port's name as the switch shows it. Raises WishError when it has none of that name."""
    name = dialect.port_words(str(port))
    if name not in running.interfaces:
        raise WishError(f"the switch has no interface {port!r}")
    return name


def _values(dialect: Dialect, words: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [ON] if value else []
    values = list(value) if isinstance(value, list | tuple) else [value]
    if words not in MANY and len(values) > 1:
        raise WishError(f"{words}: there can be only one")
    return list(dict.fromkeys(_text(dialect, words, one) for one in values if one != ""))


def _text(dialect: Dialect, what: str, value: Any) -> str:
    """One line, as the switch will show it again: nothing that begins a second command can be in it."""
    text = str(value)
    if not text.isprintable() or text != text.strip() or len(text) > LONGEST:
        raise WishError(f"{what}: must be one line of at most {LONGEST} printable characters")
    if what in WORD_ONLY and (" " in text or not text.isascii()):
        raise WishError(f"{what}: must be one word of plain characters")
    if dialect.ascii_only and (not text.isascii() or "?" in text):
        raise WishError(f"{what}: {dialect.name} takes plain ASCII here, and no question mark (it asks for help)")
    if ends := _forbidden(dialect, what) & set(text):
        raise WishError(f"{what}: {dialect.name} cannot be told a text with {' '.join(sorted(ends))}")
    return text


def _forbidden(dialect: Dialect, what: str) -> set[str]:
    if what in dialect.settings:
        return set(dialect.settings[what].forbids)
    return set('"') if dialect.port["description"].quoted else set()


def _port_value(dialect: Dialect, running: Running, where: tuple[str, str], value: Any) -> str:
    port, key = where
    if key == "description":
        return _text(dialect, "description", value)
    if key == "vlan":
        return _vlan(running, port, value)
    if key not in SWITCHES:
        raise WishError(f"{port}: {key!r} is not known")
    if value not in SWITCHES[key]:
        raise WishError(f"{port}: {key} is {' or '.join(SWITCHES[key])}")
    if key not in running.interfaces[port]:
        raise WishError(f"{port} feeds no power")
    if value == "down" and running.interfaces[port][key] != "down":
        keep_apart(running, port)
    return str(value)


def _vlan(running: Running, port: str, value: Any) -> str:
    text = str(value)
    if not text.isdecimal() or not text.isascii() or not 1 <= int(text) <= HIGHEST_VLAN:
        raise WishError(f"{port}: a VLAN is a number from 1 to {HIGHEST_VLAN} (IEEE 802.1Q)")
    if int(text) not in running.vlans:
        raise WishError(f"the switch has no VLAN {int(text)}; a port must not lead nowhere")
    keep_apart(running, port)
    return str(int(text))


def keep_apart(running: Running, port: str) -> None:
    """Refuses a port that carries several zones, or leads to a device of the network: that would bridge or cut zones."""
    if running.interfaces[port].get("trunk") == "yes":
        raise WishError(f"{port} is a trunk: it carries several zones and stays as it is")
    if port in running.neighbours:
        raise WishError(f"{port} leads to {running.neighbours[port]}, which speaks LLDP: it is no socket for a user")


def power_lines(dialect: Dialect, running: Running, port: Any) -> tuple[list[str], list[str]]:
    """What switches a port's power off, and what on again (empty: the switch does that itself). Raises WishError."""
    name = known_port(dialect, running, port)
    poe = running.interfaces[name].get("poe")
    if poe != "enabled":
        raise WishError(f"{name} feeds no power" if poe is None else f"power is switched off on {name}")
    if dialect.cycle:
        return dialect.cycle(name), []
    off, on = ([f"interface {name}", *dialect.port["poe"].typed(value), "exit"] for value in ("disabled", "enabled"))
    return ["configure terminal", *off, "end"], ["configure terminal", *on, "end"]


def lines(dialect: Dialect, before: Running, after: Running) -> list[str]:
    """What must be typed; empty when there is nothing to do."""
    servers = radius.lines(before.radius, after.radius)
    typed = [*_setting_lines(dialect, before, after), *servers, *_port_lines(dialect, before, after)]
    return ["configure terminal", *typed, "end"] if typed else []


def _setting_lines(dialect: Dialect, before: Running, after: Running) -> Iterator[str]:
    for words, one in dialect.settings.items():
        had, want = before.settings.get(words, []), after.settings.get(words, [])
        if words in MANY and had != want and set(had) & set(want):
            # Order counts (the first server is asked first) and new ones are put at the end: make the list anew.
            kept = 0
            while kept < min(len(had), len(want)) and had[kept] == want[kept]:
                kept += 1
            yield from (one.removed.format(value) for value in had[kept:])
            yield from (one.typed.format(value) for value in want[kept:])
        elif had != want:
            yield from _replacing(one, had, want)


def _replacing(one: Setting, had: list[str], want: list[str]) -> Iterator[str]:
    """A text is overwritten by the next; a value that can be there more than once is taken away first."""
    if "{}" in one.removed:
        yield from (one.removed.format(value) for value in had if value not in want)
    elif had and not want:
        yield one.removed
    yield from (one.typed.format(value) for value in want if "{}" not in one.removed or value not in had)


def _port_lines(dialect: Dialect, before: Running, after: Running) -> Iterator[str]:
    for port, want in after.interfaces.items():
        had = before.interfaces.get(port, {})
        typed = [
            line
            for key, value in want.items()
            if had.get(key, "") != value
            for line in dialect.port[key].typed(value)
        ]  # fmt: skip
        if typed:
            yield from (f"interface {port}", *typed, "exit")


def rendered(dialect: Dialect, one: Running, other: Running) -> list[Pair]:
    """What `one` shows where it differs from `other`."""
    shown: list[Pair] = []
    for words in dialect.settings:
        here = one.settings.get(words, [])
        if here and here != other.settings.get(words, []):
            shown.append((words, here if words in MANY or len(here) > 1 else here[0]))
    shown += radius.shown(one.radius, other.radius)
    for port, values in one.interfaces.items():
        there = other.interfaces.get(port, {})
        shown += [(f"{port}.{key}", value) for key, value in values.items() if value and there.get(key, "") != value]
    return shown


def restored(dialect: Dialect, running: Running, text: str) -> Running:
    """What a kept configuration says, as far as we configure it; ports that it does not know stay. Raises WishError."""
    kept = dialect.parse(text)
    if missing := sorted(_vlans_used(kept) - running.vlans - {1}):
        raise WishError(f"the kept configuration uses VLANs that the switch does not have: {missing}")
    for words, values in kept.settings.items():
        for value in values:
            _text(dialect, words, value)
    for port, values in kept.interfaces.items():
        known_port(dialect, running, port)
        _text(dialect, "description", values.get("description", ""))
        if values.get("trunk") != running.interfaces[port].get("trunk"):
            raise WishError(f"{port}: what is a trunk now and what was one then differ; that is decided at the switch")
    after = running.copy()
    after.settings = {words: list(values) for words, values in kept.settings.items()}
    after.interfaces |= kept.interfaces
    after.radius = radius.restored(running.radius, kept.radius)
    return after


def _vlans_used(running: Running) -> set[int]:
    return {int(port["vlan"]) for port in running.interfaces.values() if port.get("vlan")}
