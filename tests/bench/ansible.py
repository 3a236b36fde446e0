"""What a run of a playbook costs beside plain ansible-playbook."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from config.env import BASE_DIR
from fleet.automation.execution.order import RunOrder
from fleet.automation.execution.private import to_yaml
from fleet.lab.city import demo_city
from tests.bench.rows import Row, best, row, timed

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


HOSTS = 12


def rows(folder: Path, port: str) -> list[Row]:
    raw, one = folder / "raw.yml", folder / "one.yml"
    raw.write_text(THREE_RAW_TASKS)
    one.write_text(ONE_TASK)
    plain(folder, port, PLAYBOOK, HOSTS)  # now nothing is left to change on either side
    ours, peer = best(lambda: child(folder, port, HOSTS), lambda: plain(folder, port, PLAYBOOK, HOSTS))
    found = [row("run_12_hosts", ours, peer, 0.7, "plain ansible-playbook, same playbook and forks")]
    ours, peer = best(lambda: plain(folder, port, one, HOSTS), lambda: plain(folder, port, raw, HOSTS))
    return [*found, row("uci_config_12_hosts", ours, peer, 1.2, "three raw tasks that read the same")]


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
