"""The command lines we speak. Sources: the vendors' command references, named at each."""

from __future__ import annotations

import re

from . import radius
from .dialect import Dialect, Port, Reader, Running, Setting, numbers
from .wish import WishError

QUOTE = '"'


def _server(words: str, more: str = "", implies: tuple[str, ...] = ()) -> Setting:
    return Setting(rf"{words} (\S+){more}", f"{words} {{}}", f"no {words} {{}}", implies=implies)


def _text(words: str) -> Setting:
    return Setting(rf"{words} (.+)", f"{words} {{}}", f"no {words}")


def _quoted(words: str) -> Setting:
    return Setting(rf"{words} (.+)", f'{words} "{{}}"', f"no {words}", forbids=QUOTE)


def _flag(words: str, *, default_on: bool = False) -> Setting:
    return Setting(words, words, f"no {words}", off=f"no {words}" if default_on else "")


def _description() -> Port:
    return Port(((r"description (.+)", ""),), lambda value: [f"description {value}" if value else "no description"])


def _choice(words: dict[str, str], default: str | None) -> Port:
    """A property with a fixed line for each of its values."""
    return Port(tuple((re.escape(line), value) for value, line in words.items()), lambda value: [words[value]], default)


def port_number(text: str) -> str:
    """`port3`, `3`, `1/3` (ifName) → `port3`."""
    found = re.fullmatch(r"(?:port|1/)?([0-9]{1,3})", text, re.ASCII)
    return f"port{int(found[1])}" if found else text


LABSWITCH = Dialect(
    name="labswitch",
    settings={
        "hostname": _text("hostname"),
        "ntp server": _server("ntp server"),
        "logging host": _server("logging host"),
        "snmp-server community": Setting(
            r"snmp-server community (\S+) ro", "snmp-server community {} ro", "no snmp-server community {}"
        ),
        "snmp-server location": _text("snmp-server location"),
        "snmp-server contact": _text("snmp-server contact"),
        "banner": _text("banner"),
        "lldp": _flag("lldp run", default_on=True),
    },
    port={
        "description": _description(),
        "poe": _choice({"enabled": "poe enabled", "disabled": "poe disabled"}, None),
        "state": _choice({"down": "shutdown", "up": "no shutdown"}, "up"),
        "vlan": Port(((r"vlan ([0-9]+)", ""),), lambda value: [f"vlan {value}"], "1"),
        "trunk": _choice({"yes": "trunk", "no": "no trunk"}, "no"),
    },
    tables=("show lldp neighbors",),
    neighbour_row=r"(?P<port>port[0-9]+)\s+[0-9a-f:]{17}\s+\S+\s+(?P<name>\S+)",
    port_words=port_number,
    begins=r"^(?:\S+# ?)?! lab switch, running configuration",
    ascii_only=False,
    cycle=lambda port: [f"poe cycle interface {port}"],
)

_IOS_PORTS = {
    "fa": "FastEthernet",
    "gi": "GigabitEthernet",
    "tw": "TwoGigabitEthernet",
    "fi": "FiveGigabitEthernet",
    "te": "TenGigabitEthernet",
    "twe": "TwentyFiveGigE",
    "fo": "FortyGigabitEthernet",
    "hu": "HundredGigE",
    "po": "Port-channel",
    "vl": "Vlan",
}


def ios_port(text: str) -> str:
    """`Gi1/0/3`, `gigabitethernet 1/0/3` → `GigabitEthernet1/0/3`: ifName is short, the running configuration is not."""
    found = re.fullmatch(r"([A-Za-z-]+) ?([0-9/.]+)", text, re.ASCII)
    if found is None:
        return text
    kind = found[1].lower()
    long = _IOS_PORTS.get(kind) or next((name for name in _IOS_PORTS.values() if name.lower() == kind), found[1])
    return f"{long}{found[2]}"


class _IosReader(Reader):
    """RADIUS servers stand in blocks of their own."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.server = ""

    def line(self, line: str) -> None:
        if header := radius.HEADER.fullmatch(line.rstrip()):
            self.port, self.server = "", header[1]
            self.found.radius[self.server] = radius.Server()
        elif self.server and line.startswith(" "):
            self.found.radius[self.server] = radius.line(self.found.radius[self.server], line.strip())
        else:
            self.server = ""
            super().line(line)


class _Ios(Dialect):
    def parse(self, text: str) -> Running:
        return _IosReader(self).read(text)


# Cisco IOS and IOS XE, Configuration Fundamentals and Interface command references, 15.2(7)E and 17.x.
IOS = _Ios(
    name="ios",
    settings={
        "ntp server": _server("ntp server", "(?: (?:prefer|source .+|version .+))*"),
        "logging host": _server("logging host", "(?: .*)?"),
        "snmp-server community": Setting(
            r"snmp-server community (\S+) RO(?: .*)?",
            "snmp-server community {} RO",
            "no snmp-server community {}",
            fixed=r"snmp-server community \S+ RO \S.*",  # an access list
        ),
        "snmp-server location": _text("snmp-server location"),
        "snmp-server contact": _text("snmp-server contact"),
        # The running configuration shows ^C around it, whatever delimiter was typed.
        "banner": Setting(
            r"banner login (?:\^C|\x03)(.*?)(?:\^C|\x03)", "banner login ~{}~", "no banner login", forbids="~^"
        ),
        "lldp": _flag("lldp run"),
    },
    port={
        "description": _description(),
        "poe": Port(
            (("power inline never", "disabled"), ("power inline auto.*", "enabled")),
            lambda value: [f"power inline {'auto' if value == 'enabled' else 'never'}"],
            "enabled",
        ),
        "state": _choice({"down": "shutdown", "up": "no shutdown"}, "up"),
        "vlan": Port(
            ((r"switchport access vlan ([0-9]+)", ""),),
            lambda value: ["switchport mode access", f"switchport access vlan {value}"],
            "1",
        ),
        "trunk": Port((("switchport mode trunk", "yes"), ("no switchport", "yes"), ("channel-group .*", "yes")), list, "no"),
    },
    port_words=ios_port,
    preamble=("terminal length 0", "terminal width 0"),
    tables=("show vlan brief", "show lldp neighbors"),
    vlan_row=r"([0-9]{1,4}) +\S+ +active",
    neighbour_row=r"(?P<name>\S.{19})(?P<port>(?:Fa|Gi|Tw|Fi|Te|Twe|Fo|Hu)[0-9/]+)\s+[0-9]+\s",
    begins=r"^Current configuration\b",
    volatile=r"! (?:Last configuration change|NVRAM config last updated) at |ntp clock-period ",
)


# ArubaOS-CX, Fundamentals and Layer 2 Bridging guides, 10.10 and later.
AOS_CX = Dialect(
    name="aos-cx",
    settings={
        "ntp server": _server("ntp server", "(?: .*)?"),
        "logging host": _server("logging", "(?: .*)?"),
        "snmp-server community": Setting(
            r"snmp-server community (\S+)", "snmp-server community {}", "no snmp-server community {}"
        ),
        "snmp-server location": _text("snmp-server system-location"),
        "snmp-server contact": _text("snmp-server system-contact"),
        "lldp": _flag("lldp", default_on=True),
    },
    port={
        "description": _description(),
        "poe": _choice({"enabled": "power-over-ethernet", "disabled": "no power-over-ethernet"}, "enabled"),
        "state": _choice({"down": "shutdown", "up": "no shutdown"}, "up"),
        "vlan": Port(((r"vlan access ([0-9]+)", ""),), lambda value: [f"vlan access {value}"], "1"),
        "trunk": Port(((r"vlan trunk .*", "yes"), ("routing", "yes"), (r"lag [0-9]+", "yes")), list, "no"),
    },
    interface=r"interface ((?:lag )?[0-9/]+)",
    preamble=("no page",),
    tables=("show vlan", "show lldp neighbor-info"),
    vlan_row=r"([0-9]{1,4}) +\S+ +(?:up|down) ",
    neighbour_row=r"(?P<port>[0-9]+/[0-9]+/[0-9]+) +[0-9a-f:]{17} +\S+ +\S+ +[0-9]+ *(?P<name>.*)",
    begins=r"^Current configuration:",
    refused=r"^(?:%|Invalid input|Command incomplete|Error).*$",
)


class _ProCurveReader(Reader):
    """VLANs of ports stand in the blocks of the VLANs; ports in their factory state are not shown at all."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.vlan = 0

    def line(self, line: str) -> None:
        if header := re.fullmatch(r"vlan ([0-9]+)", line.rstrip()):
            self.port, self.vlan = "", int(header[1])
            self.vlans.add(self.vlan)
        elif self.vlan and (member := re.fullmatch(r" +(untagged|tagged) ([A-Z0-9,-]+)", line.rstrip())):
            for number in numbers(member[2]):
                port = self.interface(str(number))
                port |= {"vlan": str(self.vlan)} if member[1] == "untagged" else {"trunk": "yes"}
        elif not line.startswith(" "):
            self.vlan = 0
            super().line(line)
        elif not self.vlan:
            super().line(line)


class _ProCurve(Dialect):
    def parse(self, text: str) -> Running:
        return _ProCurveReader(self).read(text)


# ArubaOS-Switch (ProVision), Management and Configuration Guide and Advanced Traffic Management Guide, 16.x.
PROCURVE = _ProCurve(
    name="procurve",
    settings={
        "ntp server": _server("ntp server", "(?: .*)?", ("timesync ntp", "ntp unicast", "ntp enable")),
        "logging host": _server("logging", "(?: .*)?"),
        "snmp-server community": Setting(
            r'snmp-server community ("?[^" ]+"?)(?: operator)?',
            'snmp-server community "{}" operator',
            'no snmp-server community "{}"',
            forbids=QUOTE,
        ),
        "snmp-server location": _quoted("snmp-server location"),
        "snmp-server contact": _quoted("snmp-server contact"),
        "banner": _quoted("banner motd"),
        "lldp": _flag("lldp run", default_on=True),
        "timesync ntp": _flag("timesync ntp"),
        "ntp unicast": _flag("ntp unicast"),
        "ntp enable": _flag("ntp enable"),
    },
    port={
        "description": Port(((r"name (.+)", ""),), lambda value: [f'name "{value}"' if value else "no name"], quoted=True),
        "poe": _choice({"enabled": "power-over-ethernet", "disabled": "no power-over-ethernet"}, "enabled"),
        "state": _choice({"down": "disable", "up": "enable"}, "up"),
        "vlan": Port((), lambda value: [f"untagged vlan {value}"], "1"),
        "trunk": Port(((r"trunk .*", "yes"),), list, "no"),
    },
    # It needs a terminal (ansible_ssh_extra_args: -tt), and greets with "Press any key to continue".
    preamble=("", "no page"),
    leave=("logout", "y", "n"),
    tables=("show lldp info remote-device",),
    neighbour_row=r" *(?P<port>[A-Z]?[0-9]+) +\| .*?(?P<name>\S+)\s*$",
    begins=r"^Running configuration:",
    refused=r"^(?:Invalid input|Ambiguous input|Incomplete input|Error|.*: Error).*$",
)

BY_NAME = {one.name: one for one in (LABSWITCH, IOS, AOS_CX, PROCURVE)}


def named(name: str) -> Dialect:
    if name not in BY_NAME:
        raise WishError(f"{name!r} is not a command line we speak: {', '.join(sorted(BY_NAME))}")
    return BY_NAME[name]
