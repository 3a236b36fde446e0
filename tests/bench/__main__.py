"""`make bench`: what it costs beside a named peer, measured in the same run. Prints a table, writes build/bench.json.

Ratios are peer ÷ ours: above 1 we are faster. These machines are noisy, so each side takes its best of several turns, and
the sides take turns.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.env import BASE_DIR
from fleet.automation.execution.order import RunOrder
from fleet.automation.execution.private import to_yaml
from fleet.lab.city import SnmpV2c, demo_city
from fleet.snmp.agent import ber

TURNS = 3
PLAYBOOK = BASE_DIR / "playbooks" / "ssid" / "playbook.yml"
ARGUMENTS = {"ssid": "Messung", "psk": "nur-zum-messen-1", "state": "present"}
THREE_RAW_TASKS = """
- hosts: openwrt
  gather_facts: false
  tasks:
    - ansible.builtin.raw: uci export wireless
    - ansible.builtin.raw: uci changes wireless
    - ansible.builtin.raw: uci show wireless
"""
ONE_TASK = """
- hosts: openwrt
  gather_facts: false
  tasks:
    - fleetdesk.network.uci_config:
        packages: {wireless: {radio1: {options: {country: DE}}}}
"""


@dataclass(frozen=True)
class Row:
    name: str
    ours: float
    peer: float
    ratio: float
    goal: float
    met: bool
    unit: str
    against: str


def row(name: str, ours: float, peer: float, goal: float, against: str) -> Row:
    """Both sides in seconds; `against` says what the peer is."""
    ratio = peer / ours
    return Row(name, round(ours, 4), round(peer, 4), round(ratio, 2), goal, ratio >= goal, "s", against)


def best(*sides: Callable[[], float]) -> list[float]:
    """The best of TURNS of each side, the sides taking turns."""
    times = [[side() for side in sides] for _ in range(TURNS)]
    return [min(column) for column in zip(*times, strict=True)]


def timed(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


@contextmanager
def lab(folder: Path) -> Iterator[dict[str, str]]:
    """The lab as a process of its own."""
    environment = os.environ | {"VAR_DIR": str(folder), "MODE": "demo"}
    ports = {"LAB_SNMP_PORT": str(_free(socket.SOCK_DGRAM)), "LAB_SSH_PORT": str(_free(socket.SOCK_STREAM))}
    process = subprocess.Popen([sys.executable, "manage.py", "lab", "serve"], cwd=BASE_DIR, env=environment | ports)
    try:
        deadline = time.monotonic() + 30
        while not (folder / "lab" / "ready").exists():
            if time.monotonic() > deadline:
                sys.exit("the lab did not start")
            time.sleep(0.1)
        yield ports
    finally:
        process.terminate()
        process.wait(timeout=20)


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- Ansible ---------------------------------------------------------


def plain(folder: Path, port: str, playbook: Path, hosts: int) -> float:
    """Seconds that plain ansible-playbook takes, with the best flags known."""
    inventory = folder / "plain"
    inventory.mkdir(exist_ok=True)
    devices = [device for device in demo_city().devices if device.platform == "openwrt"][:hosts]
    key = folder / "lab" / "keys" / "client_ed25519"
    variables = {device.key: reached(device.address, port) for device in devices}
    (inventory / "hosts.yml").write_text(to_yaml({"openwrt": {"hosts": variables}}))
    groups = inventory / "group_vars"
    if not groups.exists():
        groups.symlink_to(BASE_DIR / "inventory" / "group_vars")
    (folder / "arguments.yml").write_text(to_yaml(ARGUMENTS))
    ssh = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ControlMaster=auto -o ControlPersist=30s"
    with tempfile.TemporaryDirectory(prefix="cp") as control:
        environment = os.environ | {
            "ANSIBLE_CONFIG": str(BASE_DIR / "ansible.cfg"),
            "ANSIBLE_SSH_ARGS": ssh,
            "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
        }
        program = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "-f", "24"]
        command = [*program, "--private-key", str(key), "-e", f"@{folder / 'arguments.yml'}", "--diff", str(playbook)]
        return timed(lambda: subprocess.run(command, env=environment, cwd=BASE_DIR, check=True, capture_output=True))


def reached(address: str, port: str) -> dict[str, Any]:
    return {"ansible_host": address, "ansible_port": int(port), "ansible_user": "root"}


def child(folder: Path, port: str, hosts: int) -> float:
    """Seconds that our child process takes for the same: private directory, pinned keys, events, redaction, tree killed."""
    devices = [device for device in demo_city().devices if device.platform == "openwrt"][:hosts]
    keys = folder / "lab" / "keys"
    order = RunOrder(
        private_dir=str(folder / f"run-{time.monotonic_ns()}"),
        playbook=str(PLAYBOOK),
        group_vars=str(BASE_DIR / "inventory" / "group_vars"),
        hosts={
            device.key: {
                "groups": ["openwrt"],
                "vars": reached(device.address, port),
                "key": "client",
                "known_host": f"[{device.address}]:{port} {_host_key(keys, device.key)}",
            }
            for device in devices
        },
        keys={"client": (keys / "client_ed25519").read_text()},
        arguments=ARGUMENTS,
        secrets=[ARGUMENTS["psk"]],
        check=False,
        timeout_s=120,
        forks=24,
        environment={"ANSIBLE_CONFIG": str(BASE_DIR / "ansible.cfg")},
    )
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(BASE_DIR)}

    def run() -> None:
        command = [sys.executable, "-m", "fleet.automation.execution"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=BASE_DIR, env=environment, text=True
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise OSError("no pipes")
            process.stdin.write(json.dumps(order.as_dict()) + "\n")
            process.stdin.flush()
            last = [json.loads(line) for line in process.stdout][-1]
            if last.get("end") != "succeeded":
                sys.exit(f"the run ended as {last}")

    return timed(run)


def _host_key(keys: Path, device: str) -> str:
    from fleet.lab.ssh.keys import ensure

    return ensure(keys, [device]).host_public_key(device)


# --- SNMP ---------------------------------------------------------


def answers_per_s(port: int, request: bytes, addresses: list[str], count: int = 6000) -> float:
    """Requests that are answered per second, a hundred in flight."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        begun = time.perf_counter()
        for number in range(count):
            asker.sendto(request, (addresses[number % len(addresses)], port))
            if number >= 100:
                asker.recv(65535)
        for _ in range(100):
            asker.recv(65535)
        return count / (time.perf_counter() - begun)


@contextmanager
def echo() -> Iterator[int]:
    """The limit: a process that sends each datagram back without looking at it."""
    code = (
        "import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.bind(('0.0.0.0',int(sys.argv[1])))\n"
        "print('ready',flush=True)\nwhile 1:\n d,a=s.recvfrom(65535);s.sendto(d,a)"
    )
    port = _free(socket.SOCK_DGRAM)
    with subprocess.Popen([sys.executable, "-c", code, str(port)], stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            process.stdout.readline()
        try:
            yield port
        finally:
            process.kill()


def get_request(community: str) -> bytes:
    """A v2c GET of sysDescr, sysUpTime and sysName."""
    names = ("1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.5.0")
    binds = b"".join(ber.tlv(0x30, ber.oid(name) + b"\x05\x00") for name in names)
    pdu = ber.tlv(0xA0, ber.integer(7) + ber.integer(0) + ber.integer(0) + ber.tlv(0x30, binds))
    return ber.tlv(0x30, ber.integer(1) + ber.octets(community.encode()) + pdu)


def _lab_answers(port: int) -> Row:
    credentials = {device.address: device.snmp for device in demo_city().devices}
    community = next(one for one in credentials.values() if isinstance(one, SnmpV2c)).community
    addresses = [address for address, one in credentials.items() if one == SnmpV2c(community)]
    request = get_request(community)
    with echo() as limit:
        ours, peer = best(
            lambda: 1000 / answers_per_s(port, request, addresses), lambda: 1000 / answers_per_s(limit, request, addresses)
        )
    return row("lab_1000_answers", ours, peer, 0.15, "UDP echo in Python, the limit")


# --- all of it ---------------------------------------------------------


def measure() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        raw = folder / "raw.yml"
        raw.write_text(THREE_RAW_TASKS)
        one = folder / "one.yml"
        one.write_text(ONE_TASK)
        with lab(folder) as ports:
            port, hosts = ports["LAB_SSH_PORT"], 12
            plain(folder, port, PLAYBOOK, hosts)  # now nothing is left to change on either side
            ours, peer = best(lambda: child(folder, port, hosts), lambda: plain(folder, port, PLAYBOOK, hosts))
            rows.append(row("run_12_hosts", ours, peer, 0.7, "plain ansible-playbook, same playbook and forks"))
            ours, peer = best(lambda: plain(folder, port, one, hosts), lambda: plain(folder, port, raw, hosts))
            rows.append(row("uci_config_12_hosts", ours, peer, 1.2, "three raw tasks that read the same"))
            rows.append(_lab_answers(int(ports["LAB_SNMP_PORT"])))
    return rows


def main() -> None:
    rows = measure()
    print(f"{'name':<22}{'ours':>10}{'peer':>10}{'ratio':>8}{'goal':>7}  met  against")
    for one in rows:
        figures = f"{one.name:<22}{one.ours:>9.3f}s{one.peer:>9.3f}s{one.ratio:>8.2f}{one.goal:>7.2f}"
        print(f"{figures}  {'yes' if one.met else 'NO':<4} {one.against}")
    target = BASE_DIR / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([asdict(one) for one in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
