"""What configures the switch, each with its ``no`` form."""

import re

from fleet.lab.ssh.switch_cli.doing import require_poe
from fleet.lab.ssh.switch_cli.session import CONFIG, MAX_TEXT, Act, CliError, SwitchCli, form

MAX_SERVERS = 8
HIGHEST_VLAN = 4094
_HOST = re.compile(r"[A-Za-z0-9:](?:[A-Za-z0-9.:-]{0,251})\Z", re.ASCII)
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z", re.ASCII)
_COMMUNITY = re.compile(r"[!-~]{1,64}\Z")


def _text(value: str) -> str:
    """One line of text, kept as typed. Raises CliError when it is too long."""
    if len(value) > MAX_TEXT:
        raise CliError(f"Invalid input: longer than {MAX_TEXT} characters")
    return value


@form("poe enabled", "interface")
@form("no poe disabled", "interface")
def _poe_on(cli: SwitchCli, _argument: str) -> None:
    require_poe(cli, cli.port)
    cli.device.set_poe(cli.port, True)


@form("poe disabled", "interface")
@form("no poe enabled", "interface")
@form("no poe", "interface")
def _poe_off(cli: SwitchCli, _argument: str) -> None:
    require_poe(cli, cli.port)
    cli.device.set_poe(cli.port, False)


@form("description <…>", "interface")
def _description(cli: SwitchCli, argument: str) -> None:
    cli.config.description = _text(argument)


@form("no description", "interface")
def _no_description(cli: SwitchCli, _argument: str) -> None:
    cli.config.description = ""


@form("vlan <…>", "config")
def _zone(cli: SwitchCli, argument: str) -> None:
    found = re.fullmatch(r"([1-9][0-9]{0,3}) name (\S{1,32})", argument, re.ASCII)
    if found is None or int(found[1]) > HIGHEST_VLAN:
        raise CliError(f"Invalid input: vlan {argument}")
    cli.device.running_config.vlans[int(found[1])] = found[2]


@form("vlan <number>", "interface")
def _vlan(cli: SwitchCli, argument: str) -> None:
    if not argument.isdecimal() or int(argument) not in cli.device.running_config.vlans:
        raise CliError(f"Invalid input: no such VLAN {argument}")
    cli.config.vlan = int(argument)


@form("trunk", "interface")
def _trunk(cli: SwitchCli, _argument: str) -> None:
    cli.config.trunk = True


@form("no trunk", "interface")
def _no_trunk(cli: SwitchCli, _argument: str) -> None:
    cli.config.trunk = False


@form("lldp run", *CONFIG)
def _lldp(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.lldp = True


@form("no lldp run", *CONFIG)
def _no_lldp(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.lldp = False


@form("shutdown", "interface")
def _shutdown(cli: SwitchCli, _argument: str) -> None:
    cli.config.shutdown = True


@form("no shutdown", "interface")
def _no_shutdown(cli: SwitchCli, _argument: str) -> None:
    cli.config.shutdown = False


@form("hostname <name>", *CONFIG)
def _hostname(cli: SwitchCli, argument: str) -> None:
    if not _HOSTNAME.match(argument):
        raise CliError(f"Invalid input: {argument} is no host name")
    cli.device.running_config.hostname = argument


@form("no hostname", *CONFIG)
def _no_hostname(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.hostname = cli.device.device.key


def _servers(cli: SwitchCli, words: str) -> list[str]:
    return cli.device.running_config.ntp if words == "ntp server" else cli.device.running_config.logging


def _adding(words: str) -> Act:
    def act(cli: SwitchCli, argument: str) -> None:
        servers = _servers(cli, words)
        if not _HOST.match(argument):
            raise CliError(f"Invalid input: {argument} is no address")
        if argument not in servers and len(servers) >= MAX_SERVERS:
            raise CliError(f"Invalid input: more than {MAX_SERVERS} servers")
        if argument not in servers:
            servers.append(argument)

    return act


def _removing(words: str) -> Act:
    def act(cli: SwitchCli, argument: str) -> None:
        servers = _servers(cli, words)
        if argument not in servers:
            raise CliError(f"Invalid input: {argument} is not configured")
        servers.remove(argument)

    return act


for _words in ("ntp server", "logging host"):
    form(f"{_words} <host>", *CONFIG)(_adding(_words))
    form(f"no {_words} <host>", *CONFIG)(_removing(_words))


@form("snmp-server community <name> ro", *CONFIG)
def _community(cli: SwitchCli, argument: str) -> None:
    if not _COMMUNITY.match(argument):
        raise CliError("Invalid input: not a community")
    known = cli.device.running_config.communities
    if argument not in known:
        known.append(argument)


@form("no snmp-server community <name>", *CONFIG)
@form("no snmp-server community <name> ro", *CONFIG)
def _no_community(cli: SwitchCli, argument: str) -> None:
    known = cli.device.running_config.communities
    if argument not in known:
        raise CliError("Invalid input: this community is not configured")
    known.remove(argument)


@form("snmp-server location <…>", *CONFIG)
def _location(cli: SwitchCli, argument: str) -> None:
    cli.device.running_config.snmp_location = _text(argument)


@form("no snmp-server location", *CONFIG)
def _no_location(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.snmp_location = ""


@form("snmp-server contact <…>", *CONFIG)
def _contact(cli: SwitchCli, argument: str) -> None:
    cli.device.running_config.snmp_contact = _text(argument)


@form("no snmp-server contact", *CONFIG)
def _no_contact(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.snmp_contact = ""


@form("banner <…>", *CONFIG)
def _banner(cli: SwitchCli, argument: str) -> None:
    cli.device.running_config.banner = _text(argument)


@form("no banner", *CONFIG)
def _no_banner(cli: SwitchCli, _argument: str) -> None:
    cli.device.running_config.banner = ""
