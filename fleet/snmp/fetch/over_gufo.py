"""The Fetcher for polling a city: v1, v2c and v3 over gufo-snmp's sockets, inside a `Stream`."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from gufo.snmp import _fast as gufo

from fleet.snmp import restarts, values
from fleet.snmp.errors import SnmpAuthError, SnmpProtocolError, SnmpTimeout, SnmpWalkError
from fleet.snmp.fetch import sockets
from fleet.snmp.fetch.cutting import SYS_UP_TIME, cut, halves
from fleet.snmp.fetch.protocol import MAX_ROWS
from fleet.snmp.fetch.stream import Exchange
from fleet.snmp.types import Oid, Target, V1Credential, V3Credential, Value

REPETITIONS = 20  # rows per GETBULK: with ordinary values the answer fits into one frame
FEW_REPETITIONS = 4
KEEP_V3 = 1_024  # sockets that know their engine's time: each saves two round trips per poll
KEEP = 64  # sockets of the other versions, which cost little to make
CLOCK_TRUSTED_S = 120.0  # of the time window's 150 s (RFC 3414 §2.2.3)

_OPAQUE = b"\x9f"
Row = tuple[Oid, Any] | None
"""None is the end of a walk."""


class GufoFetcher:
    """Fetcher over gufo-snmp. Its coroutines run in a `Stream` only. One request is in flight per socket.

    Streams of several threads may share one: who uses a socket has taken it out of the kept ones.
    """

    def __init__(self, *, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._kept: OrderedDict[Target, _Session] = OrderedDict()
        self._kept_v3: OrderedDict[Target, _Session] = OrderedDict()
        self._engine_ids: dict[tuple[str, int], bytes] = {}

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """See `Fetcher.get`. Raises SnmpRestarted if the device restarts between two requests."""
        needed = cut(tuple(oids))
        found: dict[Oid, Any] = {}
        session = self._take(target)
        for request in needed.requests:
            said = await _get(session, request)
            restarts.check(target, found.get(SYS_UP_TIME), said.get(SYS_UP_TIME))
            found |= said
        self._give_back(session)
        found |= {oid: _plain(value) for oid, value in found.items() if type(value) is bytes}
        return found if found.keys() <= needed.wanted else {oid: found[oid] for oid in found if oid in needed.wanted}

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        """See `Fetcher.walk`; one column after the other."""
        found: dict[Oid, Value] = {}
        session = self._take(target)
        for column in columns:
            await self._column(session, column, found)
        self._give_back(session)
        return found

    async def _column(self, session: _Session, column: Oid, found: dict[Oid, Value]) -> None:
        """gufo reads 4 KB of an answer; long texts come in smaller portions."""
        try:
            await self._rows(session, column, REPETITIONS, found)
        except SnmpWalkError:
            raise
        except SnmpProtocolError:
            await self._rows(session, column, FEW_REPETITIONS, found)

    async def _rows(self, session: _Session, column: Oid, repetitions: int, found: dict[Oid, Value]) -> None:
        head, seen = f"{column}.", set[Oid]()
        where = session.start(column, repetitions)
        while True:
            for row in await session.following(where):
                if row is None or not row[0].startswith(head):
                    return
                oid = row[0]
                if oid in seen:  # out of order is no harm as long as it is new
                    raise SnmpWalkError(f"walk of {column} comes back to {oid}")
                if len(found) >= self._max_rows:
                    raise SnmpWalkError(f"walk of {column} has more than {self._max_rows} rows")
                seen.add(oid)
                found[oid] = _plain(row[1])

    def _take(self, target: Target) -> _Session:
        """Out of the kept ones, so that nobody else uses it meanwhile; after an error it is not given back."""
        if isinstance(target.credential, V3Credential):
            return self._kept_v3.pop(target, None) or _V3Session(target, self._engine_ids)
        return self._kept.pop(target, None) or _Session(target)

    def _give_back(self, session: _Session) -> None:
        v3 = isinstance(session, _V3Session)
        kept, most = (self._kept_v3, KEEP_V3) if v3 else (self._kept, KEEP)
        kept[session.target] = session
        if len(kept) > most:
            with suppress(KeyError):  # another thread was quicker
                kept.popitem(last=False)


class _Session:
    """One agent's socket, versions 1 and 2c."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._v1 = isinstance(target.credential, V1Credential)
        self._socket: Any = None

    async def get(self, oids: list[Oid]) -> dict[Oid, Any]:
        """What an error-status leaves of them; gufo does not tell which."""
        said: dict[Oid, Any] = await self._ask("send_get_many", (oids,), "recv_get_many")
        return said

    def start(self, column: Oid, repetitions: int) -> Any:
        return gufo.GetIter(column, None if self._v1 else repetitions)

    async def following(self, where: Any) -> Sequence[Row]:
        """The next rows of a walk; never empty."""
        if self._v1:
            return [await self._ask("send_get_next", (where,), "recv_get_next", where)]
        return await self._ask("send_get_bulk", (where,), "recv_get_bulk", where) or [None]

    async def _ask(self, send: str, arguments: tuple[Any, ...], receive: str, where: Any = None) -> Any:
        if self._socket is None:
            self._socket = sockets.connected(self.target)
        return await self._exchange(send, arguments, receive, where)

    def _exchange(self, send: str, arguments: tuple[Any, ...], receive: str, where: Any = None) -> Exchange[Any]:
        take = getattr(self._socket, receive)
        if where is not None:
            take = partial(_row, take, where)
        return Exchange(self.target, self._socket, getattr(self._socket, send), arguments, take)


class _V3Session(_Session):
    """The same for version 3: it must know the agent's engine ID, boots and time (RFC 3414 §4)."""

    def __init__(self, target: Target, engine_ids: dict[tuple[str, int], bytes]) -> None:
        super().__init__(target)
        self._engine_ids = engine_ids
        self._heard_at = 0.0

    async def _ask(self, send: str, arguments: tuple[Any, ...], receive: str, where: Any = None) -> Any:
        """A refusal may be one of our time or of the engine ID (the device was restarted or replaced): learnt anew, once."""
        try:
            if self._socket is None or time.monotonic() - self._heard_at > CLOCK_TRUSTED_S:
                await self._introduce()
            said = await self._exchange(send, arguments, receive, where)
        except SnmpAuthError:
            self._forget()
            await self._introduce()
            said = await self._exchange(send, arguments, receive, where)
        except SnmpTimeout:  # gufo passes over the answers of another engine: perhaps the next poll meets it
            self._forget()
            raise
        self._heard_at = time.monotonic()
        return said

    def _forget(self) -> None:
        self._engine_ids.pop((self.target.address, self.target.port), None)

    async def _introduce(self) -> None:
        end = (self.target.address, self.target.port)
        if end not in self._engine_ids:
            self._socket = sockets.connected(self.target)
            await self._exchange("send_refresh", (), "recv_refresh")
            self._engine_ids[end] = self._socket.get_engine_id()
        self._socket = sockets.connected(self.target, self._engine_ids[end])
        await self._exchange("send_refresh", (), "recv_refresh")


async def _get(session: _Session, request: list[Oid]) -> dict[Oid, Any]:
    """In halves where the whole ends in an error-status (too many objects, or one of them), of which gufo leaves nothing,
    or is too long for gufo."""
    try:
        said = await session.get(request)
        if said or len(request) == 1:
            return said
    except SnmpProtocolError:
        if len(request) == 1:
            raise  # an agent that babbles is given up after a few halves
    said = {}
    for half in halves(request):
        said |= await _get(session, half)
    return said


def _row(take: Callable[[Any], Any], where: Any) -> Any:
    try:
        return take(where)
    except StopAsyncIteration:
        return None


def _plain(value: Any) -> Value:
    """gufo hands net-snmp's opaque floats over as the octets that they are wrapped in."""
    if type(value) is bytes and value.startswith(_OPAQUE):
        return values.opaque(value)
    plain: Value = value
    return plain
