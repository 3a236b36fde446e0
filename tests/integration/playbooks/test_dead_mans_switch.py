"""A device that its new configuration cuts off puts the old one back, without anybody reaching it."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from fleet.lab.faults import HEALTHY, DeviceFaults
from tests.integration.lab_ssh.conftest import until
from tests.integration.playbooks.conftest import Player

WIRELESS = "/etc/config/wireless"
PLAYBOOK = """---
- name: Change something with little patience
  hosts: all
  gather_facts: false
  tasks:
    - name: A network
      fleetdesk.network.uci_config:
        packages: "{{ {'wireless': {section | default('cut'): wifi}} }}"
        reload: "{{ reload | default(['wifi']) }}"
        confirm_timeout_s: 3
      vars:
        wifi: {type: "{{ type | default('wifi-iface') }}", options: "{{ options }}"}
"""
CUT = {"options": {"device": "radio0", "mode": "ap", "ssid": "this cuts it off"}}
HARMLESS = {"options": {"device": "radio0", "mode": "ap", "ssid": "harmless"}}


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "playbook.yml"
    path.write_text(PLAYBOOK)
    return path


@pytest.fixture
async def cutting(player: Player) -> AsyncIterator[None]:
    """While the network `this cuts it off` is configured, nobody reaches the access point; it runs on."""
    ap = player.lab.ap

    async def follow() -> None:
        while True:
            ap.faults = DeviceFaults(dead=True) if "this cuts it off" in ap.files[WIRELESS] else HEALTHY
            await asyncio.sleep(0.01)

    following = asyncio.create_task(follow())
    yield
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


@pytest.mark.usefixtures("cutting")
async def test_a_device_cut_off_restores_itself(player: Player, playbook: Path) -> None:
    before, on_air = player.lab.ap.files[WIRELESS], player.lab.ap.on_air

    played = await player.play(playbook, CUT)

    assert played.status != 0
    assert "rolled back: the device has its old configuration again" in played.out
    assert played.unreachable == 0
    assert player.lab.ap.files[WIRELESS] == before
    assert player.lab.ap.on_air == on_air


@pytest.mark.usefixtures("cutting")
async def test_a_device_restores_itself_when_the_controller_dies(player: Player, playbook: Path) -> None:
    before, on_air = player.lab.ap.files[WIRELESS], player.lab.ap.on_air

    argv, environment = player.command(playbook, CUT)
    controller = await asyncio.create_subprocess_exec(*argv, env=environment, stdout=asyncio.subprocess.DEVNULL)
    await until(lambda: "this cuts it off" in player.lab.ap.files[WIRELESS])
    # Its workers are in sessions of their own and would go on.
    workers = psutil.Process(controller.pid).children(recursive=True)
    for process in workers:
        process.kill()
    controller.kill()
    ended = await controller.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)

    assert (ended, alive) == (-signal.SIGKILL, []), "nobody is left who could put anything back"
    assert "this cuts it off" in player.lab.ap.files[WIRELESS], "nobody has put anything back yet"
    await until(lambda: player.lab.ap.files[WIRELESS] == before)
    assert player.lab.ap.on_air == on_air, "and its radios follow"


async def test_a_confirmed_change_outlasts_the_switch(player: Player, playbook: Path) -> None:
    began = time.monotonic()
    played = await player.play(playbook, HARMLESS)
    files = player.lab.ap.files

    assert (played.status, played.changed) == (0, 1), played.out
    assert not [path for path in files if "fleetdesk" in path]
    await until(lambda: time.monotonic() > began + 5)  # the switch, had it not been told, would have acted by now
    assert "harmless" in files[WIRELESS]


async def test_a_second_change_waits_for_the_first_ones_confirmation(player: Player, playbook: Path) -> None:
    await player.lab.ssh(player.lab.ap, "mkdir /tmp/fleetdesk")
    before = player.lab.ap.files[WIRELESS]

    played = await player.play(playbook, HARMLESS)

    assert "another change on this device waits for its confirmation" in played.out
    assert player.lab.ap.files[WIRELESS] == before


async def test_what_somebody_else_staged_is_neither_committed_nor_lost(player: Player, playbook: Path) -> None:
    before = player.lab.ap.files[WIRELESS]
    await player.lab.ssh(player.lab.ap, "uci set wireless.radio0.channel=13")

    played = await player.play(playbook, HARMLESS)

    assert "somebody has staged changes" in played.out
    assert player.lab.ap.files[WIRELESS] == before
    assert "channel='13'" in (await player.lab.ssh(player.lab.ap, "uci changes")).out


async def test_a_service_that_does_not_reload_brings_the_old_configuration_back(player: Player, playbook: Path) -> None:
    before = player.lab.ap.files[WIRELESS]

    played = await player.play(playbook, HARMLESS | {"reload": ["nosuchservice"]})

    assert "the reload failed" in played.out
    assert player.lab.ap.files[WIRELESS] == before


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"options": {"ssid": "two\nlines"}}, "control character"),
        ({"options": {"a b": "x"}}, "is not a name of a UCI option"),
        ({"options": {"x=1\nset": "x"}}, "is not a name of a UCI option"),
        ({"options": {"x": {"y": 1}}}, "a value must be text, a number"),
        ({"options": {}, "section": "a.b"}, "not a name of a UCI section"),
        ({"options": {}, "section": "@wifi-iface[99]"}, "is not there"),
        ({"options": {}, "type": "x\nset y"}, "not a name of a UCI type"),
        ({"options": {}, "reload": ["x; reboot"]}, "is not the name of a service"),
    ],
)
async def test_what_uci_cannot_carry_is_refused(
    player: Player, playbook: Path, arguments: dict[str, object], why: str
) -> None:
    before = dict(player.lab.ap.files)

    played = await player.play(playbook, arguments, "--check")

    assert played.status != 0
    assert why in played.out
    assert player.lab.ap.files == before
