"""All pieces of the product, started and stopped together under one supervisor."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import psutil

from config.demo import processes
from config.demo.ports import Port, Wish, choose
from config.env import BASE_DIR

START_LIMIT_S = 600
"""A few seconds are usual; a small or busy machine may take its time."""
SAY_EVERY_S = 30
"""So often it says that it is still at it."""


class PiecesError(Exception):
    """The product could not be started; the message says what a person can do."""


@dataclass(frozen=True)
class Pieces:
    """A running product: where it answers, where it keeps its files, who supervises it."""

    web_port: int
    var_dir: Path
    supervisor: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.web_port}"

    def process(self, name: str) -> psutil.Process:
        """The running process of that piece (`worker-automation`, `lab`, …)."""
        wanted = {piece.name: piece.command.replace("%%", "%").split()[1:4] for piece in processes.product(self.web_port)}
        marks = [f"{name.removeprefix('worker-')}@%h"] if name.startswith("worker-") else wanted[name]
        for child in psutil.Process(self.supervisor.pid).children():
            line = child.cmdline()
            if all(mark in line for mark in marks):
                return child
        raise ProcessLookupError(name)


@contextmanager
def running(var_dir: Path, wishes: list[Wish]) -> Iterator[Pieces]:
    """Choose ports, prepare data, start everything, wait until it answers; stop everything at the end."""
    with only_one(var_dir):
        ports = choose(wishes)
        _tell(ports)
        numbers = {port.wish.name: port.number for port in ports}
        _set_environment(var_dir, numbers)
        _forget_old_messages(var_dir)
        prepare()
        try:
            with _supervised(var_dir, numbers["WEB_PORT"]) as supervisor:
                pieces = Pieces(numbers["WEB_PORT"], var_dir, supervisor)
                _wait_until_it_answers(pieces)
                yield pieces
        finally:
            leave_no_empty_run_dir()


@contextmanager
def only_one(var_dir: Path) -> Iterator[IO[str]]:
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PiecesError(f"Fleetdesk already runs from {var_dir}. Stop it there with Ctrl-C first.") from error
        yield lock


def _tell(ports: list[Port]) -> None:
    for port in ports:
        if sentence := port.sentence():
            print(sentence, flush=True)


def _set_environment(var_dir: Path, numbers: dict[str, int]) -> None:
    """For this process and all that it starts; the settings are read after this."""
    os.environ |= {name: str(number) for name, number in numbers.items()}
    os.environ |= {
        "MODE": "demo",
        "VAR_DIR": str(var_dir),
        "BASE_URL": f"http://localhost:{numbers['WEB_PORT']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
    }


def _forget_old_messages(var_dir: Path) -> None:
    """Rows decide what is due; messages of an earlier start would only repeat what the first tick finds anyway."""
    shutil.rmtree(var_dir / "broker", ignore_errors=True)
    (var_dir / "log").mkdir(exist_ok=True)
    (var_dir / "lab" / "ready").unlink(missing_ok=True)


def prepare() -> None:
    """Bring the database up to date and load the demo city; both change nothing the second time."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("load_city", verbosity=0)
    from django.db import connections

    connections.close_all()


def leave_no_empty_run_dir() -> None:
    """It lies outside of VAR_DIR, in memory. What an interrupted run told is still in it, for the next start to read."""
    from django.conf import settings

    with suppress(OSError):
        Path(settings.RUN_DIR).rmdir()


@contextmanager
def _supervised(var_dir: Path, web_port: int) -> Iterator[subprocess.Popen[bytes]]:
    config = var_dir / "supervisor.conf"
    config.write_text(processes.supervisor_config(processes.product(web_port), var_dir))
    command = [sys.executable, "-m", "config.demo.supervise", "-c", str(config)]
    supervisor = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield supervisor
    finally:
        _stop(supervisor)


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    if supervisor.poll() is not None:
        return
    family = psutil.Process(supervisor.pid).children(recursive=True)
    supervisor.terminate()
    try:
        supervisor.wait(timeout=30)
    except subprocess.TimeoutExpired:
        supervisor.kill()
    _, left = psutil.wait_procs(family, timeout=5)
    for process in left:
        process.kill()


def _wait_until_it_answers(pieces: Pieces) -> None:
    begun, said = time.monotonic(), 1
    ready = pieces.var_dir / "lab" / "ready"
    while (waited := time.monotonic() - begun) < START_LIMIT_S:
        if pieces.supervisor.poll() is not None:
            break
        if ready.exists() and _web_answers(pieces.url):
            return
        if waited > said * SAY_EVERY_S:
            print(f"Still starting after {said * SAY_EVERY_S} seconds; this machine is slow, or busy.", flush=True)
            said += 1
        time.sleep(0.2)
    raise PiecesError(f"The product did not come up. Its log files in {pieces.var_dir / 'log'} say why.")


def _web_answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
