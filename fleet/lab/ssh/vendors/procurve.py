"""A 2930F's command line (ArubaOS-Switch 16, before: ProCurve). It wants a terminal, and moves its cursor about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fleet.lab.ssh.device import PortConfig
from fleet.lab.ssh.vendors import base
from fleet.lab.ssh.vendors.base import ANYWHERE, HOST, Vendor, VendorCli, command

TEXT = r'"([^"]*)"'


def _running(cli: VendorCli) -> Iterator[str]:
    config = cli.config
    yield from ("", "Running configuration:", "", "; JL253A Configuration Editor; Created on release #WC.16.10.0016")
    yield from ("; Ver #14:67.6f.f8.1d.9b.3f.bf.bb", f'hostname "{config.hostname}"')
    yield from config.flags
    yield from (f"ntp server {host} iburst" for host in config.ntp)
    yield from (f"logging {host}" for host in config.logging)
    yield from (f'banner motd "{config.banner}"',) if config.banner else ()
    yield from (() if config.lldp else ("no lldp run",))
    for number, port in sorted(config.ports.items()):
        lines = list(_port_lines(port))
        yield from (f"interface {number}", *lines, "   exit") if lines else ()
    yield from (f'snmp-server community "{community}" operator' for community in config.communities)
    yield from (f'snmp-server location "{config.snmp_location}"',) if config.snmp_location else ()
    yield from (f'snmp-server contact "{config.snmp_contact}"',) if config.snmp_contact else ()
    for number, name in sorted(config.vlans.items()):
        yield from _vlan_lines(cli, number, name)
    yield ""


def _port_lines(port: PortConfig) -> Iterator[str]:
    yield from (f'   name "{port.description}"',) if port.description else ()
    yield from ("   no power-over-ethernet",) if not port.poe else ()
    yield from ("   disable",) if port.shutdown else ()


def _vlan_lines(cli: VendorCli, number: int, name: str) -> Iterator[str]:
    untagged = [port for port, one in cli.config.ports.items() if one.vlan == number]
    tagged = [port for port, one in cli.config.ports.items() if one.trunk and number != 1]
    yield f"vlan {number}"
    yield f'   name "{"DEFAULT_VLAN" if number == 1 else name}"'
    if number == 1 and len(untagged) < len(cli.config.ports):
        yield f"   no untagged {_ranges(set(cli.config.ports) - set(untagged))}"
    yield from (f"   untagged {_ranges(untagged)}",) if untagged else ()
    yield from (f"   tagged {_ranges(tagged)}",) if tagged else ()
    yield from ("   no ip address", "   exit")


def _ranges(numbers: Iterable[int]) -> str:
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in found)


def _neighbours(cli: VendorCli, _argument: str) -> None:
    cli.say("\n LLDP Remote Devices Information\n")
    cli.say("  LocalPort | ChassisId                 PortId             PortDescr SysName           ")
    cli.say("  --------- + ------------------------- ------------------ --------- ------------------")
    for port in cli.device.ports():
        if (other := port.neighbour) is not None:
            mac = other.chassis_mac.replace(":", " ")
            cli.say(f"  {port.ifIndex:<9} | {mac:<25} {other.port_id:<18} {other.port_id:<9} {other.sys_name}")


def _flag(line: str) -> tuple[base.Command, base.Command]:
    def on(cli: VendorCli, _argument: str) -> None:
        if line not in cli.config.flags:
            cli.config.flags.append(line)

    def off(cli: VendorCli, _argument: str) -> None:
        if line in cli.config.flags:
            cli.config.flags.remove(line)

    return command(line, on), command(f"no {line}", off)


def _logout(cli: VendorCli, _argument: str) -> None:
    cli.ask("Do you want to log out (y/n)? ", _leaving)


def _leaving(cli: VendorCli, answer: str) -> None:
    if answer.strip().lower() == "y":
        cli.ask("Do you want to save current configuration (y/n/^C)? ", _gone)


def _gone(cli: VendorCli, answer: str) -> None:
    if answer.strip().lower() == "y":
        cli.device.save()
    cli.closed = True


_COMMANDS = (
    command("no page", base.unpaged, *ANYWHERE),
    command("show running-config", base.shows_running, *ANYWHERE),
    command("show lldp info remote-device", _neighbours, *ANYWHERE),
    command("write memory", base.saves, *ANYWHERE),
    command("configure(?: terminal)?", base.goes("config"), "exec"),
    command("logout", _logout, *ANYWHERE),
    command("exit", _logout, "exec"),
    command("exit", base.leaves),
    command("end", base.goes("exec")),
    command("interface ([0-9]+)", base.opens_interface),
    command(f"ntp server {HOST}(?: iburst)?", base.adds("ntp")),
    command(f"no ntp server {HOST}", base.removes("ntp")),
    *_flag("timesync ntp"),
    *_flag("ntp unicast"),
    *_flag("ntp enable"),
    command(f"logging {HOST}", base.adds("logging")),
    command(f"no logging {HOST}", base.removes("logging")),
    command(f"snmp-server community {TEXT} operator", base.adds("communities")),
    command(f"no snmp-server community {TEXT}", base.removes("communities")),
    command(f"snmp-server location {TEXT}", base.puts("snmp_location")),
    command("no snmp-server location", base.puts("snmp_location")),
    command(f"snmp-server contact {TEXT}", base.puts("snmp_contact")),
    command("no snmp-server contact", base.puts("snmp_contact")),
    command(f"banner motd {TEXT}", base.puts("banner")),
    command("no banner motd", base.puts("banner")),
    command("lldp run", base.lldp(True)),
    command("no lldp run", base.lldp(False)),
    command(f"name {TEXT}", base.describes, "interface"),
    command("no name", base.describes, "interface"),
    command("power-over-ethernet", base.sets("poe", True), "interface"),
    command("no power-over-ethernet", base.sets("poe", False), "interface"),
    command("disable", base.sets("shutdown", True), "interface"),
    command("enable", base.sets("shutdown", False), "interface"),
    command("untagged vlan ([0-9]{1,4})", base.joins_vlan, "interface"),
)
_MARKS = {"exec": "", "config": "(config)", "interface": "(eth-{})"}

PROCURVE = Vendor(
    commands=_COMMANDS,
    running=_running,
    prompt=lambda cli: (
        f"\x1b[24;1H\x1b[2K\x1b[?25h\x1b[24;1H{cli.device.hostname}{_MARKS[cli.mode].format(cli.port)}# \x1b[24;20H\x1b[?25h"
    ),
    invalid=lambda line: f"Invalid input: {line.split(' ')[0]}",
    port_number=int,
    greeting="HP J9729A 2920-48G Switch\nSoftware revision WC.16.10.0016\n\nPress any key to continue",
    any_key=True,
    needs_terminal=True,
    more="-- MORE --, next page: Space, next line: Enter, quit: Control-C",
)
