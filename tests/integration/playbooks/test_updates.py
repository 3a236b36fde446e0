"""Updates on a real apt and dpkg: a system of one package in a directory, and a repository that has a newer one."""

import asyncio
import hashlib
import http.server
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_ssh.conftest import until
from tests.integration.playbooks.servers import PATHS, Server, at_work, lacking, needs_sshd, serving

MISSING = lacking("apt-get", "dpkg", "dpkg-deb")
HAS_APT = subprocess.run(["/usr/bin/python3", "-c", "import apt"], capture_output=True, check=False).returncode == 0
pytestmark = [
    needs_sshd,
    pytest.mark.skipif(bool(MISSING), reason=f"needs apt and dpkg: {', '.join(MISSING)}"),
    pytest.mark.skipif(not HAS_APT, reason="needs python3-apt for the system's Python, as on a server"),
    pytest.mark.skipif(os.geteuid() != 0, reason="dpkg wants to be root"),
]
APT = """Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Bin::methods "/usr/lib/apt/methods";
Dir::Bin::dpkg "/usr/bin/dpkg";
DPkg::Options {{ "--root={root}"; "--log={root}/dpkg.log"; "--force-script-chrootless"; }};
DPkg::Path "{path}";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
"""
CONTROL = "Package: trial\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@musterstadt.example>\nDescription: x\n"


def package(home: Path, version: str) -> Path:
    tree, made = home / f"trial-{version}", home / "repository" / f"trial_{version}_all.deb"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(CONTROL.format(version=version))
    (tree / "version").write_text(version)
    subprocess.run(["dpkg-deb", "--build", str(tree), str(made)], check=True, capture_output=True)
    return made


FOLDERS = (
    "var/lib/dpkg/info",
    "var/lib/dpkg/updates",
    "var/lib/apt/lists/partial",
    "var/cache/apt/archives/partial",
    "etc/apt/apt.conf.d",
    "etc/apt/preferences.d",
    "etc/apt/trusted.gpg.d",
    "var/log/apt",
    "run",
)


def system(home: Path) -> Path:
    """One package is installed, a repository has a newer one. What apt is told, as a file."""
    root, repository = home / "root", home / "repository"
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    repository.mkdir()
    (root / "var/lib/dpkg/status").touch()
    install = ["dpkg", f"--root={root}", "--force-script-chrootless", f"--log={root}/dpkg.log", "--install"]
    subprocess.run([*install, str(package(home, "1.0"))], check=True, capture_output=True, env={"PATH": PATHS})
    newer = package(home, "2.0")
    digest = hashlib.sha256(newer.read_bytes()).hexdigest()
    about = f"Filename: ./{newer.name}\nSize: {newer.stat().st_size}\nSHA256: {digest}\n"
    (repository / "Packages").write_text(CONTROL.format(version="2.0") + about)
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    (home / "apt.conf").write_text(APT.format(root=root, path=PATHS))
    return home / "apt.conf"


SHUTDOWN = """#!/bin/sh
echo "$@" >>{root}/told
mkdir -p {root}/run/systemd/shutdown && : >{root}/run/systemd/shutdown/scheduled
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    environment = {"APT_CONFIG": str(system(tmp_path)), "PATH": f"{tmp_path}/bin:{PATHS}"}
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "shutdown").write_text(SHUTDOWN.format(root=tmp_path / "root"))
    (tmp_path / "bin" / "shutdown").chmod(0o755)
    async with serving(tmp_path, environment) as made:
        yield made


async def test_what_is_new_is_installed_once(server: Server) -> None:
    checked = await server.play(["linux-updates"], {}, "--check")
    assert (server.root / "version").read_text() == "1.0"
    done, again = await server.play(["linux-updates"], {}), await server.play(["linux-updates"], {})

    assert checked.status == 0, checked.out
    assert [(one.status, one.changed) for one in (done, again)] == [(0, 1), (0, 0)], done.out + again.out
    assert (server.root / "version").read_text() == "2.0"


async def test_a_restart_is_planned_only_where_one_is_needed_and_once(server: Server) -> None:
    """Nothing is restarted here: a program that notes what it is told stands in for `shutdown`."""
    log = server.root / "told"

    calm = await server.play(["linux-updates"], {"reboot_at": "03:30"})
    (server.root / "run/reboot-required").touch()
    unasked = await server.play(["linux-updates"], {})
    assert not log.exists()
    planned, again = [await server.play(["linux-updates"], {"reboot_at": "03:30"}) for _ in range(2)]

    assert [one.status for one in (calm, unasked, planned, again)] == [0] * 4, planned.out
    assert (planned.changed, again.changed) == (1, 0), planned.out + again.out
    assert log.read_text() == "-r 03:30 Updates\n"


@contextmanager
def hanging(repository: Path) -> Iterator[tuple[int, threading.Event]]:
    """Serves what is in it over HTTP, but never the end of a package: its port, and whether somebody waits for one."""
    asked, over = threading.Event(), threading.Event()

    class Slow(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(repository))

        def do_GET(self) -> None:
            if self.path.endswith(".deb"):
                asked.set()
                over.wait(60)
            else:
                super().do_GET()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as service:
        threading.Thread(target=service.serve_forever).start()
        try:
            yield service.server_port, asked
        finally:
            over.set()
            service.shutdown()


async def test_a_stop_ends_what_is_being_fetched(server: Server) -> None:
    with hanging(server.home / "repository") as (port, asked):
        (server.root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] http://127.0.0.1:{port} ./\n")
        playing = await server.begin(["linux-updates"], {})
        assert await asyncio.to_thread(asked.wait, 60)
        assert [one for one in at_work(str(server.home / "apt.conf")) if one.name() == "apt-get"]

        await server.cut_off(playing)

        await until(lambda: not at_work(str(server.home / "apt.conf")))
    assert (server.root / "version").read_text() == "1.0"
