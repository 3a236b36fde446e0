"""Every playbook for switches on every command line we speak, several in one process: predicted, done, and done again."""

import json
import re
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleet.lab.city import City, Device, Platform, demo_city
from fleet.lab.ssh import keys
from fleet.lab.ssh.server import serve
from fleet.lab.world import AccessPoint, Switch, World
from tests.integration.lab_ssh.conftest import Lab, free_port
from tests.integration.playbooks.conftest import Player

PLATFORMS: dict[str, Platform] = {"lindenhain-sw-2": "ios", "lindenhain-sw-3": "aos-cx", "nordwall-sw-2": "procurve"}
NAMES = ("switch", "ios", "aos-cx", "procurve")
EVERYWHERE = ",".join(NAMES)
COMMUNITY = "pl4nted-{{x}}';$(id)"
BASELINE = {
    "ntp_servers": ["ntp1.musterstadt.example", "127.0.0.9"],
    "syslog_host": "log.musterstadt.example",
    "snmp_contact": "IT {{ lookup('pipe', 'id') }} '; reload; $(reboot) `reboot`",
    "snmp_community": COMMUNITY,
    "banner": "Only for staff {{ lookup('pipe', 'id') }}",
}
SOCKET = {"port": 10, "vlan": 20, "zone": "Paedagogik {{ x }} $(id)"}
FETCHED = re.compile(r'^ok: \[([\w-]+)\] => \{.*"fleetdesk_configuration": "((?:[^"\\]|\\.)*)"', re.MULTILINE)


def with_vendors() -> City:
    """The demo city with some switches of other make."""
    city = demo_city()
    sites = (replace(site, devices=tuple(map(_of_its_make, site.devices))) for site in city.sites)
    return replace(city, sites=tuple(sites))


def _of_its_make(device: Device) -> Device:
    return replace(device, platform=PLATFORMS.get(device.key, device.platform))


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    world = World(with_vendors())
    made = keys.ensure(tmp_path / "keys", [machine.device.key for machine in world.machines])
    port = free_port()
    async with serve(world, port, made) as hosts:
        ap = next(machine for machine in world.machines if isinstance(machine, AccessPoint))
        yield Lab(world, hosts, made, port, tmp_path, ap, world.switch("lindenhain-sw-1"))


def switches(player: Player) -> dict[str, Switch]:
    found = {platform: player.lab.world.switch(key) for key, platform in PLATFORMS.items()}
    return {"switch": player.lab.switch, **found}


def changes(out: str) -> list[str]:
    return [line for line in out.splitlines() if not re.match(r"PLAY RECAP|\S+ +: ok=", line)]


async def test_check_mode_predicts_what_is_done_and_a_second_run_does_nothing(player: Player) -> None:
    books = ["baseline", "lldp-enable", "port-vlan", "port-quarantine"]
    given: dict[str, Any] = BASELINE | SOCKET
    for switch in switches(player).values():
        switch.running_config.lldp = False
        switch.running_config.ntp = ["old.musterstadt.example"]
        switch.save()

    checked = await player.all_of(books, given, "--check", on=EVERYWHERE)
    untouched = [switch.running_config.snmp_contact for switch in switches(player).values()]
    done = await player.all_of(books, given, on=EVERYWHERE)
    again = await player.all_of(books, given, on=EVERYWHERE)

    assert (checked.status, done.status, again.status) == (0, 0, 0), checked.out + done.out + again.out
    assert untouched == [""] * 4
    assert sorted(changes(checked.out)) == sorted(changes(done.out))
    assert again.changed == 0, again.out
    assert "pl4nted" not in done.out
    for name, switch in switches(player).items():
        config, port = switch.running_config, switch.running_config.ports[10]
        assert config.ntp == BASELINE["ntp_servers"], name
        assert (config.logging, config.snmp_contact) == ([BASELINE["syslog_host"]], BASELINE["snmp_contact"]), name
        assert config.communities == [COMMUNITY], name
        assert config.banner == ("" if name == "aos-cx" else BASELINE["banner"]), name
        assert config.lldp, name
        assert (port.vlan, port.description, port.shutdown) == (20, SOCKET["zone"], True), name
        assert not switch.port(10).admin_up, name
        assert not switch.unsaved, name
    assert switches(player)["procurve"].running_config.flags == ["timesync ntp", "ntp unicast", "ntp enable"]


async def test_a_port_is_released_labelled_rotated_and_all_of_it_taken_back_from_a_backup(player: Player) -> None:
    before = {name: list(switch.running_config.communities) for name, switch in switches(player).items()}
    kept = await player.play("backup", None, "-v", on=EVERYWHERE)
    given = SOCKET | {"state": "released", "label": "Socket 204-1", "new_community": COMMUNITY}

    done = await player.all_of(["port-quarantine", "port-label", "snmp-credential-rotate"], given, on=EVERYWHERE)
    texts = dict(FETCHED.findall(kept.out))

    assert (kept.status, kept.changed, done.status) == (0, 0, 0), kept.out + done.out
    assert set(texts) == set(NAMES)
    for name, switch in switches(player).items():
        assert switch.running_config.ports[10].description == "Socket 204-1", name
        assert switch.running_config.communities == [*before[name], COMMUNITY], "the new one stands beside the old one"

    for name in ("ios", "procurve"):
        text = texts[name]
        back = await player.play(
            "restore", {"backup": 1, "fleetdesk_configuration": text.encode().decode("unicode_escape")}, on=name
        )
        assert (back.status, back.changed) == (0, 1), back.out
        switch = switches(player)[name]
        assert switch.running_config.ports[10].description == "", name
        assert switch.running_config.communities == before[name], name
        assert not switch.unsaved, name


async def test_an_old_community_goes_when_the_new_one_is_there(player: Player) -> None:
    for switch in switches(player).values():
        switch.running_config.communities = ["Alte-Community", "Fremde"]
        switch.save()
    rotation = {"new_community": COMMUNITY, "retired_community": "Alte-Community"}

    checked = await player.play("snmp-credential-rotate", rotation, "--check", on=EVERYWHERE)
    done = await player.play("snmp-credential-rotate", rotation, on=EVERYWHERE)
    again = await player.play("snmp-credential-rotate", rotation, on=EVERYWHERE)

    assert [one.changed for one in (checked, done, again)] == [4, 4, 0], done.out + again.out
    assert sorted(changes(checked.out)) == sorted(changes(done.out))
    for name, switch in switches(player).items():
        assert switch.communities == {"Fremde", COMMUNITY}, name
        assert not switch.unsaved, name
    assert "Alte-Community" not in checked.out + done.out
    assert "pl4nted" not in checked.out + done.out


async def test_another_radius_server_takes_the_place_of_the_old_one(player: Player) -> None:
    secret = "pl4nted-{{x}}';$(id)"
    ios = switches(player)["ios"]
    ios.running_config.radius = {
        "first": ["address ipv4 192.0.2.1 auth-port 1812 acct-port 1813", "key 7 0822455D0A16"],
        "second": ["address ipv4 192.0.2.2 auth-port 1812 acct-port 1813", "key other-secret-of-it"],
    }
    ios.save()
    given = {"radius_server": "192.0.2.9", "radius_secret": secret, "replaces": "192.0.2.1"}

    unclear = await player.play("radius-switch", given | {"replaces": ""}, on="ios")
    checked = await player.play("radius-switch", given, "--check", on="ios")
    done, again = await player.play("radius-switch", given, on="ios"), await player.play("radius-switch", given, on="ios")

    assert unclear.status != 0
    assert "it knows 192.0.2.1, 192.0.2.2" in unclear.out
    assert [(one.status, one.changed) for one in (checked, done, again)] == [(0, 1), (0, 1), (0, 0)], done.out + again.out
    assert sorted(changes(checked.out)) == sorted(changes(done.out))
    assert ios.running_config.radius == {
        "first": ["address ipv4 192.0.2.9 auth-port 1812 acct-port 1813", f"key {secret}"],
        "second": ["address ipv4 192.0.2.2 auth-port 1812 acct-port 1813", "key other-secret-of-it"],
    }
    assert not ios.unsaved
    assert not re.search("pl4nted|cisco|other-secret", unclear.out + checked.out + done.out + again.out)


async def test_a_switch_asks_its_old_radius_server_again(player: Player) -> None:
    """A secret that IOS shows hidden (type 7) is typed in clear again: to the switch the same."""
    ios = switches(player)["ios"]
    address = "address ipv4 192.0.2.{} auth-port 1812 acct-port 1813"
    ios.running_config.radius = {
        "first": [address.format(1), "key 7 0822455D0A16"],
        "second": [address.format(2), "key pl4nted-of-the-second"],
    }
    ios.save()
    text = (await texts(player, "ios"))["ios"]
    given = {"radius_server": "192.0.2.9", "radius_secret": "pl4nted-of-the-new-one", "replaces": "192.0.2.1"}
    assert (await player.play("radius-switch", given, on="ios")).status == 0
    wish = {"backup": 1, "fleetdesk_configuration": text}

    checked = await player.play("restore", wish, "--check", on="ios")
    done, again = await player.play("restore", wish, on="ios"), await player.play("restore", wish, on="ios")

    assert [(one.status, one.changed) for one in (checked, done, again)] == [(0, 1), (0, 1), (0, 0)], done.out + again.out
    assert ios.running_config.radius == {
        "first": [address.format(1), "key cisco"],
        "second": [address.format(2), "key pl4nted-of-the-second"],
    }
    assert not ios.unsaved
    assert not re.search("pl4nted|cisco", checked.out + done.out + again.out)


async def test_the_base_configuration_is_taken_back_from_a_backup(player: Player) -> None:
    for switch in switches(player).values():
        switch.running_config.ntp = ["old.musterstadt.example", "127.0.0.9"]
        switch.running_config.snmp_contact = "Frau Alt"
        switch.save()
    before = {name: deepcopy(switch.running_config) for name, switch in switches(player).items()}
    kept = await texts(player, EVERYWHERE)
    assert (await player.play("baseline", BASELINE, on=EVERYWHERE)).status == 0
    assert all(switch.running_config != before[name] for name, switch in switches(player).items())

    for name, text in kept.items():
        back = await player.play("restore", {"backup": 1, "fleetdesk_configuration": text}, on=name)
        assert (back.status, back.changed) == (0, 1), back.out

    for name, switch in switches(player).items():
        assert switch.running_config == before[name], name
        assert not switch.unsaved, name


async def texts(player: Player, on: str) -> dict[str, str]:
    """{host: its configuration as it is kept}"""
    kept = await player.play("backup", None, "-v", on=on)
    return {host: json.loads(f'"{text}"') for host, text in FETCHED.findall(kept.out)}


async def test_zones_are_never_bridged(player: Player) -> None:
    before = {name: deepcopy(switch.running_config) for name, switch in switches(player).items()}

    for given in ({"port": 25, "vlan": 20}, {"port": 10, "vlan": 77}):
        played = await player.play("port-vlan", given | {"zone": "x"}, on=EVERYWHERE)
        assert played.status != 0
        assert played.tasks() == {name: ["fatal"] for name in NAMES}, played.out

    assert before == {name: switch.running_config for name, switch in switches(player).items()}


async def test_power_is_cycled_in_two_steps_where_the_switch_has_no_command(player: Player) -> None:
    ap = next(machine for machine in player.lab.world.machines if machine.key == "lindenhain-ap-201")
    booted_at = ap.booted_at

    checked = await player.play("poe-cycle", {"port": 1, "power_off_s": 0}, "--check", on=EVERYWHERE)
    assert (checked.status, checked.changed, ap.booted_at) == (0, 4, booted_at), checked.out
    done = await player.play("poe-cycle", {"port": 1, "power_off_s": 0}, on=EVERYWHERE)

    assert (done.status, done.changed) == (0, 4), done.out
    assert ap.booted_at > booted_at
    assert all(switch.running_config.ports[1].poe for switch in switches(player).values())


async def test_power_comes_back_on_a_port_that_was_left_dark_and_only_once(player: Player) -> None:
    for switch in switches(player).values():
        switch.set_poe(1, enabled=False)

    checked = await player.play("poe-on", {"port": 1}, "--check", on=EVERYWHERE)
    dark = [switch.running_config.ports[1].poe for switch in switches(player).values()]
    done = await player.play("poe-on", {"port": 1}, on=EVERYWHERE)
    again = await player.play("poe-on", {"port": 1}, on=EVERYWHERE)

    assert (checked.changed, done.changed, again.changed) == (4, 4, 0), checked.out + done.out + again.out
    assert dark == [False] * 4
    assert all(switch.running_config.ports[1].poe and not switch.unsaved for switch in switches(player).values())


async def test_the_enable_secret_is_typed_only_where_it_is_asked_for(player: Player) -> None:
    switches(player)["ios"].running_config.enable_secret = "pl4nted-enable"

    without = await player.play("lldp-enable", None, on="ios")
    given = await player.play("lldp-enable", {"enable_secret": "pl4nted-enable"}, "-vvvv", on="ios")

    assert without.status != 0
    assert "did not show its running configuration" in without.out
    assert (given.status, given.changed) == (0, 0), given.out
    assert "pl4nted" not in given.out
