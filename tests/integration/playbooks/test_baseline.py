"""The baseline on both platforms."""

import pytest

from fleet.lab.ssh import uci
from tests.integration.playbooks.conftest import Player

HOSTILE = "{{ lookup('pipe', 'id') }} '; reboot; \" $(reboot) `reboot` ../../etc/passwd ü"
COMMUNITY = "pl4nted-{{x}}'\";$(id)"
BASELINE = {
    "ntp_servers": ["ntp1.musterstadt.example", "127.0.0.9"],
    "syslog_host": "log.musterstadt.example",
    "snmp_contact": f"IT {HOSTILE}",
    "banner": f"Nur für Befugte {HOSTILE}",
}


def option(player: Player, package: str, section: str, name: str) -> object:
    sections = uci.parse(player.lab.ap.files[f"/etc/config/{package}"])
    return next(one for one in sections if one.name == section).options.get(name)


async def test_an_access_point_gets_all_of_it_as_text_and_once(player: Player) -> None:
    booted_at = player.lab.ap.booted_at
    checked = await player.play("baseline", BASELINE | {"snmp_community": COMMUNITY}, "--check")
    assert option(player, "system", "system", "log_ip") is None

    first = await player.play("baseline", BASELINE | {"snmp_community": COMMUNITY})
    second = await player.play("baseline", BASELINE | {"snmp_community": COMMUNITY})

    assert (first.status, first.changed, second.status, second.changed) == (0, 1, 0, 0), first.out + second.out
    assert checked.out == first.out
    assert option(player, "system", "ntp", "server") == BASELINE["ntp_servers"]
    assert option(player, "system", "system", "log_ip") == BASELINE["syslog_host"]
    assert player.lab.ap.contact == BASELINE["snmp_contact"]
    assert player.lab.ap.communities == {COMMUNITY}
    assert player.lab.ap.files["/etc/banner"] == f"{BASELINE['banner']}\n"
    assert player.lab.ap.booted_at == booted_at


async def test_a_switch_gets_all_of_it_as_text_and_once_and_saves_it(player: Player) -> None:
    config = player.lab.switch.running_config
    config.ntp, config.banner, config.snmp_contact = ["old.musterstadt.example"], "old banner", "old contact"
    given = BASELINE | {"snmp_community": COMMUNITY}

    checked = await player.play("baseline", given, "--check", on="switch")
    assert config.banner == "old banner"
    first, second = await player.play("baseline", given, on="switch"), await player.play("baseline", given, on="switch")

    assert (first.status, first.changed, second.status, second.changed) == (0, 1, 0, 0), first.out + second.out
    assert checked.out == first.out
    assert "-ntp server='old.musterstadt.example'\n" in first.out
    assert config.ntp == BASELINE["ntp_servers"]
    assert config.logging == [BASELINE["syslog_host"]]
    assert (config.snmp_contact, config.banner) == (BASELINE["snmp_contact"], BASELINE["banner"])
    assert config.communities == [COMMUNITY]
    assert not player.lab.switch.unsaved


@pytest.mark.parametrize("on", ["ap", "switch"])
async def test_the_community_is_in_no_output(player: Player, on: str) -> None:
    given = BASELINE | {"snmp_community": COMMUNITY}

    first = await player.play("baseline", given, "-vvvv", on=on)
    second = await player.play("baseline", given | {"snmp_community": f"{COMMUNITY}-2"}, "-vvvv", on=on)

    assert first.changed >= 1, first.out
    assert second.changed == 1, second.out
    assert "pl4nted" not in first.out + second.out
    assert "=*** (changed)" in second.out


@pytest.mark.parametrize("on", ["ap", "switch"])
async def test_without_a_community_the_present_one_stays(player: Player, on: str) -> None:
    machine = player.lab.ap if on == "ap" else player.lab.switch
    before = machine.communities

    assert (await player.play("baseline", BASELINE, on=on)).status == 0
    assert machine.communities == before


@pytest.mark.parametrize("on", ["ap", "switch"])
async def test_what_is_not_given_stays_as_it_is(player: Player, on: str) -> None:
    assert (await player.play("baseline", BASELINE, on=on)).status == 0
    machine = player.lab.ap if on == "ap" else player.lab.switch
    contact = machine.contact

    some = await player.play("baseline", {"ntp_servers": ["192.0.2.7"]}, "--check", on=on)
    none = await player.play("baseline", {}, on=on)

    assert (some.status, some.changed) == (0, 1), some.out
    assert "192.0.2.7" in some.out
    assert "log.musterstadt.example" not in some.out
    assert (none.status != 0, machine.contact) == (True, contact), none.out


async def test_what_a_switch_refuses_is_not_saved(player: Player) -> None:
    servers = [f"ntp{number}.musterstadt.example" for number in range(9)]  # it takes eight

    played = await player.play("baseline", BASELINE | {"ntp_servers": servers}, on="switch")

    assert played.status != 0
    assert "did not take the configuration, rolled back" in played.out
    assert player.lab.switch.startup_config.ntp == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ntp_servers": ["a b"]},
        {"ntp_servers": []},
        {"ntp_servers": [HOSTILE]},
        {"syslog_host": "x; reboot"},
        {"banner": "two\nlines"},
        {"snmp_contact": "x\nend\nreload"},
        {"snmp_community": "x ro\nreload"},
    ],
)
async def test_what_could_be_more_than_one_line_is_refused(player: Player, wrong: dict[str, object]) -> None:
    for on in ("ap", "switch"):
        played = await player.play("baseline", BASELINE | wrong, on=on)
        assert (played.status != 0, played.changed) == (True, 0), played.out
