"""A device that the tests run playbooks against, and how a playbook is run."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
PATIENCE_S = 120

SSH_WRAPPER = """#!/bin/sh
case " $* " in
*" -O "*) ;;
*) echo round-trip >>'{log}' ;;
esac
exec ssh "$@"
"""


@dataclass(frozen=True)
class Target:
    platform: str
    address: str
    port: int
    user: str
    key: Path
    known_hosts: Path
    inside: tuple[str, ...] = ()
    """What stands before a command that is to reach this target (its network namespace)."""

    def options(self) -> list[str]:
        pinned = ["-F", "none", "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=yes"]
        return [*pinned, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=3"]

    def ssh(self, command: str) -> "subprocess.CompletedProcess[str]":
        there = ["-i", str(self.key), "-p", str(self.port), f"{self.user}@{self.address}", command]
        argv = [*self.inside, "ssh", *self.options(), *there]
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL
        )

    def said(self, command: str) -> str:
        """What a command prints; it must succeed."""
        done = self.ssh(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configuration(self) -> str:
        """All that a playbook of ours could change, as the device has it."""
        return self.said("uci export; cat /etc/banner; uci changes")


@dataclass(frozen=True)
class Played:
    status: int
    out: str
    round_trips: int

    @property
    def changed(self) -> int:
        """The number of changed tasks on the one host, as the recap says."""
        return int(self._recap("changed"))

    @property
    def failed(self) -> bool:
        return int(self._recap("failed")) + int(self._recap("unreachable")) > 0

    @property
    def diff(self) -> str:
        """The lines of all diffs."""
        found = re.search(r"^--- before.*?(?=^(?:changed|ok|fatal|\[|PLAY))", self.out, re.DOTALL | re.MULTILINE)
        return found[0] if found else ""

    def _recap(self, word: str) -> str:
        found = re.search(rf"^device .*\b{word}=(\d+)", self.out, re.MULTILINE)
        assert found, self.out
        return found[1]


def unsafe(value: Any) -> Any:
    """As the product hands over what people typed: never to be templated."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, list):
        return [unsafe(item) for item in value]
    return {key: unsafe(item) for key, item in value.items()} if isinstance(value, dict) else value


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


@dataclass
class Player:
    """Runs playbooks on a target as an administrator would by hand, in a clean environment."""

    target: Target
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def playbook(self, slug: str, arguments: dict[str, Any] | None = None, *flags: str, mark: bool = True) -> Played:
        return self.run(TOP / "playbooks" / slug / "playbook.yml", arguments, *flags, mark=mark)

    def task(self, action: str, arguments: dict[str, Any], *flags: str, variables: dict[str, Any] | None = None) -> Played:
        """One task of one action; the arguments may speak of `variables`."""
        path = self.home / "task.yml"
        task = {"name": "Task", f"fleetdesk.network.{action}": arguments}
        path.write_text(json.dumps([{"name": "Play", "hosts": "all", "gather_facts": False, "tasks": [task]}]))
        return self.run(path, variables, *flags)

    def run(self, path: Path, arguments: dict[str, Any] | None = None, *flags: str, mark: bool = True) -> Played:
        variables, log, wrapper = (self.home / name for name in ("variables.json", "round-trips", "ssh"))
        variables.write_text(json.dumps(unsafe(arguments or {}) if mark else arguments or {}))
        log.write_text("")
        wrapper.write_text(SSH_WRAPPER.format(log=log))
        wrapper.chmod(0o755)
        argv = [*self.target.inside, str(BIN / "ansible-playbook"), "-i", str(self._inventory()), str(path)]
        done = subprocess.run(
            [*argv, "-e", f"@{variables}", "--diff", *flags],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            cwd=TOP,
            stdin=subprocess.DEVNULL,
            env=self._environment(wrapper),
        )
        return Played(done.returncode, done.stdout + done.stderr, len(log.read_text().splitlines()))

    def _inventory(self) -> Path:
        folder = self.home / "inventory"
        folder.mkdir(exist_ok=True)
        if not (folder / "group_vars").exists():
            (folder / "group_vars").symlink_to(TOP / "inventory" / "group_vars")
        variables = {
            "ansible_host": self.target.address,
            "ansible_port": self.target.port,
            "ansible_user": self.target.user,
            "ansible_ssh_private_key_file": str(self.target.key),
        }
        hosts = {"all": {"children": {self.target.platform: {"hosts": {"device": variables}}}}}
        (folder / "hosts.yml").write_text(json.dumps(hosts))
        return folder

    def _environment(self, wrapper: Path) -> dict[str, str]:
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_SSH_EXECUTABLE": str(wrapper),
            "ANSIBLE_SSH_COMMON_ARGS": " ".join(self.target.options()),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "300",
            **self.environment,
        }
