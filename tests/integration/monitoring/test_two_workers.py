"""Two real worker processes on the database and the broker of the suite; one is killed in the middle of its work."""

import itertools
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.utils.dateparse import parse_datetime

from fleet.lab.faults import Fault
from fleet.lab.mib import agents
from fleet.lab.world import World
from fleet.snmp.agent import Agent
from tests import database
from tests.environment import forget_queues
from tests.integration.monitoring.conftest import LOAD, Machine, served, small_city

DEVICES = len(small_city().devices)
INTERVAL_S, LEASE_S = 12, 10
SLOW_S = 0.7
ALL_DUE = "from django.utils import timezone; from fleet.monitoring.models import Health as H; now = timezone.now(); "
ALL_DUE += "H.objects.update(next_poll_at=now, walk_due_at=now)"
QUEUES = "{0}.default,{0}.polling,{0}.asking"


class Site(Machine):
    """A deployment with workers, on PostgreSQL and Redis where the suite runs on them."""

    def __init__(self, directory: Path, database_url: str) -> None:
        super().__init__(directory)
        self.prefix = f"two-{uuid.uuid4().hex[:8]}"
        self.url = database_url
        self.environment |= {
            "POLL_INTERVAL_S": str(INTERVAL_S),
            "POLL_LEASE_S": str(LEASE_S),
            "POLL_RETRY_S": "2",
            "POLL_SHARDS": "4",
            "BROKER_PREFIX": self.prefix,
        }
        if database_url:
            self.environment["DATABASE_URL"] = database_url

    def read(self, query: str) -> list[tuple[Any, ...]]:
        if not self.url:
            return super().read(query)
        with psycopg.connect(self.url, autocommit=True) as database:
            return database.execute(query).fetchall()

    def count(self, query: str) -> int:
        return int(str(self.read(query)[0][0]))

    def celery(self, *arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "celery", "-A", "config", *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def worker(self, name: str) -> "subprocess.Popen[bytes]":
        options = ["-n", f"{name}@%h", "--pool", "threads", "--concurrency", "3", "--without-gossip", "--without-mingle"]
        return self.celery("worker", "-Q", QUEUES.format(self.prefix), *options)

    def wait_until(self, what: str, reached: Callable[[], bool], limit_s: float = 90) -> None:
        assert self.within(limit_s, reached), what

    def within(self, limit_s: float, reached: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + limit_s
        while not reached():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def all_due_until(self, reached: Callable[[], bool]) -> datetime:
        """Made due again and again: who is being asked just then keeps its own time. Returns when it last was."""
        for _ in range(8):
            since = datetime.now(UTC)
            self.run("shell", "-v0", "-c", ALL_DUE)
            if self.within(15, reached):
                return since
        raise AssertionError("both at work")


class Wire:
    """The small school, and when its devices were asked while they were slow."""

    def __init__(self) -> None:
        self.world = World(small_city())
        self.asked_at: dict[str, list[float]] = defaultdict(list)
        self.slow = False
        self._agent = agents(self.world)

    def find(self, address: str) -> Agent | None:
        """Called once for each request."""
        if self.slow:
            self.asked_at[address].append(time.monotonic())
        return self._agent(address)

    def slow_down(self) -> None:
        self.world.set_faults([Fault("slow", "*", SLOW_S)])
        self.slow = True

    def hurry(self) -> None:
        self.slow = False  # first, so that nothing is noted that is answered at once
        self.world.set_faults([])

    def pauses(self) -> list[float]:
        """Seconds between two requests to one device. Whoever asks waits for the answer before asking on."""
        every = [tuple(instants) for instants in tuple(self.asked_at.values())]
        return [later - earlier for instants in every for earlier, later in itertools.pairwise(instants)]


@pytest.fixture
def wire() -> Iterator[tuple[Wire, int]]:
    made = Wire()
    with served(made.find) as port:
        yield made, port


@pytest.fixture
def site(wire: tuple[Wire, int], tmp_path: Path) -> Iterator[Site]:
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        with database.database_on_server() as name:
            yield _loaded(Site(tmp_path, f"{url.rpartition('/')[0]}/{name}"), wire[1])
        return
    database.copy_to(tmp_path / "fleetdesk.sqlite3")
    yield _loaded(Site(tmp_path, ""), wire[1])


def _loaded(made: Site, port: int) -> Site:
    made.run("migrate", "-v0")
    made.run("shell", "-v0", "-c", LOAD.format(port=port, keys=str(made.directory / "keys")))
    return made


@pytest.mark.timeout(400)
def test_a_worker_that_is_killed_in_the_middle_costs_nobody_more_than_an_interval(
    site: Site, wire: tuple[Wire, int]
) -> None:
    school, _port = wire
    first, second, beat = site.worker("one"), site.worker("two"), site.celery("beat")
    try:
        site.wait_until("everything walked", lambda: site.count("SELECT count(*) FROM monitoring_latest") == DEVICES)
        school.slow_down()
        busy = "SELECT count(*) FROM monitoring_shard WHERE claim IS NOT NULL"
        since = site.all_due_until(
            lambda: site.count(busy) >= 3
        )  # each in a place of its own, they are hardly ever asked together
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        site.wait_until("asked again", lambda: len(school.pauses()) >= DEVICES)
        school.hurry()
        before = site.count("SELECT count(*) FROM monitoring_sample")
        site.wait_until(
            "going on", lambda: site.count("SELECT count(*) FROM monitoring_sample") >= before + 3 * DEVICES, 240
        )
    finally:
        for process in (first, second, beat):
            process.kill()
            process.wait(10)
        if os.environ.get("BROKER_URL"):
            forget_queues(site.prefix)

    polls: dict[int, list[datetime]] = defaultdict(list)
    for device, at in site.read("SELECT device_id, polled_at FROM monitoring_sample ORDER BY polled_at"):
        if _instant(at) >= since:
            polls[int(device)].append(_instant(at))
    assert len(polls) == DEVICES
    assert min(school.pauses()) >= SLOW_S  # nobody was asked by two at once
    assert most_polls_of_another_between_two(polls) <= 3  # nobody was passed over while others were asked again and again


def most_polls_of_another_between_two(polls: dict[int, list[datetime]]) -> int:
    """How often another device was polled between two polls of one: without a clock, and so also on a busy machine."""
    return max(
        sum(earlier < at < later for at in others)
        for mine in polls.values()
        for earlier, later in itertools.pairwise(mine)
        for others in polls.values()
    )


def _instant(said: Any) -> datetime:
    found = said if isinstance(said, datetime) else parse_datetime(f"{said}+00:00")
    assert found is not None
    return found
