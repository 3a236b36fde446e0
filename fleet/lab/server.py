"""The lab as a process: one event loop that answers SNMP and SSH for every device of a city."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from fleet.lab import faults
from fleet.lab.city import City, LabPorts
from fleet.lab.mib import TrapSender, agents
from fleet.lab.ssh import server as ssh
from fleet.lab.ssh.keys import ensure
from fleet.lab.world import Clock, World
from fleet.snmp.agent import Responder

LOOK_S = 0.2
"""How often faults are read and traps are sent."""
SAVE_S = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    directory: Path
    """Where faults.json, state.json, ready and keys/ live."""
    ports: LabPorts = field(default=LabPorts())
    trap_receiver: tuple[str, int] = ("127.0.0.1", 8162)

    @property
    def faults(self) -> Path:
        return self.directory / "faults.json"

    @property
    def state(self) -> Path:
        return self.directory / "state.json"

    @property
    def ready(self) -> Path:
        return self.directory / "ready"

    @property
    def keys(self) -> Path:
        return self.directory / "keys"


@dataclass(frozen=True)
class Ready:
    """What a running lab says about itself in its ready file."""

    pid: int
    ports: LabPorts
    devices: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None when no lab runs there."""
        try:
            said = json.loads(path.read_text())
            os.kill(said["pid"], 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return cls(said["pid"], LabPorts(**said["ports"]), tuple(said["devices"]))

    def write(self, path: Path) -> None:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps({"pid": self.pid, "ports": vars(self.ports), "devices": self.devices}))
        draft.replace(path)


class Lab:
    """A running lab. `world` is its state; what changes there shows on the wire."""

    def __init__(self, world: World, options: Options, responder: Responder) -> None:
        self.world = world
        self.options = options
        self.responder = responder
        self._traps = TrapSender(responder, options.trap_receiver)
        self._seen: tuple[int, int] | None = None

    @property
    def ports(self) -> LabPorts:
        return LabPorts(self.responder.port, self.options.ports.ssh)

    async def watch(self) -> None:
        """Until cancelled: faults come into force, traps go out, the state is kept."""
        since_saved = 0.0
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)
            since_saved += LOOK_S
            if since_saved >= SAVE_S:
                since_saved = 0.0
                self.world.save(self.options.state)

    def look(self) -> None:
        self.take_faults()
        for said in self.world.tick():
            self._traps.send(said)

    def take_faults(self) -> None:
        """Reads the faults file if it is another one than last time; a file nobody of us wrote changes nothing."""
        seen = _stamp(self.options.faults)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.world.set_faults(faults.read(self.options.faults))
        except faults.FaultError:
            log.exception("faults file not understood, faults stay as they are")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def ssh_devices(city: City) -> list[str]:
    """Keys of the devices that need a host key."""
    return [device.key for device in city.devices if device.ssh_user]


@contextlib.asynccontextmanager
async def running(city: City, options: Options, clock: Clock | None = None) -> AsyncIterator[Lab]:
    """The lab, answering while the block runs; its state is kept when it ends. Raises OSError when a port is taken."""
    options.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    world = World(city, clock)
    world.load(options.state)
    keys = ensure(options.keys, ssh_devices(city))
    async with (
        Responder(agents(world), options.ports.snmp) as responder,
        ssh.serve(world, options.ports.ssh, keys),
    ):
        lab = Lab(world, options, responder)
        lab.take_faults()
        watching = asyncio.create_task(lab.watch())
        Ready(os.getpid(), lab.ports, tuple(machine.key for machine in world.machines)).write(options.ready)
        try:
            yield lab
        finally:
            options.ready.unlink(missing_ok=True)
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            world.save(options.state)


async def serve(city: City, options: Options, stop_signals: Iterable[int] = (signal.SIGTERM, signal.SIGINT)) -> None:
    """Runs the lab until a stop signal."""
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it would log every command, Wi-Fi keys included
    stop = asyncio.Event()
    for number in stop_signals:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(city, options) as lab:
        log.info("lab of %d devices, SNMP port %d, SSH port %d", len(city.devices), lab.ports.snmp, lab.ports.ssh)
        await stop.wait()
