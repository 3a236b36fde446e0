"""MikroTik RouterOS 7: from `/export terse` and what is wanted to the commands that must be sent, and a diff. Pure.

Sources: MikroTik's manual, Console (quoting and escapes), Configuration Management (export), NTP, Log, SNMP, Note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields

EXPORT = "/export terse show-sensitive"
BEGINS = re.compile(r"^# .*RouterOS 7\.", re.MULTILINE)
REMOTE_ACTION = ("3", "remote")
"""The action `remote` is the fourth that every device has; an export calls it by number."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "_": " "}
_ESCAPE = re.compile(r"((?:\\[0-9A-F]{2})+)|\\(.)", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9 .,:@/-]", re.ASCII)
_WORD = re.compile(r'(?:(?P<name>[a-z][a-z0-9.-]*)=)?(?P<value>"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s"\[]*)(?=\s|$)', re.DOTALL)
_VERBS = ("set", "add")


class RouterError(ValueError):
    """The device did not show its configuration, or what is wanted cannot be said to it."""


@dataclass
class Settings:
    """What of a device we configure, in the order in which it is shown."""

    ntp: bool = False
    ntp_servers: list[str] = field(default_factory=list)
    syslog_host: str = "0.0.0.0"  # noqa: S104 - what RouterOS calls nobody
    syslog: bool = False
    """Whether a rule sends there what is of interest."""
    snmp: bool = False
    contact: str = ""
    community: str = "public"
    """The name of the community that every device has."""
    banner: str = ""
    banner_shown: bool = True


def quoted(text: str) -> str:
    """`text` as one word of the console. What could mean something there is written as hexadecimal digits of its bytes."""
    if not text.isprintable():
        raise RouterError("a text is one line of printable characters")
    return '"' + "".join(one if _PLAIN.match(one) else _bytes(one) for one in text) + '"'


def _bytes(text: str) -> str:
    return "".join(f"\\{byte:02X}" for byte in text.encode())


def unquoted(word: str) -> str:
    if not word.startswith('"'):
        return word
    return _ESCAPE.sub(_unescaped, word[1:-1])


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return bytes.fromhex(found[1].replace("\\", "")).decode(errors="replace")
    return _ESCAPES.get(found[2], found[2])


@dataclass(frozen=True)
class Line:
    """One command of an export: `/system ntp client set enabled=yes`; `item` is what stands before the properties."""

    path: str
    verb: str
    item: str
    properties: dict[str, str]


def parsed(text: str) -> Iterator[Line]:
    """The commands of an export, terse or in sections. Lines that go on in the next one end in a backslash."""
    section = ""
    for line in re.sub(r"\\\r?\n\s*", "", text).splitlines():
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if words.startswith("/"):
            path, verb, rest = _command(words)
            section = path
        else:
            verb, _, rest = words.partition(" ")
            path = section
        if verb in _VERBS:
            yield Line(path, verb, *_properties(rest))


def _command(words: str) -> tuple[str, str, str]:
    parts = words.split(" ")
    at = next((at for at, part in enumerate(parts) if part in _VERBS), len(parts))
    return " ".join(parts[:at]), parts[at] if at < len(parts) else "", " ".join(parts[at + 1 :])


def _properties(rest: str) -> tuple[str, dict[str, str]]:
    item, found = "", {}
    for word in _WORD.finditer(rest):
        if word["name"]:
            found[word["name"]] = unquoted(word["value"])
        elif word["value"] and not found:
            item = word["value"]
    return item, found


def read(text: str) -> Settings:
    """Raises RouterError for what is no export of RouterOS 7."""
    text = text.replace("\r", "")
    if not BEGINS.search(text):
        raise RouterError("the device did not show its configuration as RouterOS 7 does")
    found = Settings()
    for line in parsed(text):
        if act := _READERS.get((line.path, line.verb)):
            act(found, line)
    return found


def _ntp(found: Settings, line: Line) -> None:
    found.ntp = line.properties.get("enabled", "no") == "yes"


def _ntp_server(found: Settings, line: Line) -> None:
    found.ntp_servers.append(line.properties.get("address", ""))


def _action(found: Settings, line: Line) -> None:
    if line.item in REMOTE_ACTION and "remote" in line.properties:
        found.syslog_host = line.properties["remote"]


def _rule(found: Settings, line: Line) -> None:
    mine = {"action": "remote", "topics": "info"}
    if line.properties.get("disabled") != "yes" and mine.items() <= line.properties.items():
        found.syslog = True


def _snmp(found: Settings, line: Line) -> None:
    found.snmp = line.properties.get("enabled", "no") == "yes"
    found.contact = line.properties.get("contact", "")


def _community(found: Settings, line: Line) -> None:
    if "default=yes" in line.item.replace(" ", "") or line.item == "0":
        found.community = line.properties.get("name", found.community)


def _note(found: Settings, line: Line) -> None:
    found.banner = line.properties.get("note", "")
    found.banner_shown = line.properties.get("show-at-login", "yes") == "yes"


_READERS: dict[tuple[str, str], Callable[[Settings, Line], None]] = {
    ("/system ntp client", "set"): _ntp,
    ("/system ntp client servers", "add"): _ntp_server,
    ("/system logging action", "set"): _action,
    ("/system logging", "add"): _rule,
    ("/snmp", "set"): _snmp,
    ("/snmp community", "set"): _community,
    ("/system note", "set"): _note,
}


def commands(before: Settings, after: Settings) -> list[str]:
    """What must be sent; empty when there is nothing to do."""
    sent = [*_ntp_commands(before, after)]
    if before.syslog_host != after.syslog_host:
        sent.append(f"/system logging action set [find name=remote] remote={quoted(after.syslog_host)}")
    if before.syslog != after.syslog:
        mine = "action=remote topics=info"
        sent.append(
            f"/system logging add {mine}" if after.syslog else "/system logging remove [find action=remote topics=info]"
        )
    if (before.snmp, before.contact) != (after.snmp, after.contact):
        sent.append(f"/snmp set enabled={_yes(after.snmp)} contact={quoted(after.contact)}")
    if before.community != after.community:
        sent.append(f"/snmp community set [find default=yes] name={quoted(after.community)}")
    if (before.banner, before.banner_shown) != (after.banner, after.banner_shown):
        sent.append(f"/system note set note={quoted(after.banner)} show-at-login={_yes(after.banner_shown)}")
    return sent


def _ntp_commands(before: Settings, after: Settings) -> Iterator[str]:
    """The first is asked first and new ones are put at the end: from the first difference on the list is made anew."""
    had, want = before.ntp_servers, after.ntp_servers
    kept = 0
    while kept < min(len(had), len(want)) and had[kept] == want[kept]:
        kept += 1
    yield from (f"/system ntp client servers remove [find address={quoted(server)}]" for server in had[kept:])
    yield from (f"/system ntp client servers add address={quoted(server)}" for server in want[kept:])
    if before.ntp != after.ntp:
        yield f"/system ntp client set enabled={_yes(after.ntp)}"


def _yes(on: bool) -> str:
    return "yes" if on else "no"


def shown(one: Settings, other: Settings) -> list[tuple[str, str | list[str]]]:
    """What `one` has where it differs from `other`."""
    pairs = ((column.name, getattr(one, column.name), getattr(other, column.name)) for column in fields(one))
    return [(name, value if isinstance(value, list) else _said(value)) for name, value, there in pairs if value != there]


def _said(value: str | bool) -> str:
    return _yes(value) if isinstance(value, bool) else value


def wanted(now: Settings, given: dict[str, object]) -> Settings:
    """`now` with what is given put in; None leaves a thing as it is. Raises RouterError."""
    after = Settings(**{column.name: getattr(now, column.name) for column in fields(now)})
    for name, value in given.items():
        if value is not None:
            setattr(after, name, _checked(value))
    if given.get("ntp_servers") is not None:
        after.ntp = bool(after.ntp_servers)
    if given.get("syslog_host") is not None:
        after.syslog = True
    if given.get("contact") is not None or given.get("community") is not None:
        after.snmp = True
    if given.get("banner") is not None:
        after.banner_shown = bool(after.banner)
    return after


def _checked(value: object) -> str | list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [str(_checked(one)) for one in value]
    quoted(str(value))
    return str(value)
