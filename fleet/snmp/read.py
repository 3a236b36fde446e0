"""Asking a device who it is and how it is: identify → pick the profile → fetch → interpret."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from fleet.snmp import profiles, restarts, values
from fleet.snmp.errors import (
    ProfileError,
    SnmpAuthError,
    SnmpError,
    SnmpProtocolError,
    SnmpRestarted,
    SnmpTimeout,
    SnmpTooLong,
)
from fleet.snmp.fetch import IN_FLIGHT, Fetcher
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.profiles import Profiles, Resolved
from fleet.snmp.types import Oid, Reading, Target, Value

Key = TypeVar("Key")
Part = tuple[Oid, ...]
"""Columns of one table, walked together; without any, the scalars."""

SYS_DESCR = "1.3.6.1.2.1.1.1.0"  # SNMPv2-MIB, RFC 3418
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"

_SCALARS: Part = ()
_DOUBT_AFTER = 2  # timeouts in a row: has the device gone, or does it only not answer for some tables?
_MOST_TIMEOUTS = 6  # in all: each costs every attempt that the target allows


async def read(fetcher: Fetcher, target: Target, known: Profiles | None = None) -> Reading:
    """Asks one device. A part that is missing or malformed is None in the Reading and named in its ``problems``.

    One that restarts meanwhile is asked anew. Raises SnmpTimeout, SnmpAuthError, SnmpUnreachable, SnmpRestarted or
    SnmpProtocolError if the device as a whole cannot be asked.
    """
    return await restarts.unbroken(partial(read_once, fetcher, target, known))


async def read_once(fetcher: Fetcher, target: Target, known: Profiles | None = None) -> Reading:
    """The same for whoever begins anew himself: raises SnmpRestarted. What took too long leaves what had been read by then
    in SnmpTooLong's `so_far`."""
    begun = time.monotonic()
    scalars = await fetcher.get(target, [SYS_DESCR, SYS_OBJECT_ID, SYS_UP_TIME])
    profile = await _pick(fetcher, target, scalars, known or profiles.default())
    reading = await _Reader(fetcher, target, profile, scalars).read()
    after: dict[Oid, Value] = {}
    with suppress(SnmpTimeout, SnmpProtocolError):  # all that was asked for has been said
        after = await fetcher.get(target, [SYS_UP_TIME])
    restarts.check(target, scalars.get(SYS_UP_TIME), after.get(SYS_UP_TIME), time.monotonic() - begun)
    return reading


async def read_many(
    fetcher: Fetcher, targets: Iterable[tuple[Key, Target]], window: int = IN_FLIGHT, known: Profiles | None = None
) -> AsyncIterator[tuple[Key, Reading | SnmpError]]:
    """Reads devices through a bounded window and yields each as soon as it is done: (key, Reading or the error).

    ``targets`` is consumed lazily; at most ``window`` devices are being read at any time, a dead one holds one place.
    """
    waiting = iter(targets)
    running: set[asyncio.Task[tuple[Key, Reading | SnmpError]]] = set()
    try:
        while True:
            while len(running) < window and (following := next(waiting, None)) is not None:
                running.add(asyncio.create_task(_keyed(fetcher, following, known)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        await _abandon(running)


async def _keyed(fetcher: Fetcher, one: tuple[Key, Target], known: Profiles | None) -> tuple[Key, Reading | SnmpError]:
    key, target = one
    try:
        return key, await read(fetcher, target, known)
    except SnmpError as error:
        return key, error


async def _abandon(running: set[asyncio.Task[tuple[Key, Reading | SnmpError]]]) -> None:
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _pick(fetcher: Fetcher, target: Target, scalars: dict[Oid, Value], known: Profiles) -> Resolved:
    """The most specific profile that fits; objects whose presence decides are fetched together."""
    sys_object_id, sys_descr = scalars.get(SYS_OBJECT_ID), scalars.get(SYS_DESCR)
    candidates = known.candidates(
        str(sys_object_id) if sys_object_id is not None else None,
        values.text(sys_descr) if sys_descr is not None else None,
    )
    if candidates and candidates[0][1].present:
        wanted = [oid for _, match in candidates for oid in match.present]
        scalars |= await fetcher.get(target, list(dict.fromkeys(wanted)))
    for profile, match in candidates:
        if not match.present or any(oid in scalars for oid in match.present):
            return profile
    raise ProfileError("no profile fits; one with an empty [[match]] must be there for what nobody profiled")


class _Reader:
    """One reading in the making: collects answers, and what went wrong on the way."""

    def __init__(self, fetcher: Fetcher, target: Target, profile: Resolved, scalars: dict[Oid, Value]) -> None:
        self._fetcher, self._target, self._profile = fetcher, target, profile
        self._scalars = scalars
        self._columns: dict[Oid, dict[str, Value]] = {}
        self._problems: list[str] = []
        self._silent: dict[Part, str] = {}
        self._timeouts = 0
        self._in_a_row = 0

    async def read(self) -> Reading:
        try:
            await self._ask()
        except SnmpTooLong as error:
            self._problems.append(str(error))
            error.so_far = self._reading()
            raise
        return self._reading()

    def _reading(self) -> Reading:
        failed = (column for columns in self._profile.columns for column in columns if column not in self._columns)
        problems = [*self._problems, *self._silent.values()]
        if self._timeouts >= _MOST_TIMEOUTS:
            problems.append(f"{self._target.address}: silent {self._timeouts} times, so it was not asked for the rest")
        return interpret(self._profile, Answers(self._scalars, self._columns, frozenset(failed)), problems)

    async def _ask(self) -> None:
        """What it was silent about is asked for once more in the end: a line that loses datagrams loses others then."""
        for part in (_SCALARS, *self._profile.columns):
            await self._ask_for(part)
        for part in tuple(self._silent):
            await self._ask_for(part)

    async def _ask_for(self, part: Part) -> None:
        if self._timeouts >= _MOST_TIMEOUTS:
            return
        self._silent.pop(part, None)
        try:
            await (self._walk(part) if part else self._get())
            self._in_a_row = 0
        except (SnmpAuthError, SnmpRestarted, SnmpTooLong):
            raise
        except SnmpTimeout as error:
            self._silent[part] = str(error)
            await self._doubt()
        except SnmpError as error:
            self._in_a_row = 0
            await self._split(part, error)

    async def _get(self) -> None:
        wanted = [oid for oid in self._profile.oids if oid not in self._scalars]
        self._scalars |= await self._fetcher.get(self._target, wanted)

    async def _walk(self, columns: Part) -> None:
        found = await self._fetcher.walk(self._target, columns)
        for column in columns:
            head = f"{column}."
            self._columns[column] = {oid[len(head) :]: value for oid, value in found.items() if oid.startswith(head)}

    async def _split(self, part: Part, error: SnmpError) -> None:
        """Only the column that is wrong shall be lost."""
        if len(part) <= 1:
            self._problems.append(str(error))
            return
        for column in part:
            await self._ask_for((column,))

    async def _doubt(self) -> None:
        """Raises SnmpTimeout where the device has been silent for long and does not even say how long it runs."""
        self._timeouts += 1
        self._in_a_row += 1
        if self._in_a_row < _DOUBT_AFTER:
            return
        with suppress(SnmpProtocolError):  # an answer, whatever it says
            await self._fetcher.get(self._target, [SYS_UP_TIME])
        self._in_a_row = 0
