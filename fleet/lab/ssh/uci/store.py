"""Packages of ``/etc/config`` with changes staged under ``/tmp/.uci``, as libuci keeps them (delta.c, list.c).

Both live in the device's own files: a reboot, which empties ``/tmp``, loses what was not committed, as on a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass

from fleet.lab.ssh.uci.text import (
    EntryNotFound,
    InvalidArgument,
    ParseError,
    Section,
    UciError,
    Value,
    anonymous_name,
    is_name,
    is_package,
    is_type,
    is_value,
    parse,
    quote,
    serialise,
    statements,
)

CONFIG_DIR = "/etc/config"
DELTA_DIR = "/tmp/.uci"  # noqa: S108 - a path on the simulated device
_EXTENDED = re.compile(r"@([!-~]*?)\[(-?\d+)\]\Z")
_SIGNS = "-+|~@^"


@dataclass(frozen=True)
class Pointer:
    """``package.section.option=value``; ``value`` is None when there is no ``=``."""

    package: str
    section: str = ""
    option: str = ""
    value: str | None = None


def pointer(text: str) -> Pointer:
    """Read the tuple notation of uci(1). Raises InvalidArgument for names libuci refuses."""
    path, equals, value = text.partition("=")
    package, *rest = _split_path(path)
    if not is_package(package) or len(rest) > len(("section", "option")) or "" in rest:
        raise InvalidArgument
    section, option, *_ = (*rest, "", "")
    if not (not section or is_name(section) or _EXTENDED.match(section)) or not (not option or is_name(option)):
        raise InvalidArgument
    return Pointer(package, section, option, value if equals else None)


def _split_path(path: str) -> list[str]:
    """Split at dots, but not inside ``@type[index]``."""
    match = re.match(r"([^.]*)\.(@[^\]]*\])(?:\.(.*))?\Z", path, re.DOTALL)
    if match is None:
        return path.split(".")
    return [part for part in match.groups() if part is not None]


@dataclass(frozen=True)
class Change:
    """One line of a delta file: a sign of libuci, the place, the value."""

    sign: str
    section: str
    option: str
    value: str

    def line(self, package: str) -> str:
        place = ".".join(filter(None, (package, self.section, self.option)))
        has_value = self.sign != "-" or self.value
        return f"{self.sign}{place}" + (f"={quote(self.value)}" if has_value else "") + "\n"

    def shown(self, package: str) -> str:
        """The line ``uci changes`` prints."""
        place = ".".join(filter(None, (package, self.section, self.option)))
        sign, operator = {"-": ("-", ""), "|": ("", "+="), "~": ("", "-="), "@": ("@", "="), "^": ("^", "=")}.get(
            self.sign, ("", "=")
        )
        bare = self.sign in ("+", "^") or (self.sign == "" and not self.option)
        value = self.value if bare else quote(self.value)
        return f"{sign}{place}" + (f"{operator}{value}" if operator else "") + "\n"


class Package:
    """The sections of one file and the acts that libuci knows on them."""

    def __init__(self, name: str, sections: list[Section]) -> None:
        self.name, self.sections = name, sections
        self.created = len(sections)

    def find(self, name: str) -> Section:
        """The section called ``name`` or ``@type[index]``. Raises EntryNotFound."""
        if match := _EXTENDED.match(name):
            return self._indexed(match[1], int(match[2]))
        for section in self.sections:
            if section.name == name:
                return section
        raise EntryNotFound

    def _indexed(self, kind: str, index: int) -> Section:
        same = [s for s in self.sections if not kind or s.type == kind]
        if not -len(same) <= index < len(same):
            raise EntryNotFound
        return same[index]

    def add(self, kind: str) -> Section:
        if not is_type(kind):
            raise InvalidArgument
        section = Section(kind, "", anonymous=True)
        self.created += 1
        section.name = anonymous_name(section, self.created)
        self.sections.append(section)
        return section

    def place(self, name: str, kind: str) -> None:
        """Create the named section, or change the type of the existing one."""
        if not is_type(kind):
            raise InvalidArgument
        try:
            self.find(name).type = kind
        except EntryNotFound:
            if not is_name(name):
                raise InvalidArgument from None
            self.created += 1
            self.sections.append(Section(kind, name))

    def set(self, name: str, option: str, value: str) -> None:
        self._require(name).options[option] = value

    def add_list(self, name: str, option: str, value: str) -> None:
        section = self._require(name)
        section.options[option] = [*as_list(section.options.get(option, [])), value]

    def del_list(self, name: str, option: str, value: str) -> None:
        options = self._require(name).options
        if option in options:
            rest = [item for item in as_list(options[option]) if item != value]
            if isinstance(options[option], list):
                options[option] = rest
            if not rest:
                del options[option]

    def delete(self, name: str, option: str = "", value: str = "") -> None:
        section = self.find(name)
        if not option:
            self.sections.remove(section)
        elif option not in section.options:
            raise EntryNotFound
        elif value:
            self._delete_item(section, option, value)
        else:
            del section.options[option]

    @staticmethod
    def _delete_item(section: Section, option: str, index: str) -> None:
        items = as_list(section.options[option])
        if not index.isdecimal() or int(index) >= len(items):
            raise InvalidArgument
        del items[int(index)]
        section.options[option] = items

    def rename(self, name: str, option: str, new: str) -> None:
        if not is_name(new):
            raise InvalidArgument
        section = self.find(name)
        if not option:
            section.name, section.anonymous = new, False
        elif option not in section.options:
            raise EntryNotFound
        else:
            section.options = {new if key == option else key: value for key, value in section.options.items()}

    def reorder(self, name: str, position: str) -> None:
        if not position.isdecimal():
            raise InvalidArgument
        section = self.find(name)
        self.sections.remove(section)
        self.sections.insert(int(position), section)

    def _require(self, name: str) -> Section:
        """libuci answers a missing section on writing with "Invalid argument", not with "Entry not found"."""
        try:
            return self.find(name)
        except EntryNotFound:
            raise InvalidArgument from None

    def apply(self, change: Change) -> None:
        """Do one staged change again. Raises UciError when it no longer fits."""
        match change.sign:
            case "-":
                self.delete(change.section, change.option, change.value)
            case "+":
                self._replay_add(change)
            case "|":
                self.add_list(change.section, change.option, change.value)
            case "~":
                self.del_list(change.section, change.option, change.value)
            case "@":
                self.rename(change.section, change.option, change.value)
            case "^":
                self.reorder(change.section, change.value)
            case _ if change.option:
                self.set(change.section, change.option, change.value)
            case _:
                self.place(change.section, change.value)

    def _replay_add(self, change: Change) -> None:
        self.created += 1
        self.sections.append(Section(change.value, change.section, anonymous=True))


def as_list(value: Value) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


class Store:
    """All packages of one device. Every write is staged; ``commit`` makes it lasting."""

    def __init__(self, files: MutableMapping[str, str], config_dir: str = CONFIG_DIR, delta_dir: str = DELTA_DIR) -> None:
        self._files, self._config, self._delta = files, config_dir.rstrip("/"), delta_dir.rstrip("/")

    def names(self) -> list[str]:
        head = self._config + "/"
        found = (path.removeprefix(head) for path in self._files if path.startswith(head))
        return sorted(name for name in found if is_package(name))

    def load(self, name: str) -> Package:
        """The committed package with the staged changes applied. Raises EntryNotFound or ParseError."""
        package = self._committed(name)
        for change in self.changes(name):
            try:
                package.apply(change)
            except UciError:
                # libuci skips a delta that no longer fits the file below it.
                continue
        return package

    def _committed(self, name: str) -> Package:
        text = self._files.get(f"{self._config}/{name}")
        if text is None or not is_package(name):
            raise EntryNotFound
        return Package(name, parse(text))

    def changes(self, name: str) -> list[Change]:
        return list(_read_delta(self._files.get(f"{self._delta}/{name}", "")))

    def changed(self) -> list[str]:
        head = self._delta + "/"
        return sorted(path.removeprefix(head) for path in self._files if path.startswith(head))

    def stage(self, name: str, change: Change) -> None:
        """Check the change against the package, then write it to the delta file. Raises UciError."""
        if not is_value(change.value):
            raise InvalidArgument
        self.load(name).apply(change)
        self._append(name, change)

    def add(self, name: str, kind: str) -> str:
        """Stage a new anonymous section and return its name."""
        section = self.load(name).add(kind)
        self._append(name, Change("+", section.name, "", kind))
        return section.name

    def _append(self, name: str, change: Change) -> None:
        path = f"{self._delta}/{name}"
        self._files[path] = self._files.get(path, "") + change.line(name)

    def resolve(self, name: str, section: str) -> str:
        """The plain name of ``@type[index]``; a plain name stays as it is. Raises EntryNotFound."""
        return self.load(name).find(section).name if section.startswith("@") else section

    def commit(self, name: str) -> None:
        """Write the staged changes into the file. Raises EntryNotFound for an unknown package."""
        package = self.load(name)
        if self._files.pop(f"{self._delta}/{name}", ""):
            self._files[f"{self._config}/{name}"] = serialise(package.sections)

    def revert(self, target: Pointer) -> None:
        """Forget what is staged for a package, a section or an option."""
        self._committed(target.package)
        kept = [change for change in self.changes(target.package) if not _covers(target, change)]
        path = f"{self._delta}/{target.package}"
        self._files.pop(path, None)
        if kept:
            self._files[path] = "".join(change.line(target.package) for change in kept)

    def replace(self, name: str, text: str) -> None:
        """``uci import``: the whole package anew, at once lasting. Raises ParseError; then nothing is changed."""
        sections = parse(text)
        if not is_package(name):
            raise InvalidArgument
        self._files.pop(f"{self._delta}/{name}", None)
        self._files[f"{self._config}/{name}"] = serialise(sections)


def _covers(target: Pointer, change: Change) -> bool:
    return (not target.section or target.section == change.section) and (not target.option or target.option == change.option)


def _read_delta(text: str) -> Iterator[Change]:
    try:
        for _line, words in statements(text):
            yield _read_change(words[0])
    except (ParseError, InvalidArgument):
        # A broken delta file ends here; libuci says nothing about it either.
        return


def _read_change(word: str) -> Change:
    sign = word[0] if word[0] in _SIGNS else ""
    place = pointer(word.removeprefix(sign))
    return Change(sign, place.section, place.option, place.value or "")
