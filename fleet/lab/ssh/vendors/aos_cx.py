"""A CX 6200's command line (ArubaOS-CX 10.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fleet.lab.ssh.vendors import base
from fleet.lab.ssh.vendors.base import ANYWHERE, HOST, Vendor, VendorCli, command


def _port_number(text: str) -> int:
    found = re.fullmatch(r"1/1/([0-9]{1,2})", text)
    if found is None:
        raise ValueError(text)
    return int(found[1])


def _running(cli: VendorCli) -> Iterator[str]:
    config = cli.config
    yield from ("Current configuration:", "!", "!Version ArubaOS-CX ML.10.10.1020", "!export-password: default")
    yield f"hostname {config.hostname}"
    yield from (f"ntp server {host} iburst" for host in config.ntp)
    yield from (f"logging {host}" for host in config.logging)
    yield from ("!", "ssh server vrf default")
    yield from (() if config.lldp else ("no lldp",))
    yield from (f"snmp-server community {community}" for community in config.communities)
    yield from (f"snmp-server system-location {config.snmp_location}",) if config.snmp_location else ()
    yield from (f"snmp-server system-contact {config.snmp_contact}",) if config.snmp_contact else ()
    for number, name in sorted(config.vlans.items()):
        yield f"vlan {number}"
        yield from () if number == 1 else (f"    name {name}",)
    for number, port in sorted(config.ports.items()):
        yield f"interface 1/1/{number}"
        yield "    shutdown" if port.shutdown else "    no shutdown"
        yield from (f"    description {port.description}",) if port.description else ()
        yield from ("    no power-over-ethernet",) if not port.poe else ()
        yield from (
            ("    vlan trunk native 1", "    vlan trunk allowed all") if port.trunk else (f"    vlan access {port.vlan}",)
        )
    yield from ("!", "https-server vrf default", "")


def _vlans(cli: VendorCli, _argument: str) -> None:
    cli.say("\n" + "-" * 100)
    cli.say("VLAN  Name                              Status  Reason                  Type        Interfaces")
    cli.say("-" * 100)
    for number, name in sorted(cli.config.vlans.items()):
        cli.say(f"{number:<6}{name:<34}up      ok                      static      1/1/25-1/1/26")


def _neighbours(cli: VendorCli, _argument: str) -> None:
    cli.say("\nLLDP Neighbor Information\n=========================\n")
    cli.say("LOCAL-PORT  CHASSIS-ID         PORT-ID                      PORT-DESC                    TTL      SYS-NAME")
    cli.say("-" * 100)
    for port in cli.device.ports():
        if (other := port.neighbour) is not None:
            where = f"1/1/{port.ifIndex}"
            cli.say(f"{where:<12}{other.chassis_mac:<19}{other.port_id:<29}{other.port_id:<29}120      {other.sys_name}")


_COMMANDS = (
    command("no page", base.unpaged, "exec"),
    command("show running-config", base.shows_running, "exec"),
    command("show vlan", _vlans, "exec"),
    command("show lldp neighbor-info", _neighbours, "exec"),
    command("write memory", base.saves, "exec"),
    command("copy running-config startup-config", base.saves, "exec"),
    command("configure(?: terminal)?", base.goes("config"), "exec"),
    command("exit", base.leaves, *ANYWHERE),
    command("end", base.goes("exec")),
    command("interface ([0-9/]+)", base.opens_interface),
    command(f"ntp server {HOST}(?: iburst)?", base.adds("ntp")),
    command(f"no ntp server {HOST}", base.removes("ntp")),
    command(f"logging {HOST}", base.adds("logging")),
    command(f"no logging {HOST}", base.removes("logging")),
    command(r"snmp-server community (\S{1,64})", base.adds("communities")),
    command(r"no snmp-server community (\S+)", base.removes("communities")),
    command("snmp-server system-location (.+)", base.puts("snmp_location")),
    command("no snmp-server system-location", base.puts("snmp_location")),
    command("snmp-server system-contact (.+)", base.puts("snmp_contact")),
    command("no snmp-server system-contact", base.puts("snmp_contact")),
    command("lldp", base.lldp(True)),
    command("no lldp", base.lldp(False)),
    command("description (.+)", base.describes, "interface"),
    command("no description", base.describes, "interface"),
    command("power-over-ethernet", base.sets("poe", True), "interface"),
    command("no power-over-ethernet", base.sets("poe", False), "interface"),
    command("shutdown", base.sets("shutdown", True), "interface"),
    command("no shutdown", base.sets("shutdown", False), "interface"),
    command("vlan access ([0-9]{1,4})", base.joins_vlan, "interface"),
)

AOS_CX = Vendor(
    commands=_COMMANDS,
    running=_running,
    prompt=lambda cli: (
        f"{cli.device.hostname}{ {'exec': '', 'config': '(config)', 'interface': '(config-if)'}[cli.mode] }# "
    ),
    invalid=lambda line: f"Invalid input: {line}",
    port_number=_port_number,
    more="-- MORE --, next page: Space, next line: Enter, quit: q",
)
