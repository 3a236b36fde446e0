"""Restarting and power-cycling: acts that happen every time, and never in check mode."""

import pytest

from tests.integration.lab_ssh.conftest import until
from tests.integration.playbooks.conftest import Player


async def test_an_access_point_restarts_and_the_play_waits_for_it(player: Player) -> None:
    booted_at = player.lab.ap.booted_at

    checked = await player.play("ap-restart", None, "--check")
    assert (checked.status, checked.changed) == (0, 1), checked.out
    assert "+restarted" in checked.out
    assert player.lab.ap.booted_at == booted_at

    played = await player.play("ap-restart")
    assert (played.status, played.changed) == (0, 1), played.out
    assert player.lab.ap.booted_at > booted_at
    assert player.lab.ap.reachable


async def test_a_restart_right_after_a_restart_is_seen_as_well(player: Player) -> None:
    await player.play("ap-restart")
    booted_at = player.lab.ap.booted_at

    played = await player.play("ap-restart")

    assert (played.status, played.changed) == (0, 1), played.out
    assert player.lab.ap.booted_at > booted_at


async def test_the_device_on_a_cycled_port_restarts(player: Player) -> None:
    ap, booted_at = player.lab.ap, player.lab.ap.booted_at
    assert ap.device.uplink is not None
    port = ap.device.uplink.port

    checked = await player.play("poe-cycle", {"port": port}, "--check", on="switch")
    assert (checked.status, checked.changed) == (0, 1), checked.out
    assert f"+port{port}: power off for a moment, then on" in checked.out
    assert ap.reachable
    assert ap.booted_at == booted_at

    played = await player.play("poe-cycle", {"port": port}, on="switch")
    assert (played.status, played.changed) == (0, 1), played.out
    await until(lambda: ap.booted_at > booted_at and ap.reachable)


@pytest.mark.parametrize("port", [0, 25, 99, "3; reload", "{{ lookup('pipe', 'id') }}", "1 enabled|.*"])
async def test_what_is_no_powered_port_is_refused_in_check_mode_too(player: Player, port: int | str) -> None:
    booted_at = player.lab.switch.booted_at

    for options in ([], ["--check"]):
        played = await player.play("poe-cycle", {"port": port}, *options, on="switch")
        assert played.status != 0
        assert played.changed == 0, played.out
        assert "uid=" not in played.out
    assert player.lab.switch.booted_at == booted_at


async def test_a_device_that_does_not_answer_is_unreachable_and_not_changed(player: Player) -> None:
    player.lab.ap.reboot(down_s=3600)

    for slug in ("ap-restart", "ssid"):
        played = await player.play(slug, {"ssid": "Exam", "psk": "long enough"} if slug == "ssid" else None)
        assert (played.unreachable, played.changed) == (1, 0), played.out
