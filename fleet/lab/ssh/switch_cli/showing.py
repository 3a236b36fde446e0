"""What the switch shows: its configuration, its ports, its neighbours, itself."""

from collections.abc import Iterator

from fleet.lab.ssh.device import PortConfig, PortState, SwitchDevice
from fleet.lab.ssh.switch_cli.session import SwitchCli, form


@form("show running-config")
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
    yield from (f"snmp-server community {community} ro" for community in config.communities)
    yield from (f"{words} {value}" for words, value in (*named, ("banner", config.banner)) if value)
    if not config.lldp:
        yield "no lldp run"
    yield from (f"vlan {number} name {name}" for number, name in sorted(config.vlans.items()))
    for number, port in sorted(config.ports.items()):
        yield from _port_lines(number, port, capable=capable(device, number))
    yield "end"


def capable(device: SwitchDevice, number: int) -> bool:
    return any(port.ifIndex == number and port.poe_capable for port in device.ports())


def _port_lines(number: int, port: PortConfig, *, capable: bool) -> Iterator[str]:
    yield "!"
    yield f"interface port{number}"
    if port.description:
        yield f" description {port.description}"
    if capable:
        yield f" poe {'enabled' if port.poe else 'disabled'}"
    yield " shutdown" if port.shutdown else " no shutdown"
    if port.vlan != 1:
        yield f" vlan {port.vlan}"
    if port.trunk:
        yield " trunk"


@form("show interfaces status")
def _show_interfaces(cli: SwitchCli, _argument: str) -> None:
    cli.say(f"{'Port':<8}{'Name':<26}{'Admin':<8}{'Oper':<6}")
    for port in cli.device.ports():
        admin, oper = ("up" if state else "down" for state in (port.admin_up, port.oper_up))
        cli.say(f"{_name(port):<8}{port.description[:24]:<26}{admin:<8}{oper:<6}".rstrip())


@form("show power inline")
def _show_power(cli: SwitchCli, _argument: str) -> None:
    cli.say(f"{'Port':<8}{'Admin':<10}{'Oper':<12}")
    for port in cli.device.ports():
        if port.poe_capable:
            oper = "delivering" if port.delivering else "searching" if port.poe_admin else "off"
            cli.say(f"{_name(port):<8}{'enabled' if port.poe_admin else 'disabled':<10}{oper:<12}".rstrip())


@form("show lldp neighbors")
def _show_neighbours(cli: SwitchCli, _argument: str) -> None:
    cli.say(f"{'Port':<8}{'Chassis':<20}{'Neighbor port':<16}{'System'}")
    for port in cli.device.ports():
        if (other := port.neighbour) is not None:
            cli.say(f"{_name(port):<8}{other.chassis_mac:<20}{other.port_id:<16}{other.sys_name}")


def _name(port: PortState) -> str:
    return f"port{port.ifIndex}"


@form("show version")
def _show_version(cli: SwitchCli, _argument: str) -> None:
    facts, uptime = cli.device.device, int(cli.device.uptime_s)
    cli.say(f"{facts.model}, {facts.firmware}")
    cli.say(f"Serial number: {facts.serial}")
    cli.say(f"Uptime: {uptime // 86400} d {uptime // 3600 % 24} h {uptime // 60 % 60} min {uptime % 60} s")
