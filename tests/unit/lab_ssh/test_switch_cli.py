"""The switch's command line, on a switch of the demo city."""

import pytest

from fleet.lab.city import demo_city
from fleet.lab.ssh.switch_cli import SwitchCli, running_config
from fleet.lab.world import Switch, World


@pytest.fixture
def switch() -> Switch:
    world = World(demo_city())
    return next(machine for machine in world.machines if isinstance(machine, Switch))


def typed(switch: Switch, *lines: str) -> str:
    reply = SwitchCli(switch).script("\n".join(lines))
    assert not reply.failed, reply.text
    return reply.text


def configured(switch: Switch, *lines: str) -> str:
    return typed(switch, "configure terminal", *lines)


def test_configures_and_shows_everything_it_knows(switch: Switch) -> None:
    configured(
        switch,
        "hostname sw-neu", "ntp server 127.0.0.1", "ntp server ntp.example", "logging host 127.0.0.2",
        "snmp-server community l-a-b ro", "snmp-server location Keller 1", "snmp-server contact it@example",
        "banner Nur für Befugte", "interface port3", "description AP  Raum 204", "shutdown", "poe disabled",
    )  # fmt: skip

    shown = typed(switch, "show running-config").splitlines()

    for line in ("hostname sw-neu", "ntp server ntp.example", "logging host 127.0.0.2", "snmp-server community l-a-b ro",
                 "snmp-server location Keller 1", "banner Nur für Befugte", " description AP  Raum 204"):  # fmt: skip
        assert line in shown
    at = shown.index("interface port3")
    assert shown[at + 2 : at + 4] == [" poe disabled", " shutdown"]


def test_every_no_form_takes_back(switch: Switch) -> None:
    before = typed(switch, "show running-config")
    communities = list(switch.running_config.communities)
    location = switch.running_config.snmp_location
    configured(switch, "ntp server 127.0.0.1", "logging host a.example", "banner x", "interface port3", "shutdown")

    configured(
        switch,
        "no ntp server 127.0.0.1", "no logging host a.example", "no banner", "no snmp-server location",
        *(f"no snmp-server community {one}" for one in communities), "interface port3", "no shutdown",
    )  # fmt: skip

    assert (switch.running_config.communities, switch.running_config.snmp_location) == ([], "")
    configured(switch, f"snmp-server location {location}", *(f"snmp-server community {one} ro" for one in communities))
    assert typed(switch, "show running-config") == before


def test_the_shown_configuration_typed_in_again_is_the_same(switch: Switch) -> None:
    configured(switch, "ntp server 127.0.0.1", "interface port5", "description x ! y", "poe disabled", "shutdown")
    shown = typed(switch, "show running-config")
    other = next(m for m in World(demo_city()).machines if isinstance(m, Switch))

    configured(other, *shown.splitlines())

    assert list(running_config(other)) == shown.splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "nonsense", "show", "show running-config now", "interface port3", "poe enabled", "write memory x",
        "poe cycle interface port99", "poe cycle interface port26", "hostname x", "show version; reboot", "Show version",
    ],
)  # fmt: skip
def test_refuses_what_it_does_not_know(switch: Switch, line: str) -> None:
    reply = SwitchCli(switch).execute(line)

    assert reply.failed
    assert reply.text.startswith("% Invalid input: ")


@pytest.mark.parametrize(
    "line",
    [
        "hostname a b", "hostname -x", "hostname $(id)", "ntp server ;reboot", "ntp server", "banner", "banner " + "x" * 201,
        "description x", "interface port0", "interface port3;", "snmp-server community a b ro", "no ntp server 1.2.3.4",
        "snmp-server community x rw", "banner a\tb",
    ],
)  # fmt: skip
def test_refuses_values_that_are_none(switch: Switch, line: str) -> None:
    before = list(running_config(switch))
    cli = SwitchCli(switch, mode="config")

    assert cli.execute(line).failed
    assert list(running_config(switch)) == before


def test_hostile_text_is_shown_as_typed(switch: Switch) -> None:
    hostile = "{{ lookup('pipe','id') }}; reboot `id` $(id) ../../etc/passwd % ! \"x\""

    configured(switch, "interface port2", f"description {hostile}")

    assert f" description {hostile}" in typed(switch, "show running-config").splitlines()
    assert switch.running_config.ports[2].description == hostile


def test_a_script_stops_at_the_first_error(switch: Switch) -> None:
    reply = SwitchCli(switch).script("configure terminal\nntp server a.example\nbogus\nntp server b.example")

    assert (reply.failed, reply.text) == (True, "% Invalid input: bogus\n")
    assert switch.running_config.ntp == ["a.example"]


def test_idempotent_lines_change_nothing_the_second_time(switch: Switch) -> None:
    lines = ["ntp server a.example", "interface port4", "poe disabled", "description x"]
    configured(switch, *lines)
    once = list(running_config(switch))

    configured(switch, *lines)

    assert list(running_config(switch)) == once


def test_poe_off_and_cycle_reach_the_ports(switch: Switch) -> None:
    port = next(port.ifIndex for port in switch.ports() if port.delivering)

    configured(switch, f"interface port{port}", "poe disabled")
    assert not switch.port(port).poe_admin
    assert f"port{port:<4}disabled  off" in typed(switch, "show power inline")

    configured(switch, f"interface 1/{port}", "poe enabled")
    typed(switch, f"poe cycle interface port{port}")
    assert switch.port(port).poe_admin
    assert not switch.port(port).delivering


def test_write_memory_keeps_what_a_reboot_would_forget(switch: Switch) -> None:
    configured(switch, "banner kept", "end", "write memory")
    configured(switch, "banner forgotten")

    switch.reboot()

    assert switch.running_config.banner == "kept"


def test_the_prompt_tells_the_mode(switch: Switch) -> None:
    cli, name = SwitchCli(switch), switch.hostname
    prompts = [cli.prompt]
    for line in ("configure terminal", "interface port3", "exit", "interface port4", "end"):
        cli.execute(line)
        prompts.append(cli.prompt)

    modes = ("", "(config)", "(config-if-3)", "(config)", "(config-if-4)", "")
    modes = ("", "(config)", "(config-if-3)", "(config)", "(config-if-4)", "")
    assert prompts == [f"{name}{mode}# " for mode in modes]
    assert cli.execute("exit").closed


def test_shows_neighbours_and_version(switch: Switch) -> None:
    neighbours = typed(switch, "show lldp neighbors")
    version = typed(switch, "show version")

    assert all(port.neighbour.sys_name in neighbours for port in switch.ports() if port.neighbour)
    assert switch.device.serial in version
    assert len(typed(switch, "show interfaces status").splitlines()) == len(switch.ports()) + 1
