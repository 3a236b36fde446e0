"""What switches of each make show becomes what we think they are, and what we type is what they understand."""

from typing import Any

import pytest
from ansible_collections.fleetdesk.network.plugins.plugin_utils import dialects, switch_config
from ansible_collections.fleetdesk.network.plugins.plugin_utils.dialect import Running
from ansible_collections.fleetdesk.network.plugins.plugin_utils.wish import WishError

IOS = """Building configuration...

Current configuration : 1337 bytes
!
version 15.2
!
interface GigabitEthernet1/0/3
 description AP 204
 switchport access vlan 20
 switchport mode access
 power inline never
!
interface GigabitEthernet1/0/4
 shutdown
!
interface TenGigabitEthernet1/1/1
 switchport mode trunk
!
ntp server 192.0.2.1 prefer
logging host 192.0.2.2 transport udp port 514
snmp-server community old-secret RO 10
snmp-server contact IT
banner login ^COnly staff^C
end
"""
IOS_TABLES = """sw1#show vlan brief

VLAN Name                             Status    Ports
---- -------------------------------- --------- -------------------------------
1    default                          active    Gi1/0/3
20   paedagogik                       active
1002 fddi-default                     act/unsup
sw1#show lldp neighbors
Device ID           Local Intf     Hold-time  Capability      Port ID
ap-204              Gi1/0/4        120        W               eth0

Total entries displayed: 1
sw1#show running-config
"""
AOS_CX = """Current configuration:
!
!Version ArubaOS-CX ML.10.10.1020
hostname sw2
ntp server 192.0.2.1 iburst
logging 192.0.2.2 severity info
snmp-server community old-secret
snmp-server system-contact IT
vlan 1,20,30
interface lag 1
    no shutdown
    vlan trunk native 1
interface 1/1/3
    no shutdown
    description AP 204
    no power-over-ethernet
    vlan access 20
interface 1/1/49
    no shutdown
    lag 1
interface vlan 1
    ip dhcp
"""
PROCURVE = """
\x1b[24;1HRunning configuration:\r
\r
; J9729A Configuration Editor; Created on release #WB.16.10.0016\r
hostname "sw3"\r
timesync ntp\r
ntp server 192.0.2.1 iburst\r
logging 192.0.2.2\r
interface 3\r
   name "AP 204"\r
   no power-over-ethernet\r
   exit\r
snmp-server community "old-secret" operator\r
snmp-server contact "IT"\r
vlan 1\r
   name "DEFAULT_VLAN"\r
   no untagged 3\r
   untagged 1-2,4-24\r
   exit\r
vlan 20\r
   name "paedagogik"\r
   untagged 3\r
   tagged 24\r
   exit\r
sw3# """


def read(name: str, text: str) -> Running:
    return dialects.named(name).parse(text)


@pytest.mark.parametrize(
    ("name", "text", "port", "trunk"),
    [
        ("ios", IOS, "GigabitEthernet1/0/3", "TenGigabitEthernet1/1/1"),
        ("aos-cx", AOS_CX, "1/1/3", "1/1/49"),
        ("procurve", PROCURVE, "3", "24"),
    ],
)
def test_what_is_shown_is_read(name: str, text: str, port: str, trunk: str) -> None:
    running = read(name, text)

    assert running.settings["ntp server"] == ["192.0.2.1"]
    assert running.settings["logging host"] == ["192.0.2.2"]
    assert running.settings["snmp-server community"] == ["old-secret"]
    assert running.settings["snmp-server contact"] == ["IT"]
    assert running.interfaces[port] == {
        "description": "AP 204", "poe": "disabled", "state": "up", "vlan": "20", "trunk": "no",
    }  # fmt: skip
    assert running.interfaces[trunk]["trunk"] == "yes"
    assert 20 in running.vlans or name == "ios"
    assert switch_config.lines(dialects.named(name), running, running) == []


@pytest.mark.parametrize(
    ("name", "text", "port", "typed"),
    [
        ("ios", IOS, "gi1/0/3", ["interface GigabitEthernet1/0/3", "description x", "power inline auto", "exit"]),
        ("aos-cx", AOS_CX, "1/1/3", ["interface 1/1/3", "description x", "power-over-ethernet", "exit"]),
        ("procurve", PROCURVE, "3", ["interface 3", 'name "x"', "power-over-ethernet", "exit"]),
    ],
)
def test_what_differs_is_typed_in_the_words_of_the_make(name: str, text: str, port: str, typed: list[str]) -> None:
    dialect, running = dialects.named(name), read(name, text)

    after = switch_config.wanted(dialect, running, {}, {port: {"description": "x", "poe": "enabled"}})

    assert switch_config.lines(dialect, running, after) == ["configure terminal", *typed, "end"]


def test_tables_tell_vlans_and_who_is_heard() -> None:
    running = read("ios", IOS_TABLES + IOS)

    assert running.vlans == {1, 20}
    assert running.neighbours == {"GigabitEthernet1/0/4": "ap-204"}


@pytest.mark.parametrize(
    ("interfaces", "why"),
    [
        ({"Te1/1/1": {"vlan": 20}}, "is a trunk"),
        ({"Te1/1/1": {"state": "down"}}, "is a trunk"),
        ({"Gi1/0/4": {"vlan": 20}}, "leads to ap-204"),
        ({"Gi1/0/3": {"vlan": 30}}, "has no VLAN 30"),
        ({"Gi1/0/3": {"vlan": "20\nshutdown"}}, "a VLAN is a number"),
        ({"Gi1/0/3": {"vlan": "٢٠"}}, "a VLAN is a number"),
        ({"Gi9/0/3": {"vlan": 20}}, "no interface"),
        ({"Gi1/0/3": {"description": "what? reload"}}, "no question mark"),
        ({"Gi1/0/3": {"description": "x\nreload"}}, "one line"),
    ],
)
def test_what_would_bridge_zones_or_be_a_command_is_refused(interfaces: dict[str, Any], why: str) -> None:
    with pytest.raises(WishError, match=why):
        switch_config.wanted(dialects.named("ios"), read("ios", IOS_TABLES + IOS), {}, interfaces)


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        ("ios", IOS, {"banner": "half ~ a banner"}),
        ("procurve", PROCURVE, {"snmp-server contact": 'IT" operator'}),
        ("aos-cx", AOS_CX, {"banner": "unknown there"}),
    ],
)
def test_a_text_that_would_end_itself_is_refused(name: str, text: str, settings: dict[str, Any]) -> None:
    with pytest.raises(WishError):
        switch_config.wanted(dialects.named(name), read(name, text), settings, {})


def test_an_access_list_is_not_lost_with_the_community_it_protects() -> None:
    with pytest.raises(WishError, match="access list"):
        switch_config.wanted(dialects.named("ios"), read("ios", IOS), {"snmp-server community": "new-secret"}, {})


def test_time_servers_of_a_procurve_bring_along_what_makes_them_work() -> None:
    dialect, running = dialects.named("procurve"), read("procurve", PROCURVE)

    after = switch_config.wanted(dialect, running, {"ntp server": ["192.0.2.1"]}, {})

    assert switch_config.lines(dialect, running, after) == ["configure terminal", "ntp unicast", "ntp enable", "end"]


def test_what_shows_no_configuration_is_no_empty_one() -> None:
    with pytest.raises(WishError, match="did not show"):
        read("ios", "sw1>show running-config\n% Invalid input detected at '^' marker.\n")


def test_a_backup_is_the_configuration_without_what_changes_by_itself() -> None:
    session = "sw1#show running-config\n" + IOS.replace("!\nversion", "! Last configuration change at 09:00\n!\nversion")

    text = dialects.named("ios").cut(session + "sw1#exit\n")

    assert text.startswith("Current configuration : 1337 bytes\n")
    assert "Last configuration change" not in text
    assert "sw1#" not in text
    assert read("ios", text) == read("ios", IOS)


@pytest.mark.parametrize(("name", "text"), [("aos-cx", AOS_CX), ("procurve", PROCURVE)])
def test_an_entry_more_and_one_fewer_leave_the_others(name: str, text: str) -> None:
    running, dialect = read(name, text.replace("old-secret", "a-first")), dialects.named(name)
    running.settings["snmp-server community"] = ["a-first", "other"]

    def lines(**asked: list[str]) -> list[str]:
        after = switch_config.wanted(dialect, running, {}, {}, {"snmp-server community": asked})
        return [line for line in switch_config.lines(dialect, running, after) if "community" in line]

    more, fewer, same = lines(present=["new"]), lines(absent=["a-first"]), lines(present=["other"], absent=["unknown"])

    assert ([len(more), len(fewer)], same) == ([1, 1], [])
    assert more[0].startswith("snmp-server community")
    assert "new" in more[0]
    assert fewer[0].startswith("no snmp-server community")
    for wrong in ({"present": ["x y"]}, {"present": ["x"], "absent": ["x"]}, {"presnt": ["x"]}):
        with pytest.raises(WishError):
            switch_config.wanted(dialect, running, {}, {}, {"snmp-server community": wrong})
