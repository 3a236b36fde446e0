"""The whole product as real processes, started as a person starts it: `python -m config.demo`."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psutil
import pytest

from config.demo.visitor import Visitor
from config.env import BASE_DIR
from tests import database
from tests.environment import forget_queues

Found = TypeVar("Found")
PASSWORD = "school-bell-at-eight"
QUICK = {"POLL_INTERVAL_S": "5", "POLL_RETRY_S": "1", "RUN_LEASE_S": "5", "SNMP_TIMEOUT_S": "1"}
OVER = {"confirmed", "refuted", "unknown", "failed", "lost", "rejected", "cancelled"}


def wait_for(what: str, look: Callable[[], Found | None], limit_s: float = 60) -> Found:
    """The first answer that is not empty; the test fails when none comes in time."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    pytest.fail(f"{what}: not within {limit_s:.0f} s")


@dataclass
class House:
    """The running product, and the people at it."""

    url: str
    var_dir: Path
    environment: dict[str, str]
    main: subprocess.Popen[str]
    carla: Visitor
    tarek: Visitor
    anton: Visitor

    def process(self, mark: str) -> psutil.Process:
        """The running process of this house whose command line has `mark`."""
        return wait_for(f"a process with {mark}", lambda: next(iter(self.processes(mark)), None), 30)

    def processes(self, mark: str = "") -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("VAR_DIR") == str(self.var_dir) and mark in " ".join(process.cmdline())
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:  # it has ended meanwhile
                continue
        return found

    def lab(self, *words: str) -> None:
        command = [sys.executable, "manage.py", "lab", *words]
        subprocess.run(command, cwd=BASE_DIR, env=self.environment, check=True, capture_output=True)

    def let_changes_happen_at_any_time(self) -> None:
        """So that no test depends on the hour at which it runs."""
        script = (
            "from fleet.automation.models import PolicyRule; from fleet.sites.models import Authority; "
            "[PolicyRule.objects.create(authority=one, risk=risk, times='any', exam_margin_days=0)"
            " for one in Authority.objects.all() for risk in ('low', 'medium', 'high')]"
        )
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", script]
        subprocess.run(command, cwd=BASE_DIR, env=self.environment, check=True, capture_output=True)

    def device(self, name: str) -> int:
        rows = self.tarek.get("/devices/?page_size=200")["results"]
        return next(int(row["id"]) for row in rows if row["name"] == name)

    def room(self, number: str) -> int:
        rooms = self.carla.get("/rooms/?page_size=200")["results"]
        return next(int(room["id"]) for room in rooms if room["number"] == number)

    def order(self, slug: str, **values: Any) -> dict[str, Any]:
        """Carla orders; the newest change is hers."""
        path = f"/order/{slug}/"
        known = {row["id"] for row in self.anton.get("/changes/")["results"]}
        self.carla.send(path, self.carla.form(path) | values)
        return next(row for row in self.anton.get("/changes/")["results"] if row["id"] not in known)

    def exam(self, room: str, ssid: str, **values: Any) -> dict[str, Any]:
        ends = datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=2)
        wish = {"room": self.room(room), "argument-ssid": ssid, "ends_at": ends.strftime("%Y-%m-%dT%H:%M:%S")}
        return self.order("exam-wifi", **wish, **values)

    def approve(self, change: int) -> None:
        row = wait_for("the preview", lambda: self.in_state(change, "awaiting-approval"))
        self.anton.post(f"/changes/{change}/approve", {"digest": row["digest"]})

    def change(self, change: int) -> dict[str, Any]:
        return dict(self.anton.get(f"/changes/{change}"))

    def in_state(self, change: int, *states: str) -> dict[str, Any] | None:
        row = self.change(change)
        return row if row["state"] in states else None

    def end(self, change: int, limit_s: float = 90) -> dict[str, Any]:
        return wait_for(f"the end of change {change}", lambda: self.in_state(change, *OVER), limit_s)

    def ticket(self, change: int) -> dict[str, Any]:
        """The ticket whose notices speak of this change."""
        for row in self.anton.get("/tickets/?page_size=200")["results"]:
            ticket = dict(self.anton.get(f"/tickets/{row['number']}"))
            if any(article["details"].get("change_id") == change for article in ticket["articles"]):
                return ticket
        return {}

    def noticed(self, change: int, notice: str) -> dict[str, Any] | None:
        ticket = self.ticket(change)
        said = {article["notice"] for article in ticket.get("articles", ())}
        return ticket if notice in said else None


@contextmanager
def _database(var_dir: Path) -> Iterator[dict[str, str]]:
    """A migrated database of the house's own: on the server where the suite runs on PostgreSQL, else in VAR_DIR."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        database.copy_to(var_dir / "fleetdesk.sqlite3")
        yield {}
        return
    with database.database_on_server() as name:
        yield {"DATABASE_URL": f"{url.rpartition('/')[0]}/{name}"}


@contextmanager
def _queues() -> Iterator[str]:
    """Queues of the house's own where the suite runs on a broker; its files lie in VAR_DIR."""
    prefix = f"house-{uuid.uuid4().hex[:8]}"
    yield prefix
    if os.environ.get("BROKER_URL"):
        forget_queues(prefix)


def _ports() -> dict[str, str]:
    """Free ones from the machine's own range, so that houses side by side do not wish for the same."""
    kinds = {
        "WEB_PORT": socket.SOCK_STREAM,
        "LAB_SNMP_PORT": socket.SOCK_DGRAM,
        "LAB_SSH_PORT": socket.SOCK_STREAM,
        "TRAP_PORT": socket.SOCK_DGRAM,
    }
    chosen = {}
    for name, kind in kinds.items():
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            chosen[name] = str(probe.getsockname()[1])
    return chosen


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    var_dir = tmp_path_factory.mktemp("house")
    own = {"MODE", "VAR_DIR", "RUN_DIR", "SECRET_KEY", "ENCRYPTION_KEYS", "DJANGO_SETTINGS_MODULE"}
    with _database(var_dir) as own_database, _queues() as prefix:
        environment = {name: value for name, value in os.environ.items() if name not in own} | QUICK | own_database
        environment |= _ports() | {
            "BROKER_PREFIX": prefix,
            "VAR_DIR": str(var_dir),
            "RUN_DIR": str(var_dir / "runs"),
            "HOME": str(tmp_path_factory.mktemp("home")),
            "PYTHONUNBUFFERED": "1",
        }
        main = subprocess.Popen(
            [sys.executable, "-m", "config.demo"], cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
        )
        house = None
        try:
            house = _moved_in(main, var_dir, environment)
            yield house
        finally:
            for person in (house.carla, house.tarek, house.anton) if house else ():
                person.close()
            _leave(main)


def _moved_in(main: subprocess.Popen[str], var_dir: Path, environment: dict[str, str]) -> House:
    for line in main.stdout or ():
        if match := re.search(r"running:\s+(http://\S+)", line):
            url = match.group(1)
            people = (
                Visitor(url, f"{name}@musterstadt.example").log_in(PASSWORD)
                for name in ("carla.lindgruen", "tarek.kabel", "anton.leitner")
            )
            house = House(url, var_dir, environment | {"MODE": "demo"}, main, *people)
            house.let_changes_happen_at_any_time()
            return house
    pytest.fail("the demo did not start")


def _leave(main: subprocess.Popen[str]) -> None:
    """Ctrl-C, as a person ends it."""
    if main.poll() is None:
        main.send_signal(signal.SIGINT)
    try:
        main.wait(timeout=60)
    finally:
        if main.poll() is None:
            main.kill()
        if main.stdout:
            main.stdout.close()
