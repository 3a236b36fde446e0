"""Traps of ansible-core that docs/ansible-pitfalls.md names: what happens without our measure, and that ours closes it."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from inventory.fleetdesk import guarded
from tests.integration.lab_ssh.conftest import Answer, run, until
from tests.integration.playbooks.conftest import Player

TRAP = "{{ lookup('pipe', 'touch %s') }}"


async def play(player: Player, given: Path, *options: str) -> Answer:
    """The playbook `ssid` with arguments exactly as they stand in a file."""
    argv, environment = player.command("ssid", {"psk": "long enough"})
    return await run([*argv, "-e", f"@{given}", *options], env=environment)


@pytest.mark.parametrize("marked", [False, True])
async def test_a_lookup_in_an_argument_runs_unless_marked_unsafe(player: Player, tmp_path: Path, marked: bool) -> None:
    trace, given = tmp_path / "trace", tmp_path / "given.yml"
    text = json.dumps(f"{TRAP % trace}x")
    given.write_text(f"ssid: {'!unsafe ' if marked else ''}{text}\n")

    await play(player, given, "--check")

    assert trace.exists() is not marked


@pytest.mark.parametrize("marked", [False, True])
async def test_a_lookup_in_an_inventory_runs_unless_marked_unsafe(player: Player, tmp_path: Path, marked: bool) -> None:
    trace, given = tmp_path / "trace", tmp_path / "given.yml"
    given.write_text("ssid: Exam\n")
    name = f"{TRAP % trace}x"
    script = tmp_path / "inventory.sh"
    variables = {"ansible_connection": "local", "device_name": {"__ansible_unsafe": name} if marked else name}
    said = {"openwrt": {"hosts": ["ap"]}, "_meta": {"hostvars": {"ap": variables}}}
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(said)}\nEND\n")
    script.chmod(0o755)
    shows = tmp_path / "shows.yml"
    shows.write_text('[{"hosts": "all", "gather_facts": false, "tasks": [{"debug": {"msg": "{{ device_name }}"}}]}]')
    argv, environment = player.command(shows)

    await run([argv[0], "-i", str(script), str(shows)], env=environment)

    assert trace.exists() is not marked


def test_our_own_inventory_marks_every_text() -> None:
    said = {
        "openwrt": {"hosts": ["device-1"], "vars": {"note": "x"}},
        "_meta": {"hostvars": {"device-1": {"a": "x", "b": ["y"]}}},
    }

    found = guarded(said)

    assert found["_meta"]["hostvars"]["device-1"] == {"a": {"__ansible_unsafe": "x"}, "b": [{"__ansible_unsafe": "y"}]}
    assert found["openwrt"] == {"hosts": ["device-1"], "vars": {"note": {"__ansible_unsafe": "x"}}}


async def test_an_extra_variable_of_ansible_itself_runs_a_command_of_ours(player: Player, tmp_path: Path) -> None:
    """Nothing in Ansible stops it, not even the mark: only refusing every undeclared argument does (fleet.automation)."""
    trace, given = tmp_path / "trace", tmp_path / "given.yml"
    given.write_text(f"ssid: Exam\nansible_ssh_common_args: !unsafe '-o ProxyCommand=\"touch {trace}\"'\n")

    await play(player, given, "--check")

    assert trace.exists()


async def test_a_limit_from_a_file_shows_the_file(player: Player, tmp_path: Path) -> None:
    """So a limit is never made from what somebody typed: hosts are called `device-<number>` and listed in the inventory."""
    secret = tmp_path / "secret"
    secret.write_text("pl4nted-line\n")
    argv, environment = player.command("ap-restart", None, "--check", on=f"@{secret}")

    trap = await run(argv, env=environment | {"ANSIBLE_HOST_PATTERN_MISMATCH": "warning"})
    ours = await run(argv, env=environment)

    assert "pl4nted-line" in trap.out + trap.err
    assert "pl4nted-line" not in ours.out + ours.err


async def test_a_path_that_swallows_everything_ends_in_seconds(player: Player) -> None:
    """Something accepts the connection and never says a word: ssh's own patience would last for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        player.lab.port = silent.getsockname()[1]
        began = time.monotonic()

        played = await player.play("ap-restart")

    assert played.unreachable == 1, played.out
    assert time.monotonic() - began < 20


async def test_a_path_that_dies_in_the_middle_ends_in_seconds(player: Player, tmp_path: Path) -> None:
    """ServerAliveInterval 5, ServerAliveCountMax 2: a command on a device that has fallen silent ends after 10 to 15 s."""
    waits = tmp_path / "waits.yml"
    waits.write_text('[{"hosts": "all", "gather_facts": false, "tasks": [{"raw": "touch /tmp/here; sleep 300"}]}]')
    async with relay(player.lab.ap.device.address, player.lab.port) as (port, silence):
        player.lab.port = port
        playing = asyncio.create_task(player.play(waits))
        await until(lambda: "/tmp/here" in player.lab.ap.files)  # noqa: S108 - a path on the device
        silence.set()
        began = time.monotonic()

        played = await playing

    assert played.unreachable == 1, played.out
    assert time.monotonic() - began < 20


@asynccontextmanager
async def relay(address: str, port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A way to the device on a port of its own, which swallows everything once the event is set."""
    silence, carrying = asyncio.Event(), set[asyncio.Task[None]]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if silence.is_set():
                await asyncio.Event().wait()
            writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader_there, writer_there = await asyncio.open_connection(address, port)
        carrying.update(asyncio.create_task(carry(*pair)) for pair in ((reader, writer_there), (reader_there, writer)))
        writers.extend((writer, writer_there))

    writers: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(accept, address, 0) as server:
        yield server.sockets[0].getsockname()[1], silence
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
