"""One session at the switch, and the table in which its commands are looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from fleet.lab.ssh.device import PortConfig, SwitchDevice

MAX_TEXT = 200
_PORT = re.compile(r"(?:port|1/)?([0-9]{1,2})\Z", re.ASCII)


class CliError(Exception):
    """Printed as ``% text``; an exec ends with status 1."""


@dataclass(frozen=True)
class Reply:
    text: str = ""
    failed: bool = False
    closed: bool = False


@dataclass
class SwitchCli:
    """One session: where in the configuration it stands."""

    device: SwitchDevice
    mode: str = "exec"
    """``exec``, ``config`` or ``interface``."""
    port: int = 0
    _out: list[str] = field(default_factory=list)
    closed: bool = False
    reboot_wanted: bool = False

    @property
    def prompt(self) -> str:
        mark = {"exec": "", "config": "(config)", "interface": f"(config-if-{self.port})"}[self.mode]
        return f"{self.device.hostname}{mark}# "

    def execute(self, line: str) -> Reply:
        """Do one line."""
        self._out = []
        try:
            self._command(line.strip())
        except CliError as error:
            return Reply("".join([*self._out, f"% {error}\n"]), failed=True, closed=self.closed)
        return Reply("".join(self._out), closed=self.closed)

    def script(self, lines: str) -> Reply:
        """Do several lines, one after the other, up to the first that fails or leaves."""
        found: list[str] = []
        reply = Reply()
        for line in lines.splitlines():
            reply = self.execute(line)
            found.append(reply.text)
            if reply.failed or reply.closed:
                break
        return Reply("".join(found), reply.failed, reply.closed)

    def _command(self, line: str) -> None:
        if not line or line.startswith("!"):
            return
        if len(line) > MAX_TEXT + 100 or not line.isprintable():
            raise CliError("Invalid input: line too long or with control characters")
        for form in FORMS:
            if self.mode in form.modes and (found := _match(form.words, line)) is not None:
                form.act(self, found)
                return
        raise CliError(f"Invalid input: {line}")

    def say(self, text: str) -> None:
        self._out.append(text + "\n")

    @property
    def config(self) -> PortConfig:
        return self.device.running_config.ports[self.port]

    def known_port(self, text: str) -> int:
        match = _PORT.match(text)
        if match is None or int(match[1]) not in self.device.running_config.ports:
            raise CliError(f"Invalid input: no such interface {text}")
        return int(match[1])


Act = Callable[[SwitchCli, str], None]


@dataclass(frozen=True)
class Form:
    modes: tuple[str, ...]
    words: tuple[str, ...]
    act: Act


FORMS: list[Form] = []
ANY = ("exec", "config", "interface")
CONFIG = ("config", "interface")


def form(words: str, *modes: str) -> Callable[[Act], Act]:
    """Register an act for a command. ``<x>`` stands for one word, ``<…>`` for the rest of the line."""

    def register(act: Act) -> Act:
        FORMS.append(Form(modes or ("exec",), tuple(words.split()), act))
        return act

    return register


def _match(words: tuple[str, ...], line: str) -> str | None:
    """The argument of the command if ``line`` has this form ('' when it takes none), else None."""
    argument, rest = "", line
    for word in words:
        if word == "<…>":
            return rest or None
        head, _space, rest = rest.partition(" ")
        rest = rest.lstrip()
        if word.startswith("<"):
            argument = head
        elif head != word:
            return None
        if not head:
            return None
    return None if rest else argument
