"""The playbooks as a person would start them: ansible-playbook, OpenSSH, and the lab's devices on loopback."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleet.automation.execution.private import to_yaml, unsafe
from fleet.lab.city import demo_city
from fleet.lab.ssh import keys
from fleet.lab.ssh.server import serve
from fleet.lab.ssh.vendors import VENDORS
from fleet.lab.world import AccessPoint, World
from tests.integration.lab_ssh.conftest import Answer, Lab, free_port, run

ROOT = Path(__file__).resolve().parents[3]
RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")

RESULT = re.compile(r"^(ok|changed|fatal|skipping): \[([\w-]+)\]", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    status: int
    out: str

    @property
    def changed(self) -> int:
        return sum(int(found[1]) for found in RECAP.findall(self.out))

    def tasks(self) -> dict[str, list[str]]:
        """Host → its results in order: changed, ok, fatal …; of the tasks that bring something about."""
        found: dict[str, list[str]] = {}
        for part in self.out.split("\nTASK [")[1:]:
            if not part.startswith("Check "):
                for state, host in RESULT.findall(part):
                    found.setdefault(host, []).append(state)
        return found

    @property
    def unreachable(self) -> int:
        return sum(int(found[2]) for found in RECAP.findall(self.out))

    @property
    def commands(self) -> int:
        """How many commands went over SSH; only with verbosity 3."""
        return self.out.count("SSH: EXEC")


@dataclass
class Player:
    lab: Lab
    control: Path
    """Short: a socket's path has room for about a hundred bytes."""

    async def play(
        self,
        playbook: str | Path,
        arguments: dict[str, Any] | None = None,
        *options: str,
        on: str = "ap",
        timeout_s: int = 90,
    ) -> Played:
        """Run a playbook of ours by its slug, or another one by its path."""
        return await self.all_of([playbook], arguments, *options, on=on, timeout_s=timeout_s)

    async def all_of(
        self,
        playbooks: Sequence[str | Path],
        arguments: dict[str, Any] | None = None,
        *options: str,
        on: str = "ap",
        timeout_s: int = 90,
    ) -> Played:
        """Several, one after the other, in one process."""
        argv, environment = self.command(playbooks[0], arguments, *options, on=on)
        argv += [str(ROOT / "playbooks" / playbook / "playbook.yml") for playbook in playbooks[1:]]
        answer: Answer = await run(["timeout", str(timeout_s), *argv], env=environment)
        return Played(answer.status, answer.out + answer.err)

    def command(
        self, playbook: str | Path, arguments: dict[str, Any] | None = None, *options: str, on: str = "ap"
    ) -> tuple[list[str], dict[str, str]]:
        """What to start, and its environment. Arguments go in as a worker hands them in: from a file, marked as text."""
        self._inventory()
        given = self.lab.home / "arguments.yml"
        given.write_text(to_yaml(unsafe(arguments or {})))
        path = ROOT / "playbooks" / playbook / "playbook.yml" if isinstance(playbook, str) else playbook
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "--diff", "-i", str(self.lab.home / "inventory")]
        return [*argv, "--limit", on, "-e", f"@{given}", *options, str(path)], self._environment()

    def _inventory(self) -> None:
        home = self.lab.home / "inventory"
        home.mkdir(exist_ok=True)
        shutil.copytree(ROOT / "inventory" / "group_vars", home / "group_vars", dirs_exist_ok=True)
        machines: dict[str, dict[str, Any]] = {"openwrt": {"ap": self.lab.ap}, "labswitch": {"switch": self.lab.switch}}
        for machine in self.lab.world.machines:
            if machine.device.platform in VENDORS:
                machines[machine.device.platform.replace("-", "_")] = {machine.device.platform: machine}
        groups = {
            group: {"hosts": {name: self._variables(machine.device) for name, machine in hosts.items()}}
            for group, hosts in machines.items()
        }
        (home / "hosts.yml").write_text(to_yaml({"all": {"children": groups}}))

    def _variables(self, device: Any) -> dict[str, Any]:
        return {"ansible_host": device.address, "ansible_port": self.lab.port, "ansible_user": device.ssh_user}

    def _environment(self) -> dict[str, str]:
        return command_environment(self.lab.home, self.lab.known_hosts, self.lab.client_key, str(self.control))


def command_environment(home: Path, known_hosts: Path, key: Path, control: str) -> dict[str, str]:
    """What ansible-playbook gets: nothing of ours but the way in."""
    ssh = f"-F none -o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes -i {key}"
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_SSH_COMMON_ARGS": ssh,
        "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
    }


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
def player(lab: Lab) -> Iterator[Player]:
    with tempfile.TemporaryDirectory(prefix="cp") as control:
        yield Player(lab, Path(control))
