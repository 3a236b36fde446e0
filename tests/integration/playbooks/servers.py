"""A server to try playbooks on: OpenSSH's own sshd on loopback, with the system's Python."""

import asyncio
import contextlib
import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet.automation.execution.private import to_yaml, unsafe
from tests.integration.lab_ssh.conftest import free_port, run
from tests.integration.playbooks.conftest import ROOT, Played, command_environment

PATHS = f"{os.environ['PATH']}:/usr/sbin:/sbin"
SSHD, PYTHON = shutil.which("sshd", path=PATHS), Path("/usr/bin/python3")
needs_sshd = pytest.mark.skipif(not SSHD or not PYTHON.exists(), reason="needs openssh-server and the system's Python")
PATIENCE_S = 150


def lacking(*programs: str) -> list[str]:
    return [program for program in programs if not shutil.which(program, path=PATHS)]


@dataclass(frozen=True)
class Server:
    home: Path
    port: int
    control: str

    @property
    def root(self) -> Path:
        return self.home / "root"

    async def play(self, books: list[str], arguments: dict[str, Any], *options: str, **more: Any) -> Played:
        """`more`: variables of the server."""
        argv, environment = self.command(books, arguments, *options, **more)
        done = await asyncio.to_thread(
            subprocess.run, argv, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        return Played(done.returncode, done.stdout + done.stderr)

    async def begin(self, books: list[str], arguments: dict[str, Any]) -> asyncio.subprocess.Process:
        argv, environment = self.command(books, arguments)
        return await asyncio.create_subprocess_exec(*argv, env=environment, stdout=asyncio.subprocess.DEVNULL)

    async def cut_off(self, playing: asyncio.subprocess.Process) -> None:
        """Our end is killed as a cancelled run's is; nobody is there who could tell the server to stop."""
        for process in [*psutil.Process(playing.pid).children(recursive=True), *at_work(self.control)]:
            with contextlib.suppress(psutil.NoSuchProcess):  # it has ended with the one before
                process.kill()
        await playing.wait()

    def command(
        self, books: list[str], arguments: dict[str, Any], *options: str, **more: Any
    ) -> tuple[list[str], dict[str, str]]:
        """ansible-playbook and its environment."""
        variables = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "server_become": False,
            "server_services": False,
            "server_root": str(self.root),
            "authorized_keys_path": str(self.root / "authorized_keys"),
            **more,
        }
        home = self.home / "inventory"
        shutil.copytree(ROOT / "inventory" / "group_vars", home / "group_vars", dirs_exist_ok=True)
        (home / "hosts.yml").write_text(to_yaml({"all": {"children": {"linux": {"hosts": {"server": variables}}}}}))
        given = self.home / "arguments.yml"
        given.write_text(to_yaml(unsafe(arguments)))
        paths = [str(ROOT / "playbooks" / book / "playbook.yml") for book in books]
        argv = ["ansible-playbook", "--diff", "-i", str(home), "-e", f"@{given}", *options, *paths]
        return argv, command_environment(self.home, self.home / "known_hosts", self.home / "client", self.control)


def at_work(words: str) -> list[psutil.Process]:
    """Processes with these words in what they were started with, or in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if words in " ".join([*process.cmdline(), *process.environ().values()]) and process.pid != os.getpid():
                found.append(process)
    return found


@asynccontextmanager
async def serving(tmp_path: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Server]:
    """sshd for who runs the tests; `environment`: variables of its sessions."""
    port = free_port()
    for name in ("host", "client"):
        await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)])
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
    for folder in ("etc/systemd", "etc/rsyslog.d", "etc/snmp/snmpd.conf.d"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    options = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "client.pub",
        "StrictModes": "no",
        "UsePAM": "no",
        "PidFile": "none",
    }
    if environment:
        options["SetEnv"] = " ".join(f'"{name}={value}"' for name, value in environment.items())
    config = tmp_path / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    _privilege_separation()
    process = await asyncio.create_subprocess_exec(str(SSHD), "-D", "-E", str(tmp_path / "log"), "-f", str(config))
    with tempfile.TemporaryDirectory(prefix="cp") as control:
        yield Server(tmp_path, port, control)
    for one in (*psutil.Process(process.pid).children(recursive=True), process):  # kept connections would outlive it
        one.kill()
    await process.wait()


def _privilege_separation() -> None:
    """Debian's service makes this directory; a server started by hand as root needs it too."""
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
