"""The command line of the lab's switch: modes, ``show``, configuration with its ``no`` forms, PoE, ``write memory``.

A command is matched word by word against a table. What is typed is data: a description, a banner, a host name goes
into the configuration as it is, or is refused when it could not be shown again in one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fleet.lab.ssh.device import PortConfig, PortState, SwitchDevice

MAX_TEXT = 200
MAX_SERVERS = 8
_PORT = re.compile(r"(?:port|1/)?([0-9]{1,2})\Z", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9:](?:[A-Za-z0-9.:-]{0,251})\Z", re.ASCII)
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z", re.ASCII)
_COMMUNITY = re.compile(r"[!-~]{1,64}\Z")


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
        for form in _FORMS:
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


_Act = Callable[[SwitchCli, str], None]


@dataclass(frozen=True)
class _Form:
    modes: tuple[str, ...]
    words: tuple[str, ...]
    act: _Act


_FORMS: list[_Form] = []
_ANY = ("exec", "config", "interface")
_CONFIG = ("config", "interface")


def _form(words: str, *modes: str) -> Callable[[_Act], _Act]:
    """Register an act for a command. ``<x>`` stands for one word, ``<…>`` for the rest of the line."""

    def register(act: _Act) -> _Act:
        _FORMS.append(_Form(modes or ("exec",), tuple(words.split()), act))
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


# Moving between modes --------------------------------------------------------------------------------------------------


@_form("configure terminal")
@_form("configure")
def _configure(cli: SwitchCli, _argument: str) -> None:
    cli.mode = "config"


@_form("interface <port>", *_CONFIG)
def _interface(cli: SwitchCli, argument: str) -> None:
    cli.port, cli.mode = cli.known_port(argument), "interface"


@_form("exit", *_ANY)
@_form("quit", "exec")
@_form("logout", "exec")
def _exit(cli: SwitchCli, _argument: str) -> None:
    cli.closed = cli.mode == "exec"
    cli.mode = {"interface": "config"}.get(cli.mode, "exec")


@_form("end", *_CONFIG)
def _end(cli: SwitchCli, _argument: str) -> None:
    cli.mode = "exec"


@_form("enable", "exec")
@_form("terminal length <n>", "exec")
@_form("no page", "exec")
def _nothing(_cli: SwitchCli, _argument: str) -> None:
    """Known from other switches, not needed here."""


# Showing ---------------------------------------------------------------------------------------------------------------


@_form("show running-config")
def _show_running(cli: SwitchCli, _argument: str) -> None:
    for line in running_config(cli.device):
        cli.say(line)


def running_config(device: SwitchDevice) -> Iterator[str]:
    """The lines of ``show running-config``; typed in again they make the same configuration."""
    config = device.running_config
    yield "! lab switch, running configuration"
    yield f"hostname {config.hostname}"
    yield from (f"ntp server {server}" for server in config.ntp)
    yield from (f"logging host {host}" for host in config.logging)
    named = (("snmp-server location", config.snmp_location), ("snmp-server contact", config.snmp_contact))
    if config.snmp_community:
        yield f"snmp-server community {config.snmp_community} ro"
    yield from (f"{words} {value}" for words, value in (*named, ("banner", config.banner)) if value)
    for number, port in sorted(config.ports.items()):
        yield from _port_lines(number, port, capable=_capable(device, number))
    yield "end"


def _capable(device: SwitchDevice, number: int) -> bool:
    return any(port.ifIndex == number and port.poe_capable for port in device.ports())


def _port_lines(number: int, port: PortConfig, *, capable: bool) -> Iterator[str]:
    yield "!"
    yield f"interface port{number}"
    if port.description:
        yield f" description {port.description}"
    if capable:
        yield f" poe {'enabled' if port.poe else 'disabled'}"
    yield " shutdown" if port.shutdown else " no shutdown"


@_form("show interfaces status")
def _show_interfaces(cli: SwitchCli, _argument: str) -> None:
    cli.say(f"{'Port':<8}{'Name':<26}{'Admin':<8}{'Oper':<6}")
    for port in cli.device.ports():
        admin, oper = ("up" if state else "down" for state in (port.admin_up, port.oper_up))
        cli.say(f"{_name(port):<8}{port.description[:24]:<26}{admin:<8}{oper:<6}".rstrip())


@_form("show power inline")
def _show_power(cli: SwitchCli, _argument: str) -> None:
    cli.say(f"{'Port':<8}{'Admin':<10}{'Oper':<12}")
    for port in cli.device.ports():
        if port.poe_capable:
            oper = "delivering" if port.delivering else "searching" if port.poe_admin else "off"
            cli.say(f"{_name(port):<8}{'enabled' if port.poe_admin else 'disabled':<10}{oper:<12}".rstrip())


@_form("show lldp neighbors")
def _show_neighbours(cli: SwitchCli, _argument: str) -> None:
    cli.say(f"{'Port':<8}{'Chassis':<20}{'Neighbor port':<16}{'System'}")
    for port in cli.device.ports():
        if (other := port.neighbour) is not None:
            cli.say(f"{_name(port):<8}{other.chassis_mac:<20}{other.port_id:<16}{other.sys_name}")


def _name(port: PortState) -> str:
    return f"port{port.ifIndex}"


@_form("show version")
def _show_version(cli: SwitchCli, _argument: str) -> None:
    facts, uptime = cli.device.device, int(cli.device.uptime_s)
    cli.say(f"{facts.model}, {facts.firmware}")
    cli.say(f"Serial number: {facts.serial}")
    cli.say(f"Uptime: {uptime // 86400} d {uptime // 3600 % 24} h {uptime // 60 % 60} min {uptime % 60} s")


# Acting ----------------------------------------------------------------------------------------------------------------


@_form("write memory")
@_form("write")
@_form("copy running-config startup-config")
def _write(cli: SwitchCli, _argument: str) -> None:
    cli.device.save()
    cli.say("Configuration saved.")


@_form("poe cycle interface <port>")
def _cycle(cli: SwitchCli, argument: str) -> None:
    port = cli.known_port(argument)
    _require_poe(cli, port)
    cli.device.cycle_poe(port)


@_form("reload")
def _reload(cli: SwitchCli, _argument: str) -> None:
    cli.reboot_wanted = cli.closed = True


def _require_poe(cli: SwitchCli, port: int) -> None:
    if not _capable(cli.device, port):
        raise CliError(f"Invalid input: port{port} has no PoE")


# Configuring -----------------------------------------------------------------------------------------------------------


def _text(value: str) -> str:
    """One line of text, kept as typed. Raises CliError when it is too long."""
    if len(value) > MAX_TEXT:
        raise CliError(f"Invalid input: longer than {MAX_TEXT} characters")
    return value


@_form("poe enabled", "interface")
@_form("no poe disabled", "interface")
def _poe_on(cli: SwitchCli, _argument: str) -> None:
    _require_poe(cli, cli.port)
    cli.device.set_poe(cli.port, True)


@_form("poe disabled", "interface")
@_form("no poe enabled", "interface")
@_form("no poe", "interface")
def _poe_off(cli: SwitchCli, _argument: str) -> None:
    _require_poe(cli, cli.port)
    cli.device.set_poe(cli.port, False)


@_form("description <…>", "interface")
def _description(cli: SwitchCli, argument: str) -> None:
    cli.config.description = _text(argument)


@_form("no description", "interface")
def _no_description(cli: SwitchCli, _argument: str) -> None:
    cli.config.description = ""


@_form("shutdown", "interface")
def _shutdown(cli: SwitchCli, _argument: str) -> None:
    cli.config.shutdown = True


@_form("no shutdown", "interface")
def _no_shutdown(cli: SwitchCli, _argument: str) -> None:
    cli.config.shutdown = False


@_form("hostname <name>", *_CONFIG)
def _hostname(cli: SwitchCli, argument: str) -> None:
    if not _HOSTNAME.match(argument):
        raise CliError(f"Invalid input: {argument} is no host name")
    cli.device.running_config.hostname = argument


@_form("no hostname", *_CONFIG)
def _no_hostname(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.hostname = cli.device.device.key


def _servers(cli: SwitchCli, words: str) -> list[str]:
    return cli.device.running_config.ntp if words == "ntp server" else cli.device.running_config.logging


def _adding(words: str) -> _Act:
    def act(cli: SwitchCli, argument: str) -> None:
        servers = _servers(cli, words)
        if not _HOST.match(argument):
            raise CliError(f"Invalid input: {argument} is no address")
        if argument not in servers and len(servers) >= MAX_SERVERS:
            raise CliError(f"Invalid input: more than {MAX_SERVERS} servers")
        if argument not in servers:
            servers.append(argument)

    return act


def _removing(words: str) -> _Act:
    def act(cli: SwitchCli, argument: str) -> None:
        servers = _servers(cli, words)
        if argument not in servers:
            raise CliError(f"Invalid input: {argument} is not configured")
        servers.remove(argument)

    return act


for _words in ("ntp server", "logging host"):
    _form(f"{_words} <host>", *_CONFIG)(_adding(_words))
    _form(f"no {_words} <host>", *_CONFIG)(_removing(_words))


@_form("snmp-server community <name> ro", *_CONFIG)
def _community(cli: SwitchCli, argument: str) -> None:
    if not _COMMUNITY.match(argument):
        raise CliError("Invalid input: not a community")
    cli.device.running_config.snmp_community = argument


@_form("no snmp-server community <name>", *_CONFIG)
@_form("no snmp-server community <name> ro", *_CONFIG)
def _no_community(cli: SwitchCli, argument: str) -> None:
    if argument != cli.device.running_config.snmp_community:
        raise CliError("Invalid input: this community is not configured")
    cli.device.running_config.snmp_community = ""


@_form("snmp-server location <…>", *_CONFIG)
def _location(cli: SwitchCli, argument: str) -> None:
    cli.device.running_config.snmp_location = _text(argument)


@_form("no snmp-server location", *_CONFIG)
def _no_location(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.snmp_location = ""


@_form("snmp-server contact <…>", *_CONFIG)
def _contact(cli: SwitchCli, argument: str) -> None:
    cli.device.running_config.snmp_contact = _text(argument)


@_form("no snmp-server contact", *_CONFIG)
def _no_contact(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.snmp_contact = ""


@_form("banner <…>", *_CONFIG)
def _banner(cli: SwitchCli, argument: str) -> None:
    cli.device.running_config.banner = _text(argument)


@_form("no banner", *_CONFIG)
def _no_banner(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.banner = ""
