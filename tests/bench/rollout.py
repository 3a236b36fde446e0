"""A rollout over SSH hosts of the lab beside plain ansible-playbook with the best flags known, same lab, same machine.

`rollout_200` is our run of 200 hosts from the claim to its end, every event in the database, without the looks by SNMP
before and after, which plain Ansible has not; `…_measured` is all of it from the claim to the verdicts, and has no goal;
`…_first_event` is the time from the claim until the first line of the log can be read, beside the 2 s that are allowed.
BENCH_HOSTS sets another number of hosts. `python -m tests.bench rollout` measures this alone.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

from config.env import BASE_DIR
from tests.bench.rows import Row, row, timed

HOSTS = int(os.environ.get("BENCH_HOSTS", "200"))
FIRST_EVENT_S = 2.0
GOAL = 1 / 1.05
TURNS = 2
ARGUMENTS = {"ssid": "Messung", "psk": "nur-zum-messen-1", "state": "present"}
PER_SITE, DEVICES_PER_SITE = 14, 20
"""Access points among the devices of a site of the lab's large city."""


def rows() -> list[Row]:
    """Measured in a process of its own, which has a database of its own."""
    from tests.bench.__main__ import lab

    devices = -(-HOSTS // PER_SITE) * DEVICES_PER_SITE
    with tempfile.TemporaryDirectory(prefix="bench") as name, lab(Path(name), devices=devices) as ports:
        environment = os.environ | {"VAR_DIR": name, "MODE": "demo", "RUN_DIR": f"{name}/runs"} | ports
        command = [sys.executable, "-m", "tests.bench.rollout"]
        said = subprocess.run(command, cwd=BASE_DIR, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures = dict(line.split("=") for line in said.splitlines() if line.startswith("figure."))
    run, plain, whole, first = (float(figures[f"figure.{name}"]) for name in ("run", "plain", "whole", "first"))
    return [
        row(f"rollout_{HOSTS}", run, plain, GOAL, "plain ansible-playbook, best flags; without the looks by SNMP"),
        row(f"rollout_{HOSTS}_measured", whole, plain, 0.0, "the same, with both looks by SNMP: no goal"),
        row(f"rollout_{HOSTS}_first_event", first, FIRST_EVENT_S, 1.0, "the time from claim to first event that is allowed"),
    ]


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    bench = Bench(Path(os.environ["VAR_DIR"]))
    bench.plain()  # now nothing is left to change on either side
    turns = [(bench.plain(), *bench.ours()) for _ in range(TURNS)]
    for name, figures in zip(("plain", "run", "whole", "first"), zip(*turns, strict=True), strict=True):
        print(f"figure.{name}={min(figures)}")


class Bench:
    def __init__(self, folder: Path) -> None:
        from django.conf import settings

        from fleet.devices.models import Device
        from fleet.lab.city import LabPorts, large_city
        from fleet.lab.server import ssh_devices
        from fleet.lab.services import Surroundings, load_city
        from fleet.lab.ssh.keys import ensure
        from fleet.people import services as people
        from fleet.people.models import User
        from fleet.people.rules import Role

        self.folder = folder
        city = large_city(-(-HOSTS // PER_SITE) * DEVICES_PER_SITE)
        self.keys = ensure(folder / "lab" / "keys", ssh_devices(city))
        self.port = int(os.environ["LAB_SSH_PORT"])
        load_city(city=city, around=Surroundings(LabPorts(int(os.environ["LAB_SNMP_PORT"]), self.port), self.keys))
        self.devices = list(Device.objects.filter(type__platform="openwrt").order_by("pk")[:HOSTS])
        self.person = User.objects.create_user("bench@eichstadt.example", name="Bench")
        people.grant(user=self.person, role=Role.TECHNICIAN, scope_id=self.devices[0].authority_id)
        shutil.copytree(settings.PLAYBOOKS_DIR, folder / "playbooks", ignore=shutil.ignore_patterns("__pycache__"))
        settings.PLAYBOOKS_DIR = folder / "playbooks"
        manifest = folder / "playbooks" / "ssid" / "manifest.toml"
        lines = manifest.read_text().splitlines()
        manifest.write_text("\n".join(f"max_targets = {HOSTS}" if "max_targets" in line else line for line in lines))

    def plain(self) -> float:
        """Seconds that plain ansible-playbook takes: pinned host keys, shared connections, pipelining, 12 forks a core."""
        from fleet.automation.execution.private import to_yaml

        inventory = self.folder / "plain"
        inventory.mkdir(exist_ok=True)
        hosts = {
            f"device-{device.pk}": {"ansible_host": device.address, "ansible_port": self.port, "ansible_user": "root"}
            for device in self.devices
        }
        (inventory / "hosts.yml").write_text(to_yaml({"openwrt": {"hosts": hosts}}))
        groups = inventory / "group_vars"
        if not groups.exists():
            groups.symlink_to(BASE_DIR / "inventory" / "group_vars")
        known = self.folder / "known_hosts"
        known.write_text("".join(f"[{one.address}]:{self.port} {one.ssh_host_key}\n" for one in self.devices))
        (self.folder / "arguments.yml").write_text(to_yaml(ARGUMENTS))
        ssh = f"-F none -o UserKnownHostsFile={known} -o ConnectTimeout=3 -o ControlMaster=auto -o ControlPersist=30s"
        with tempfile.TemporaryDirectory(prefix="cp") as control:
            environment = os.environ | {
                "ANSIBLE_CONFIG": str(BASE_DIR / "ansible.cfg"),
                "ANSIBLE_SSH_ARGS": ssh,
                "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
            }
            forks = str(min(len(hosts), 12 * (os.cpu_count() or 1)))
            program = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "-f", forks, "--diff"]
            key = str(self.folder / "lab" / "keys" / "client_ed25519")
            playbook = str(self.folder / "playbooks" / "ssid" / "playbook.yml")
            command = [*program, "--private-key", key, "-e", f"@{self.folder / 'arguments.yml'}", playbook]
            took = timed(lambda: subprocess.run(command, env=environment, cwd=BASE_DIR, check=True, capture_output=True))
            hang_up(control)
            return took

    def ours(self) -> tuple[float, float, float]:
        """(seconds of the run without the look beforehand, seconds until all is measured, seconds until the first event)."""
        from fleet.automation import services
        from fleet.automation.models import Change, Run
        from fleet.automation.rules.rollout import Strategy
        from fleet.automation.services import running

        order = services.Order(
            "ssid",
            ARGUMENTS,
            [device.pk for device in self.devices],
            self.person,
            strategy=Strategy(rings=(), spread="none", max_per_step=max(HOSTS, 1)),
        )
        change = services.request_change(order=order)
        change.runs.all().delete()
        Change.objects.filter(pk=change.pk).update(state=Change.State.APPROVED)
        services.tend()
        run = change.runs.get(kind=Run.Kind.APPLY)
        looked: list[float] = []
        look = running.remember_before

        def timed_look(of: Run) -> set[int]:
            begun = time.perf_counter()
            try:
                return look(of)
            finally:
                looked.append(time.perf_counter() - begun)

        running.remember_before = timed_look
        heard = FirstEvent(run.pk)
        try:
            whole = timed(lambda: services.execute(run_id=run.pk))
        finally:
            running.remember_before = look
        run.refresh_from_db()
        if run.state != Run.State.SUCCEEDED or run.started_at is None or run.finished_at is None:
            sys.exit(f"the run ended as {run.state}: {run.error}")
        print(f"looked beforehand for {looked[0]:.1f} s", file=sys.stderr)
        return (run.finished_at - run.started_at).total_seconds() - looked[0], whole, heard.after_s()


def hang_up(control: str) -> None:
    """Ends the connections that plain Ansible has left open, outside its time: ours ends its own within its time."""
    left = [one for one in psutil.process_iter(["cmdline"]) if control in " ".join(one.info["cmdline"] or ())]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    psutil.wait_procs(left, timeout=10)


class FirstEvent:
    """Waits in a thread of its own for the first line of the log to be there for a reader."""

    def __init__(self, run_id: int) -> None:
        self._run_id, self._at = run_id, 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        from django.db import connection

        from fleet.automation.models import LogLine

        while not LogLine.objects.filter(run=self._run_id).exists():
            time.sleep(0.05)
        self._at = time.time()
        connection.close()

    def after_s(self) -> float:
        from fleet.automation.models import Run

        self._thread.join(5)
        started = Run.objects.get(pk=self._run_id).started_at
        return self._at - started.timestamp() if started else float("inf")


if __name__ == "__main__":
    main()
