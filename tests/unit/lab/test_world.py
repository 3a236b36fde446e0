"""Power, cables, reboots, people and what survives."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.lab.city import demo_city
from fleet.lab.faults import Fault
from fleet.lab.world import AccessPoint, Announcement, Machine, Printer, Switch, Ups, World
from fleet.lab.world.switch import CYCLE_OFF_S

ROOM_204_PORT = 4


@pytest.fixture
def ap(world: World) -> AccessPoint:
    machine = world.by_key("lindenhain-ap-204")
    assert isinstance(machine, AccessPoint)
    return machine


@pytest.fixture
def switch(world: World) -> Switch:
    return world.switch("lindenhain-sw-2")


def said(announcements: list[Announcement]) -> set[tuple[str, str, int | None]]:
    return {(one.machine.key, one.kind, one.ifIndex) for one in announcements}


# --- reachable or not -------------------------------------------------------------------------------------------------


def test_everything_is_reachable_at_first(world: World) -> None:
    assert [machine.key for machine in world.machines if not machine.reachable] == []


def test_without_power_on_its_port_an_access_point_is_dark_and_boots_when_it_returns(
    ap: AccessPoint, switch: Switch, clock: Any
) -> None:
    switch.set_poe(ROOM_204_PORT, enabled=False)
    assert not ap.reachable
    assert switch.port(ROOM_204_PORT).delivering is False
    assert switch.port(ROOM_204_PORT).neighbour is None

    switch.set_poe(ROOM_204_PORT, enabled=True)
    assert not ap.reachable
    clock.advance(10)
    assert ap.reachable
    assert ap.uptime_s < 10


def test_cycling_poe_takes_power_for_a_moment(ap: AccessPoint, switch: Switch, clock: Any) -> None:
    switch.cycle_poe(ROOM_204_PORT)
    assert not switch.port(ROOM_204_PORT).delivering
    clock.advance(CYCLE_OFF_S + 0.1)
    assert switch.port(ROOM_204_PORT).delivering
    assert not ap.reachable
    clock.advance(10)
    assert ap.reachable
    assert ap.uptime_s < 10


def test_switching_poe_on_where_it_is_on_reboots_nothing(ap: AccessPoint, switch: Switch) -> None:
    before = ap.uptime_s
    switch.set_poe(ROOM_204_PORT, enabled=True)
    assert ap.uptime_s == before


def test_a_port_that_is_shut_cuts_off_what_hangs_behind_it(ap: AccessPoint, world: World) -> None:
    core = world.switch("lindenhain-sw-1")
    core.running_config.ports[26].shutdown = True
    assert not ap.reachable
    assert ap.up
    assert world.by_key("lindenhain-ap-101").reachable


def test_behind_a_dead_gateway_the_whole_site_is_silent_and_the_others_are_not(world: World) -> None:
    world.set_faults([Fault("dead", "lindenhain-gw")])
    assert {machine.device.site for machine in world.machines if not machine.reachable} == {"lindenhain"}
    assert not any(machine.reachable for machine in world.machines if machine.device.site == "lindenhain")
    world.set_faults([])
    assert all(machine.reachable for machine in world.machines)


def test_rebooting_a_switch_reboots_what_it_feeds_and_forgets_what_was_not_saved(
    ap: AccessPoint, switch: Switch, clock: Any
) -> None:
    switch.running_config.banner = "not saved"
    switch.reboot(3)
    assert not ap.reachable
    clock.advance(3.1)
    assert switch.reachable
    assert not ap.reachable
    clock.advance(10)
    assert ap.reachable
    assert ap.uptime_s < 14
    assert switch.running_config.banner == ""


def test_what_was_saved_survives_a_restart_of_the_switch(switch: Switch) -> None:
    switch.running_config.banner = "saved"
    assert switch.unsaved
    switch.save()
    switch.reboot()
    assert switch.running_config.banner == "saved"


# --- configuration of an access point -----------------------------------------------------------------------------------

EXAM = "\nconfig wifi-iface 'exam'\n\toption device 'radio1'\n\toption mode 'ap'\n\toption ssid 'Pruefung'\n"


def test_a_new_network_is_on_air_after_the_reload_and_not_before(ap: AccessPoint) -> None:
    ap.files["/etc/config/wireless"] += EXAM
    assert ap.active_ssids["radio1"] == ["Musterstadt-Schule"]
    ap.reload_wifi()
    assert ap.active_ssids == {"radio0": ["Musterstadt-Schule"], "radio1": ["Musterstadt-Schule", "Pruefung"]}
    assert [bss.ifname for bss in ap.on_air] == ["wlan0", "wlan1", "wlan1-1"]


@pytest.mark.parametrize(
    "edit",
    [
        ("option ssid 'Pruefung'", "option ssid 'Pruefung'\n\toption disabled '1'"),
        ("option ssid 'Pruefung'", "option ssid ''"),
        ("option mode 'ap'", "option mode 'sta'"),
        ("option device 'radio1'", "option device 'radio9'"),
    ],
)
def test_what_is_disabled_or_incomplete_is_not_on_air(ap: AccessPoint, edit: tuple[str, str]) -> None:
    ap.files["/etc/config/wireless"] += EXAM.replace(*edit)
    ap.reload_wifi()
    assert "Pruefung" not in str(ap.active_ssids)


def test_a_file_that_is_no_uci_puts_nothing_on_air(ap: AccessPoint) -> None:
    ap.files["/etc/config/wireless"] = "config wifi-iface 'half\n"
    ap.reload_wifi()
    assert ap.on_air == ()
    assert ap.clients() == {}


def test_a_config_that_does_not_take_leaves_the_air_as_it_was_even_over_a_reboot(world: World, ap: AccessPoint) -> None:
    world.set_faults([Fault("config-does-not-take", ap.key)])
    ap.files["/etc/config/wireless"] += EXAM
    ap.reload_wifi()
    ap.reboot()
    assert "Pruefung" not in str(ap.active_ssids)


def test_hostname_and_snmp_follow_their_files(ap: AccessPoint) -> None:
    ap.files["/etc/config/system"] = "config system 'system'\n\toption hostname 'new-name'\n"
    ap.files["/etc/config/snmpd"] = (
        "config system 'system'\n\toption sysLocation 'Keller'\n\toption sysContact 'it@school.example'\n"
        "config com2sec 'public'\n\toption community 'another'\n"
    )
    ap.reload("system")
    ap.reload("snmpd")
    assert (ap.hostname, ap.location, ap.contact) == ("new-name", "Keller", "it@school.example")
    assert ap.communities == {"another"}


# --- values that live ---------------------------------------------------------------------------------------------------


def clients_at(world: World, clock: Any, moment: str) -> int:
    clock.present = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return sum(sum(m.clients().values()) for m in world.machines if isinstance(m, AccessPoint))


def test_clients_follow_the_bell(world: World, clock: Any) -> None:
    lesson = clients_at(world, clock, "2026-11-23 09:10")
    pause = clients_at(world, clock, "2026-11-23 08:40")
    night = clients_at(world, clock, "2026-11-23 22:00")
    sunday = clients_at(world, clock, "2026-11-22 09:10")
    assert lesson > pause > night
    assert night == sunday == 0
    assert clients_at(world, clock, "2026-11-23 09:10") == lesson


def test_counters_only_grow_and_grow_slower_by_night(world: World, clock: Any) -> None:
    machine = world.by_key("lindenhain-gw")
    hourly = []
    for _ in range(24):
        before = machine.counted(1000, "lan1", "in")
        clock.advance(3600)
        hourly.append(machine.counted(1000, "lan1", "in") - before)
    assert min(hourly) > 0
    assert max(hourly) > 3 * min(hourly)


def test_a_reboot_starts_the_counters_anew(world: World, clock: Any) -> None:
    machine = world.by_key("lindenhain-gw")
    machine.reboot(5)
    clock.advance(15)
    assert 0 < machine.counted(1000, "lan1", "in") < 30_000
    assert machine.uptime_ticks == 1000


def test_a_ups_on_battery_runs_down_and_recovers(world: World, clock: Any) -> None:
    ups = world.by_key("lindenhain-ups")
    assert isinstance(ups, Ups)
    assert (ups.on_battery, ups.charge_percent) == (False, 100)
    world.set_faults([Fault("on-battery", ups.key)])
    clock.advance(600)
    assert ups.on_battery
    assert 60 <= ups.charge_percent <= 70
    assert ups.runtime_s < 1300
    world.set_faults([])
    clock.advance(7200)
    assert ups.charge_percent == 100


def test_toner_falls(world: World, clock: Any) -> None:
    printer = world.by_key("lindenhain-printer-1")
    assert isinstance(printer, Printer)
    before = printer.supplies()[0].level
    clock.advance(2 * 86_400)
    assert printer.supplies()[0].level < before


# --- what they say unasked ----------------------------------------------------------------------------------------------


def test_losing_power_is_said_by_the_switch_and_coming_back_by_both(world: World, switch: Switch, clock: Any) -> None:
    assert world.tick() == []
    switch.set_poe(ROOM_204_PORT, enabled=False)
    assert said(world.tick()) == {("lindenhain-sw-2", "linkDown", ROOM_204_PORT)}
    switch.set_poe(ROOM_204_PORT, enabled=True)
    assert world.tick() == []
    clock.advance(10)
    assert said(world.tick()) == {
        ("lindenhain-sw-2", "linkUp", ROOM_204_PORT),
        ("lindenhain-ap-204", "coldStart", None),
    }


def test_who_is_cut_off_is_not_heard(world: World, switch: Switch) -> None:
    world.set_faults([Fault("dead", "lindenhain-gw")])
    world.tick()
    switch.set_poe(ROOM_204_PORT, enabled=False)
    assert world.tick() == []


# --- surviving a restart of the lab -------------------------------------------------------------------------------------


def test_state_survives(world: World, ap: AccessPoint, switch: Switch, clock: Any, tmp_path: Path) -> None:
    ap.files["/etc/config/wireless"] += EXAM
    ap.reload_wifi()
    ap.reboot(1)
    switch.set_poe(1, enabled=False)
    switch.running_config.ntp.append("127.0.0.1")
    switch.save()
    switch.running_config.banner = "running only"
    world.save(tmp_path / "state.json")

    clock.advance(60)
    again = World(demo_city(), clock)
    assert again.load(tmp_path / "state.json")

    other = again.by_key(ap.key)
    assert isinstance(other, AccessPoint)
    assert other.active_ssids == ap.active_ssids
    assert other.files == ap.files
    assert other.uptime_s == pytest.approx(59)
    assert not again.by_key("lindenhain-ap-201").reachable
    assert again.switch(switch.key).running_config == switch.running_config
    assert again.switch(switch.key).startup_config == switch.startup_config
    assert again.tick() == []


def test_the_kept_state_is_for_its_owner_only(world: World, tmp_path: Path) -> None:
    world.save(tmp_path / "state.json")
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_without_a_kept_state_the_world_starts_fresh(world: World, tmp_path: Path) -> None:
    assert not world.load(tmp_path / "nothing.json")
    assert all(machine.reachable for machine in world.machines)


def test_every_machine_knows_its_own_address(world: World) -> None:
    for machine in world.machines:
        found: Machine | None = world.device(machine.address)
        assert found is machine
    assert world.device("127.99.0.1") is None
