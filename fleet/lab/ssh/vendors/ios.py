"""A Catalyst's command line (Cisco IOS 15.2, IOS XE)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fleet.lab.ssh.device import PortConfig
from fleet.lab.ssh.vendors import base
from fleet.lab.ssh.vendors.base import ANYWHERE, HOST, Vendor, VendorCli, command

_KINDS = {"gigabitethernet": 0, "gi": 0, "tengigabitethernet": 24, "te": 24}


def _port_number(text: str) -> int:
    found = re.fullmatch(r"([A-Za-z]+) ?1/([01])/([0-9]+)", text)
    if found is None or found[1].lower() not in _KINDS:
        raise ValueError(text)
    return _KINDS[found[1].lower()] + int(found[3])


def _name(number: int) -> str:
    return f"GigabitEthernet1/0/{number}" if number <= 24 else f"TenGigabitEthernet1/1/{number - 24}"  # noqa: PLR2004


def _running(cli: VendorCli) -> Iterator[str]:
    body = list(_configuration(cli))
    yield "Building configuration..."
    yield ""
    yield f"Current configuration : {sum(len(line) + 1 for line in body)} bytes"
    yield from body


def _configuration(cli: VendorCli) -> Iterator[str]:
    config = cli.config
    yield from ("!", "version 15.2", "service timestamps log datetime msec", "!", f"hostname {config.hostname}", "!")
    if config.lldp:
        yield "lldp run"
    for number, port in sorted(config.ports.items()):
        yield from ("!", f"interface {_name(number)}")
        yield from (f" {line}" for line in _port_lines(port))
    yield from ("!", "interface Vlan1", " no ip address", " shutdown", "!")
    yield from (f"logging host {host}" for host in config.logging)
    yield from (f"snmp-server community {community} RO" for community in config.communities)
    yield from (f"snmp-server location {config.snmp_location}",) if config.snmp_location else ()
    yield from (f"snmp-server contact {config.snmp_contact}",) if config.snmp_contact else ()
    for name, lines in config.radius.items():
        yield from ("!", f"radius server {name}", *(f" {line}" for line in lines))
    yield from ("!", f"banner login ^C{config.banner}^C") if config.banner else ()
    yield "!"
    yield from (f"ntp server {host}" for host in config.ntp)
    yield from ("end", "")


def _port_lines(port: PortConfig) -> Iterator[str]:
    yield from (f"description {port.description}",) if port.description else ()
    yield from (f"switchport access vlan {port.vlan}",) if port.vlan != 1 else ()
    yield from ("switchport mode trunk",) if port.trunk else ()
    yield from ("power inline never",) if not port.poe else ()
    yield from ("shutdown",) if port.shutdown else ()


def _vlans(cli: VendorCli, _argument: str) -> None:
    cli.say("")
    cli.say("VLAN Name                             Status    Ports")
    cli.say("---- -------------------------------- --------- -------------------------------")
    for number, name in sorted(cli.config.vlans.items()):
        cli.say(f"{number:<4} {name:<32} active    ")


def _neighbours(cli: VendorCli, _argument: str) -> None:
    cli.say("Capability codes:\n    (R) Router, (B) Bridge, (W) WLAN Access Point, (O) Other\n")
    cli.say("Device ID           Local Intf     Hold-time  Capability      Port ID")
    for port in cli.device.ports():
        if port.neighbour is not None:
            name = _name(port.ifIndex).replace("GigabitEthernet", "Gi").replace("TenGi", "Te")
            cli.say(f"{port.neighbour.sys_name[:20]:<20}{name:<15}120        B               {port.neighbour.port_id}")


def _enable(cli: VendorCli, _argument: str) -> None:
    if cli.mode == "user":
        cli.ask("Password: ", _password)


def _password(cli: VendorCli, argument: str) -> None:
    if argument != cli.config.enable_secret:
        raise base.RefusedError("% Bad secrets\n")
    cli.mode = "exec"


def _banner(cli: VendorCli, argument: str) -> None:
    delimiter, rest = argument[0], argument[1:]
    text, found, _more = rest.partition(delimiter)
    if not found:
        cli.ask("", nothing_more(delimiter))
        return
    cli.config.banner = text


def nothing_more(delimiter: str) -> base.Act:
    """A banner goes on until its delimiter, whatever is typed."""

    def act(cli: VendorCli, line: str) -> None:
        if delimiter not in line:
            cli.ask("", act)

    return act


def _server(cli: VendorCli, argument: str) -> None:
    cli.config.radius.setdefault(argument, [])
    cli.block, cli.mode = argument, "radius"


def _server_line(word: str) -> base.Act:
    """A line of a RADIUS server's block, in the place of the one that begins with the same word."""

    def act(cli: VendorCli, argument: str) -> None:
        kept = [line for line in cli.config.radius[cli.block] if not line.startswith(f"{word} ")]
        cli.config.radius[cli.block] = sorted([*kept, f"{word} {argument}"])

    return act


def _saved(cli: VendorCli, argument: str) -> None:
    base.saves(cli, argument)
    cli.say("Building configuration...\n[OK]")


_EXEC = (
    command("enable", _enable, "exec", "user"),
    command("terminal length ([0-9]+)", base.unpaged, "exec", "user"),
    command("terminal width ([0-9]+)", base.nothing, "exec", "user"),
    command("show run(?:ning-config)?", base.shows_running, "exec"),
    command("show vlan brief", _vlans, "exec", "user"),
    command("show lldp neighbors", _neighbours, "exec", "user"),
    command("(?:write(?: memory)?|copy running-config startup-config)", _saved, "exec"),
    command("configure terminal", base.goes("config"), "exec"),
    command("exit", base.leaves, *ANYWHERE, "user"),
    command("end", base.goes("exec")),
)
_CONFIG = (
    command("interface (.+)", base.opens_interface),
    command(f"ntp server {HOST}", base.adds("ntp")),
    command(f"no ntp server {HOST}", base.removes("ntp")),
    command(f"logging host {HOST}", base.adds("logging")),
    command(f"no logging host {HOST}", base.removes("logging")),
    command(r"snmp-server community (\S{1,64}) RO", base.adds("communities")),
    command(r"no snmp-server community (\S+)", base.removes("communities")),
    command("snmp-server location (.+)", base.puts("snmp_location")),
    command("no snmp-server location", base.puts("snmp_location")),
    command("snmp-server contact (.+)", base.puts("snmp_contact")),
    command("no snmp-server contact", base.puts("snmp_contact")),
    command("banner login (.+)", _banner),
    command("no banner login", base.puts("banner")),
    command("lldp run", base.lldp(True)),
    command("no lldp run", base.lldp(False)),
    command(r"radius server (\S+)", _server, *base.CONFIG, "radius"),
    command(r"address (ipv4 \S+ auth-port [0-9]+ acct-port [0-9]+)", _server_line("address"), "radius"),
    command(r"key (\S+)", _server_line("key"), "radius"),
)
_PORT = (
    command("description (.+)", base.describes, "interface"),
    command("no description", base.describes, "interface"),
    command("power inline auto", base.sets("poe", True), "interface"),
    command("power inline never", base.sets("poe", False), "interface"),
    command("shutdown", base.sets("shutdown", True), "interface"),
    command("no shutdown", base.sets("shutdown", False), "interface"),
    command("switchport mode access", base.sets("trunk", False), "interface"),
    command("switchport mode trunk", base.sets("trunk", True), "interface"),
    command("switchport access vlan ([0-9]{1,4})", base.joins_vlan, "interface"),
)
_MARKS = {"user": ">", "exec": "#", "config": "(config)#", "interface": "(config-if)#", "radius": "(config-radius-server)#"}

IOS = Vendor(
    commands=(*_EXEC, *_CONFIG, *_PORT),
    running=_running,
    prompt=lambda cli: f"{cli.device.hostname}{_MARKS[cli.mode]}",
    invalid=lambda line: f"{'^':>{min(len(line), 40) + 1}}\n% Invalid input detected at '^' marker.\n",
    port_number=_port_number,
    enables=True,
)
