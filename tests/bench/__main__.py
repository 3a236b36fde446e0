"""`make bench`: what it costs beside a named peer, measured in the same run. Prints a table, writes build/bench.json.

These machines are noisy, so each side takes its best of several turns, and the sides take turns. Where seconds are measured,
the ratio is peer ÷ ours, where devices per CPU-second are, ours ÷ peer: above 1 we are the quicker ones.

`python -m tests.bench poll` measures polling alone.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.env import BASE_DIR
from tests.bench import ansible, polling, rollout, snmp, tickets
from tests.bench.rows import Row, free_port, row, show
from tests.bench.samples import samples_stored


@contextmanager
def lab(folder: Path, devices: int = 0) -> Iterator[dict[str, str]]:
    """The lab as a process of its own: the demo city, or a large one of so many devices."""
    environment = os.environ | {"VAR_DIR": str(folder), "MODE": "demo"}
    ports = {"LAB_SNMP_PORT": str(free_port(socket.SOCK_DGRAM)), "LAB_SSH_PORT": str(free_port(socket.SOCK_STREAM))}
    command = [sys.executable, "manage.py", "lab", "serve", *(["--devices", str(devices)] if devices else [])]
    process = subprocess.Popen(command, cwd=BASE_DIR, env=environment | ports)
    try:
        deadline = time.monotonic() + 90
        while not (folder / "lab" / "ready").exists():
            if time.monotonic() > deadline:
                sys.exit("the lab did not start")
            time.sleep(0.1)
        yield ports
    finally:
        process.terminate()
        process.wait(timeout=20)


def of_the_lab() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        with lab(folder) as ports:
            return [*ansible.rows(folder, ports["LAB_SSH_PORT"]), snmp.lab_answers(int(ports["LAB_SNMP_PORT"]))]


def kept() -> list[Row]:
    return [row(*figures) for figures in samples_stored()]


def main() -> None:
    wanted = sys.argv[1:] or ["lab", "samples", "poll", "rollout", "tickets"]
    parts = {"lab": of_the_lab, "samples": kept, "poll": polling.rows, "rollout": rollout.rows, "tickets": tickets.rows}
    show([row for name in wanted for row in parts[name]()])


if __name__ == "__main__":
    main()
