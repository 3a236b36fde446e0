"""A small school whose devices answer SNMP for real, in a thread of this process, and can be broken at will."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet.devices.models import Device
from fleet.lab.city import City, LabPorts
from fleet.lab.city.build import SitePlan, wire
from fleet.lab.city.model import Building, Room
from fleet.lab.faults import Fault
from fleet.lab.mib import agents
from fleet.lab.server import ssh_devices
from fleet.lab.services import Surroundings, load_city
from fleet.lab.ssh.keys import ensure
from fleet.lab.world import World
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health
from fleet.snmp.agent import Agent, Responder
from tests import database
from tests.remembered import Remembered

QUICK_S = 0.25


def small_city() -> City:
    """One gateway, one switch on it, two access points, a printer on the switch."""
    rooms = tuple(Room(f"eiche-{n.lower()}", n, f"Raum {n}", 1) for n in ("101", "102", "T01"))
    plan = SitePlan(
        "eiche",
        77,
        "Schule an der Eiche",
        "school",
        (Building("eiche-haus", "Haus", "Eichenweg 1", rooms),),
        ap_rooms=(("101", "102"),),
        switch_rooms=("T01",),
        printer_rooms=("101",),
    )
    return City("eichstadt", "Eichstadt", (wire(plan),), ())


class School:
    """The devices as they stand there, and the same devices as our database knows them."""

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.port = port

    def kill(self, *keys: str) -> None:
        self.world.set_faults([Fault("dead", f"eiche-{key}") for key in keys])

    def heal(self) -> None:
        self.world.set_faults([])

    def device(self, name: str) -> Device:
        return Device.objects.get(name=name)

    def health(self, name: str) -> Health:
        return Health.objects.get(device__name=name)

    def poll_until(self, reached: Callable[[], bool], ticks: int = 12) -> None:
        """Ticks as beat would send them; every device is due at each."""
        for _ in range(ticks):
            Health.objects.update(next_poll_at="2020-01-01T00:00:00Z")
            services.poll_due()
            if reached():
                return
        raise AssertionError(
            f"not reached in {ticks} ticks: {list(Health.objects.values('device__name', 'status', 'failures'))}"
        )

    def open_alerts(self) -> dict[str, str | None]:
        """{device: the device whose alert tells of it}."""
        rows = Alert.objects.open().values_list("device__name", "suppressed_by__device__name")
        return dict(rows)


@contextmanager
def served(find: Callable[[str], Agent | None]) -> Iterator[int]:
    """Answers for what `find` knows, in a thread; gives the port."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    ports: list[int] = []
    stop = asyncio.Event()

    async def serve() -> None:
        async with Responder(find, 0) as responder:
            ports.append(responder.port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield ports[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="session")
def answering() -> Iterator[tuple[World, int]]:
    world = World(small_city())
    with served(agents(world)) as port:
        yield world, port


@pytest.fixture(scope="session")
def loaded(answering: tuple[World, int], tmp_path_factory: pytest.TempPathFactory) -> Remembered[None]:
    city = small_city()
    keys = ensure(tmp_path_factory.mktemp("keys"), ssh_devices(city))
    return Remembered(lambda: load_city(city=city, around=Surroundings(LabPorts(snmp=answering[1]), keys)))


@pytest.fixture
def school(
    answering: tuple[World, int], loaded: Remembered[None], db: None, settings: pytest.FixtureRequest
) -> Iterator[School]:
    world, port = answering
    settings.SNMP_TIMEOUT_S = QUICK_S
    settings.POLL_RETRY_S = 1
    settings.POLL_SHARDS = 1
    loaded()
    services.tend()
    yield School(world, port)
    world.set_faults([])


LOAD = """
from pathlib import Path
from django.core.management import call_command
from fleet.lab.city import LabPorts
from fleet.lab.server import ssh_devices
from fleet.lab.services import Surroundings, load_city
from fleet.lab.ssh.keys import ensure
from fleet.monitoring import services
from tests.integration.monitoring.conftest import small_city
call_command("migrate", verbosity=0)
city = small_city()
load_city(city=city, around=Surroundings(LabPorts(snmp={port}), ensure(Path({keys!r}), ssh_devices(city))))
services.tend()
"""


class Machine:
    """A deployment in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
            "VAR_DIR": str(directory),
            "POLL_INTERVAL_S": "3600",
        }

    def start(self, *arguments: str, stdout: int | None = None) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "manage.py", *arguments], env=self.environment, stdout=stdout)

    def run(self, *arguments: str) -> None:
        assert self.start(*arguments).wait(60) == 0

    def read(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.directory / "fleetdesk.sqlite3", timeout=10) as database:
            return database.execute(query).fetchall()

    def wait_for(self, query: str, reached: Callable[[int], bool]) -> None:
        deadline = time.monotonic() + 30
        while not reached(int(str(self.read(query)[0][0]))):
            assert time.monotonic() < deadline, query
            time.sleep(0.05)


@pytest.fixture
def machine(answering: tuple[World, int], tmp_path: Path) -> Iterator[Machine]:
    world, port = answering
    made = Machine(tmp_path)
    database.copy_to(tmp_path / "fleetdesk.sqlite3")
    made.run("shell", "-v0", "-c", LOAD.format(port=port, keys=str(tmp_path / "keys")))
    yield made
    world.set_faults([])
