"""What the vendors' command lines have in common: modes, a table of commands, pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fleet.lab.ssh.device import PortConfig, SwitchConfig, SwitchDevice

MAX_LINE = 510
MAX_SERVERS = 8
PAGE_LINES = 24
HOST = r"([A-Za-z0-9:][A-Za-z0-9.:-]{0,251})"
ANYWHERE = ("exec", "config", "interface", "radius")
CONFIG = ("config", "interface")


class RefusedError(Exception):
    """The command is not taken; the text is what the vendor says."""


Act = Callable[["VendorCli", str], None]


@dataclass(frozen=True)
class Command:
    """A regular expression over the whole line; its first group goes to the act."""

    modes: tuple[str, ...]
    pattern: re.Pattern[str]
    act: Act


@dataclass(frozen=True)
class Vendor:
    commands: tuple[Command, ...]
    running: Callable[[VendorCli], Iterator[str]]
    prompt: Callable[[VendorCli], str]
    invalid: Callable[[str], str]
    port_number: Callable[[str], int]
    """Raises ValueError."""
    greeting: str = ""
    any_key: bool = False
    """Waits for a key after the greeting."""
    needs_terminal: bool = False
    more: str = " --More-- "
    enables: bool = False
    """Begins unprivileged where an enable secret is set."""


@dataclass
class VendorCli:
    """One session on a switch of one vendor."""

    device: SwitchDevice
    vendor: Vendor
    mode: str = "exec"
    port: int = 0
    block: str = ""
    """Name of the block that lines go into, in a mode that has one."""
    page_lines: int = PAGE_LINES
    asking: Act | None = None
    """Takes the next line instead of a command: a password, yes or no."""
    question: str = ""
    closed: bool = False
    reboot_wanted: bool = False
    _out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.vendor.enables and self.config.enable_secret:
            self.mode = "user"

    @property
    def config(self) -> SwitchConfig:
        return self.device.running_config

    @property
    def here(self) -> PortConfig:
        return self.config.ports[self.port]

    @property
    def prompt(self) -> str:
        return self.question if self.asking else self.vendor.prompt(self)

    def say(self, text: str) -> None:
        self._out.append(text + "\n")

    def ask(self, question: str, act: Act) -> None:
        self.question, self.asking = question, act

    def execute(self, line: str) -> str:
        """Do one line; what it prints."""
        self._out = []
        try:
            if self.asking:
                act, self.asking = self.asking, None
                act(self, line)
            else:
                self._command(line.strip())
        except RefusedError as error:
            self.say(str(error))
        return "".join(self._out)

    def _command(self, line: str) -> None:
        if not line or line.startswith("!"):
            return
        if "?" in line:
            self.say("  <cr>")  # help, and nothing is done
            return
        if len(line) > MAX_LINE or not line.isascii() or not line.isprintable():
            raise RefusedError(self.vendor.invalid(line))
        for command in self.vendor.commands:
            if self.mode in command.modes and (found := command.pattern.fullmatch(line)):
                command.act(self, next((group for group in found.groups() if group is not None), ""))
                return
        raise RefusedError(self.vendor.invalid(line))


def command(pattern: str, act: Act, *modes: str) -> Command:
    return Command(modes or CONFIG, re.compile(pattern), act)


# Acts ------------------------------------------------------------------------------------------------------------------


def goes(mode: str) -> Act:
    def act(cli: VendorCli, _argument: str) -> None:
        cli.mode = mode

    return act


def leaves(cli: VendorCli, _argument: str) -> None:
    cli.closed = cli.mode in ("exec", "user")
    cli.mode = {"interface": "config", "radius": "config"}.get(cli.mode, "exec")


def nothing(_cli: VendorCli, _argument: str) -> None:
    """Taken, and without effect here."""


def unpaged(cli: VendorCli, argument: str) -> None:
    cli.page_lines = int(argument) if argument.isdecimal() else 0


def saves(cli: VendorCli, _argument: str) -> None:
    cli.device.save()


def shows_running(cli: VendorCli, _argument: str) -> None:
    for line in cli.vendor.running(cli):
        cli.say(line)


def opens_interface(cli: VendorCli, argument: str) -> None:
    try:
        number = cli.vendor.port_number(argument)
    except ValueError:
        number = 0
    if number not in cli.config.ports:
        raise RefusedError(cli.vendor.invalid(argument))
    cli.port, cli.mode = number, "interface"


def adds(attribute: str) -> Act:
    def act(cli: VendorCli, argument: str) -> None:
        servers: list[str] = getattr(cli.config, attribute)
        if argument not in servers and len(servers) >= MAX_SERVERS:
            raise RefusedError(cli.vendor.invalid(argument))
        if argument not in servers:
            servers.append(argument)

    return act


def removes(attribute: str) -> Act:
    def act(cli: VendorCli, argument: str) -> None:
        servers: list[str] = getattr(cli.config, attribute)
        if argument not in servers:
            raise RefusedError(cli.vendor.invalid(argument))
        servers.remove(argument)

    return act


def puts(attribute: str) -> Act:
    """A text of the whole device; an empty one takes it away."""

    def act(cli: VendorCli, argument: str) -> None:
        setattr(cli.config, attribute, argument)

    return act


def sets(attribute: str, value: object) -> Act:
    """A property of the port."""

    def act(cli: VendorCli, _argument: str) -> None:
        if attribute == "poe":
            if not any(port.ifIndex == cli.port and port.poe_capable for port in cli.device.ports()):
                raise RefusedError(cli.vendor.invalid("poe"))
            cli.device.set_poe(cli.port, bool(value))
        else:
            setattr(cli.here, attribute, value)

    return act


def describes(cli: VendorCli, argument: str) -> None:
    cli.here.description = argument


def joins_vlan(cli: VendorCli, argument: str) -> None:
    if int(argument) not in cli.config.vlans:
        raise RefusedError(cli.vendor.invalid(argument))
    cli.here.vlan = int(argument)


def lldp(on: bool) -> Act:
    def act(cli: VendorCli, _argument: str) -> None:
        cli.config.lldp = on

    return act
