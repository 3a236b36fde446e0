"""The network side of a poll: readings stream out of an event loop of its own, and the caller's thread writes them down.

The database is never waited for inside the loop, and a device that answers late never holds up one that answered.
"""

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from fleet.monitoring.models import Health
from fleet.monitoring.rules.measurement import Measurement
from fleet.snmp.errors import SnmpError, SnmpTimeout
from fleet.snmp.fetch import Fetcher, PysnmpFetcher
from fleet.snmp.read import read_many
from fleet.snmp.types import Oid, Reading, Target, Value

LIVE_WINDOW = 24
SLOW_WINDOW = 12
"""Devices asked at once: those that answered last time, and those that did not. Together below the fetcher's own limit."""
DEVICE_BUDGET_S = 15.0
"""A device that answers, but so slowly that its reading takes longer, is given up."""
BATCH_S = 0.5
"""How long answers are gathered before they are written together."""
BATCH_SIZE = 100


@dataclass(frozen=True)
class Lanes:
    """What to ask, apart by how it did last time: silent devices have a window of their own, so they delay nobody."""

    live: Sequence[tuple[int, Target]]
    slow: Sequence[tuple[int, Target]] = ()


@contextmanager
def stream(lanes: Lanes, stop_at: float) -> Iterator[Iterator[list[Measurement]]]:
    """Measurements in batches, one (perhaps empty) per BATCH_S, until all are in or `stop_at` (monotonic) is reached.

    Leaving the block ends whatever is still being asked.
    """
    arrived: queue.Queue[Measurement | None] = queue.Queue()
    loop_thread = _LoopThread(lanes, arrived)
    loop_thread.start()
    try:
        yield _batches(arrived, stop_at)
    finally:
        loop_thread.stop()


def _batches(arrived: "queue.Queue[Measurement | None]", stop_at: float) -> Iterator[list[Measurement]]:
    while time.monotonic() < stop_at:
        batch, ended = _gather(arrived)
        yield batch
        if ended:
            return


def _gather(arrived: "queue.Queue[Measurement | None]") -> tuple[list[Measurement], bool]:
    batch: list[Measurement] = []
    until = time.monotonic() + BATCH_S
    while len(batch) < BATCH_SIZE and (left := until - time.monotonic()) > 0:
        with suppress(queue.Empty):
            one = arrived.get(timeout=left)
            if one is None:
                return batch, True
            batch.append(one)
    return batch, False


class _LoopThread(threading.Thread):
    def __init__(self, lanes: Lanes, arrived: "queue.Queue[Measurement | None]") -> None:
        super().__init__(name="snmp", daemon=True)
        self._lanes = lanes
        self._arrived = arrived
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        try:
            with suppress(asyncio.CancelledError):
                asyncio.run(self._main())
        finally:
            self._arrived.put(None)

    def stop(self) -> None:
        self._ended.set()
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        self.join()

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._ended.is_set():
            return
        async with PysnmpFetcher() as library:
            fetcher = _Budgeted(library)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._lane(fetcher, self._lanes.live, LIVE_WINDOW))
                group.create_task(self._lane(fetcher, self._lanes.slow, SLOW_WINDOW))

    async def _lane(self, fetcher: Fetcher, targets: Sequence[tuple[int, Target]], window: int) -> None:
        answers: AsyncIterator[tuple[int, Reading | SnmpError]] = read_many(fetcher, targets, window)
        async for device_id, said in answers:
            self._arrived.put(_measurement(device_id, said, timezone.now()))


class _Budgeted:
    """A Fetcher that gives each device DEVICE_BUDGET_S from its first request on."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._until: dict[Target, float] = {}

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        with _as_timeout(target):
            async with asyncio.timeout_at(self._deadline(target)):
                return await self._fetcher.get(target, oids)

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        with _as_timeout(target):
            async with asyncio.timeout_at(self._deadline(target)):
                return await self._fetcher.walk(target, columns)

    def _deadline(self, target: Target) -> float:
        return self._until.setdefault(target, asyncio.get_running_loop().time() + DEVICE_BUDGET_S)


@contextmanager
def _as_timeout(target: Target) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise SnmpTimeout(f"{target.address}:{target.port} took longer than {DEVICE_BUDGET_S:g} s in all") from error


def _measurement(device_id: int, said: Reading | SnmpError, at: datetime) -> Measurement:
    if isinstance(said, SnmpError):
        return Measurement(device_id, at, None, _REASONS.get(said.cause, Health.Reason.PROTOCOL))
    return Measurement(device_id, at, _without_clients(said))


_REASONS = {reason.value: reason.value for reason in Health.Reason}


def _without_clients(reading: Reading) -> dict[str, Any]:
    """Forwarding tables hold the MAC addresses of people's devices: they are not kept."""
    return replace(reading, forwarding=None).as_dict()
