"""The demo city behind real SSH: OpenSSH's own client talks to the lab's server over loopback."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleet.lab.city import demo_city
from fleet.lab.ssh import keys
from fleet.lab.ssh.server import Host, serve
from fleet.lab.world import AccessPoint, Switch, World

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


@dataclass
class Lab:
    world: World
    hosts: list[Host]
    keys: keys.Keys
    port: int
    home: Path
    ap: AccessPoint
    switch: Switch

    @property
    def known_hosts(self) -> Path:
        path = self.home / "known_hosts"
        lines = [
            f"[{host.device.device.address}]:{self.port} {self.keys.host_public_key(host.device.device.key)}"
            for host in self.hosts
        ]
        path.write_text("\n".join(lines) + "\n")
        return path

    @property
    def client_key(self) -> Path:
        return self.keys.directory / "client_ed25519"

    def ssh_args(self, *options: str) -> list[str]:
        fixed = ["-F", "none", "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes"]
        return [*fixed, "-o", "BatchMode=yes", "-i", str(self.client_key), "-p", str(self.port), *options]

    async def ssh(
        self, machine: AccessPoint | Switch, *command: str, options: tuple[str, ...] = (), stdin: str = ""
    ) -> Answer:
        target = f"{machine.device.ssh_user}@{machine.device.address}"
        return await run(["ssh", *self.ssh_args(*options), target, *command], stdin=stdin)


async def run(argv: list[str], *, stdin: str = "", env: dict[str, str] | None = None) -> Answer:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), DEADLINE_S * 2)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Answer(process.returncode or 0, out.decode(), err.decode())


async def until(holds: Callable[[], object]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110 - the world has no event to wait for
            await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    world = World(demo_city())
    made = keys.ensure(tmp_path / "keys", [machine.device.key for machine in world.machines])
    port = free_port()
    async with serve(world, port, made) as hosts:
        ap = next(machine for machine in world.machines if isinstance(machine, AccessPoint))
        assert ap.device.uplink is not None
        yield Lab(world, hosts, made, port, tmp_path, ap, world.switch(ap.device.uplink.device))


@pytest.fixture
def ansible_bin() -> Path:
    return Path(sys.executable).parent
