"""Debian's dropbear and busybox as an OpenWrt, in namespaces of its own. See tests/targets/openwrt/README.md."""

import os
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.namespaces.target import Target, make_key

FURNITURE = Path(__file__).parents[2] / "targets" / "openwrt" / "rootfs"
ADDRESS, CLIENT_ADDRESS = "192.0.2.2", "192.0.2.1"
NEEDED = ("dropbear", "dropbearkey", "busybox", "ip", "unshare", "ssh")
DEADLINE_S = 20.0


def lacks() -> str:
    """Why this target cannot be had here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"needs {', '.join(missing)} (apt-get install dropbear-bin busybox-static iproute2)" if missing else ""


def _do(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def _furnish(root: Path, client_key: Path) -> str:
    """Fill `root`; returns the server's public key."""
    shutil.copytree(FURNITURE, root, symlinks=True)
    for program in (*root.glob("etc/init.d/*"), *root.glob("sbin/*")):
        program.chmod(0o755)  # only here: in the repository nothing of a target may be run by mistake
    for name in ("bin", "dev", "proc", "tmp", "run", "var/log", "root/.ssh", "etc/dropbear", "usr/sbin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    busybox = Path(shutil.which("busybox") or "").resolve()
    shutil.copy(busybox, root / "bin" / "busybox")
    for applet in _do(str(busybox), "--list").split():
        if applet not in ("reboot", "init", "busybox"):
            (root / "bin" / applet).symlink_to("busybox")
    _copy_with_libraries(Path(shutil.which("dropbear") or ""), root)
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        (root / "dev" / name).chmod(0o666)
    public = Path(f"{client_key}.pub").read_text()
    (root / "root" / ".ssh" / "authorized_keys").write_text(public)
    for path, mode in (
        ("root", 0o700),
        ("root/.ssh", 0o700),
        ("root/.ssh/authorized_keys", 0o600),
        ("", 0o755),
        ("tmp", 0o1777),
    ):
        (root / path).chmod(mode)
    key = _do("dropbearkey", "-t", "ed25519", "-f", str(root / "etc" / "dropbear" / "key"))
    return next(" ".join(line.split()[:2]) for line in key.splitlines() if line.startswith("ssh-ed25519 "))


def _copy_with_libraries(program: Path, root: Path) -> None:
    shutil.copy(program, root / "usr" / "sbin" / program.name)
    for library in re.findall(r"(/\S+) \(0x", _do("ldd", str(program))):
        there = root / library.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, there)


@contextmanager
def _cable(name: str) -> Iterator[tuple[str, str]]:
    """Two network namespaces with a cable between them: (client's, device's)."""
    client, device = f"fleetdesk-c-{name}", f"fleetdesk-d-{name}"
    try:
        for namespace in (client, device):
            _do("ip", "netns", "add", namespace)
        _do("ip", "-n", client, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", device)
        _do("ip", "-n", client, "addr", "add", f"{CLIENT_ADDRESS}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _do("ip", "-n", client, "link", "set", link, "up")
        yield client, device
    finally:
        for namespace in (client, device):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)


@contextmanager
def serve(home: Path) -> Iterator[Target]:
    """The target, answering SSH; ended with everything that runs in it."""
    client_key = make_key(home / "client")
    root = home / "device"
    public = _furnish(root, client_key)
    (home / "known_hosts").write_text(f"{ADDRESS} {public}\n")
    with _cable(f"{os.getpid():x}"[-6:]) as (client, device):
        inside = ["ip", "netns", "exec", device, "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        process = subprocess.Popen([*inside, "chroot", str(root), "/bin/sh", "/sbin/init"], start_new_session=True)
        try:
            target = Target(
                "openwrt", ADDRESS, 22, "root", client_key, home / "known_hosts", ("ip", "netns", "exec", client)
            )
            _until_answering(target, process)
            yield target
        finally:
            process.kill()
            process.wait()


def _until_answering(target: Target, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while target.ssh("true").returncode != 0:
        assert process.poll() is None, "the target's first process has ended"
        assert time.monotonic() < deadline, "the target does not answer"
        time.sleep(0.1)
