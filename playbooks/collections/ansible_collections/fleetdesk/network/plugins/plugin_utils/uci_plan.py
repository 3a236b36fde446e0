"""From what a device has and what is wanted to the lines of `uci batch` and a diff. Pure: no device, no Ansible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from .uci_text import INDEXED, NAME, PACKAGE, Section, Value, quote

DEL = 0x7F

State = dict[str, list[Section]]
"""Package → its sections in order."""


class WishError(ValueError):
    """What the task asks for cannot be: a name UCI does not have, an index beyond the end."""


@dataclass(frozen=True)
class Wish:
    """One section as it should be. `section` is a name, or `@type[index]`."""

    package: str
    section: str
    type: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)
    """Empty text or an empty list means: without this option."""
    present: bool = True


@dataclass
class Plan:
    before: State
    after: State
    lines: list[str] = field(default_factory=list)
    """For `uci batch`, without the commits. Empty: nothing to do."""

    def packages(self) -> list[str]:
        """The packages that change, sorted."""
        return sorted(package for package in self.after if self.before[package] != self.after[package])


def wishes(packages: Any, state: State) -> list[Wish]:
    """The task's `packages` argument, checked and with `each` worked out. Raises WishError."""
    found: list[Wish] = []
    for package, sections in _mapping(packages, "packages").items():
        if not PACKAGE.fullmatch(str(package)):
            raise WishError(f"{package!r} is not a name of a UCI package")
        for name, asked in _mapping(sections, str(package)).items():
            given = _mapping(asked, str(name))
            if "needed" in given:
                _there(str(package), str(name), given, state)
            else:
                found += _sections(str(package), str(name), given, state)
    return found


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise WishError(f"{what} must be a mapping")
    return value


def _sections(package: str, name: str, asked: Mapping[str, Any], state: State) -> Iterator[Wish]:
    unknown = set(asked) - {"type", "options", "state", "each", "where", "identified_by"}
    if unknown:
        raise WishError(f"{package}.{name}: unknown key {', '.join(sorted(map(str, unknown)))}")
    if asked.get("state", "present") not in ("present", "absent"):
        raise WishError(f"{package}.{name}: state is present or absent")
    options = {
        _option(package, name, key): _value(value) for key, value in _mapping(asked.get("options") or {}, name).items()
    }
    present = asked.get("state", "present") == "present"
    kind = str(asked.get("type") or "")
    if kind and not PACKAGE.fullmatch(kind):
        raise WishError(f"{package}.{name}: {kind!r} is not a name of a UCI type")
    if "where" in asked:
        if "each" in asked or kind or not present:
            raise WishError(f"{package}.{name}: where chooses sections that are there and goes with options alone")
        yield from _chosen(package, name, _mapping(asked["where"], f"{package}.{name}: where"), options, state)
        return
    if "identified_by" in asked:
        yield from _identified(Wish(package, _section(package, name), kind, options, present), asked, state)
        return
    if "each" not in asked:
        yield Wish(package, _section(package, name), kind, options, present)
        return
    each = _mapping(asked["each"], f"{package}.{name}: each")
    option = _option(package, name, each.get("option", ""))
    for other in state.get(package, []):
        if other.type == each.get("type") and other.name:
            section = _section(package, f"{name}_{other.name}")
            yield Wish(package, section, kind, {option: other.name, **options}, present)


def _there(package: str, name: str, asked: Mapping[str, Any], state: State) -> None:
    """Something else leans on this section: without it that would be written and lead nowhere."""
    if set(asked) != {"type", "needed"} or asked["needed"] is not True:
        raise WishError(f"{package}.{name}: needed is true and goes with type alone")
    if not any(one.name == name and one.type == asked["type"] for one in state.get(package, [])):
        known = ", ".join(sorted(one.name for one in state.get(package, []) if one.type == asked["type"] and one.name))
        raise WishError(f"{package}: the device has no {asked['type']} {name!r}; it has {known or 'none'}")


def _chosen(package: str, name: str, where: Mapping[str, Any], options: dict[str, Value], state: State) -> Iterator[Wish]:
    """One wish for every section of that type whose option has that value; none at all is an error, not a success."""
    if set(where) != {"type", "option", "value"}:
        raise WishError(f"{package}.{name}: where takes type, option and value")
    option, value = _option(package, name, where["option"]), _scalar(where["value"])
    alike = [one for one in state.get(package, []) if one.type == where["type"]]
    found = [(index, one) for index, one in enumerate(alike) if one.options.get(option, "") == value]
    if not found:
        raise WishError(f"{package}: the device has no {where['type']} whose {option} is {value!r}")
    for index, one in found:
        yield Wish(package, one.name or f"@{one.type}[{index}]", "", options)


def _identified(wish: Wish, asked: Mapping[str, Any], state: State) -> Iterator[Wish]:
    """One of a kind by an option's value, whatever its section is called; a new one takes the next free name."""
    option = _option(wish.package, wish.section, asked["identified_by"])
    if "each" in asked or not wish.type or not wish.options.get(option):
        raise WishError(f"{wish.package}.{wish.section}: identified_by takes a type and the value of its option")
    there = state.get(wish.package, [])
    alike = [one for one in there if one.type == wish.type]
    found = [(at, one) for at, one in enumerate(alike) if one.options.get(option, "") == wish.options[option]]
    if found:
        # From the end: what is taken away does not move those that are still to be found by their place.
        for at, one in reversed(found):
            yield replace(wish, section=one.name or f"@{one.type}[{at}]")
    elif wish.present:
        taken, number = {one.name for one in there}, 1
        while (free := wish.section if number == 1 else f"{wish.section}_{number}") in taken:
            number += 1
        yield replace(wish, section=free)


def _section(package: str, name: str) -> str:
    if not NAME.fullmatch(name) and not INDEXED.fullmatch(name):
        raise WishError(f"{package}.{name}: not a name of a UCI section")
    return name


def _option(package: str, section: str, name: Any) -> str:
    if not NAME.fullmatch(str(name)):
        raise WishError(f"{package}.{section}: {name!r} is not a name of a UCI option")
    return str(name)


def _value(value: Any) -> Value:
    if isinstance(value, list | tuple):
        return [text for text in map(_scalar, value) if text]
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if not isinstance(value, str | int | float):
        raise WishError("a value must be text, a number, a boolean or a list of these")
    text = str(value)
    if any(ord(char) < ord(" ") or ord(char) == DEL for char in text):
        raise WishError("a value must not hold line breaks or other control characters")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):  # noqa: PLR2004 - Unicode's surrogates
        raise WishError("a value is not valid Unicode")
    return text


def plan(state: State, wanted: list[Wish]) -> Plan:
    """What must be said to `uci batch` so that `state` becomes as wanted. Raises WishError."""
    made = Plan(state, deepcopy(state))
    for wish in wanted:
        if wish.package not in made.after:
            raise WishError(f"the device has no UCI package {wish.package}")
        _Planner(made, wish).work()
    return made


class _Planner:
    """One section's way into the plan."""

    def __init__(self, made: Plan, wish: Wish) -> None:
        self._plan, self._wish = made, wish
        self._sections = made.after[wish.package]
        self._path = f"{wish.package}.{wish.section}"

    def work(self) -> None:
        position = self._find()
        if not self._wish.present:
            if position is not None:
                self._delete(position)
            return
        if position is None:
            position = self._create()
        section = self._sections[position]
        if self._wish.type and section.type != self._wish.type:
            self._say(f"set {self._path}={quote(self._wish.type)}")
            section.type = self._wish.type
        for name, value in self._wish.options.items():
            self._bring(section, name, value)

    def _find(self) -> int | None:
        indexed = INDEXED.fullmatch(self._wish.section)
        if indexed is None:
            return next((at for at, one in enumerate(self._sections) if one.name == self._wish.section), None)
        alike = [at for at, one in enumerate(self._sections) if one.type == indexed[1]]
        index = int(indexed[2])
        return alike[index] if -len(alike) <= index < len(alike) else None

    def _create(self) -> int:
        indexed = INDEXED.fullmatch(self._wish.section)
        if indexed is None:
            if not self._wish.type:
                raise WishError(f"{self._path} is not there, and without a type it cannot be made")
            line, section = f"set {self._path}={quote(self._wish.type)}", Section(self._wish.type, self._wish.section)
        else:
            alike = sum(one.type == indexed[1] for one in self._sections)
            if int(indexed[2]) not in (alike, -1):
                raise WishError(f"{self._path} is not there, and there are only {alike} of that type")
            line, section = f"add {self._wish.package} {quote(indexed[1])}", Section(indexed[1])
        self._sections.append(section)
        self._say(line)
        return len(self._sections) - 1

    def _delete(self, position: int) -> None:
        self._say(f"delete {self._path}")
        del self._sections[position]

    def _bring(self, section: Section, name: str, value: Value) -> None:
        if section.options.get(name, "") == value or (not value and name not in section.options):
            return
        path = f"{self._path}.{name}"
        if not value:
            self._say(f"delete {path}")
            del section.options[name]
            return
        if isinstance(value, str):
            self._say(f"set {path}={quote(value)}")
        else:
            if name in section.options:
                self._say(f"delete {path}")
            for item in value:
                self._say(f"add_list {path}={quote(item)}")
        section.options[name] = value

    def _say(self, line: str) -> None:
        self._plan.lines.append(line)


def rendered(made: Plan, *, after: bool) -> list[tuple[str, Value]]:
    """(path, value) of every section that changes, as it is before or after; a section's own value is its type."""
    sides = {side: {package: _blocks(package, there) for package, there in state.items()} for side, state in _sides(made)}
    shown: list[tuple[str, Value]] = []
    for package, blocks in sides[after].items():
        other = sides[not after][package]
        for label, block in blocks.items():
            if other.get(label) != block:
                shown += block
    return shown


def _sides(made: Plan) -> Iterator[tuple[bool, State]]:
    yield False, made.before
    yield True, made.after


def _blocks(package: str, sections: list[Section]) -> dict[str, list[tuple[str, Value]]]:
    counted: dict[str, int] = {}
    blocks = {}
    for section in sections:
        index = counted.setdefault(section.type, 0)
        counted[section.type] += 1
        label = f"{package}.{section.name or f'@{section.type}[{index}]'}"
        blocks[label] = [(label, section.type), *((f"{label}.{name}", value) for name, value in section.options.items())]
    return blocks
