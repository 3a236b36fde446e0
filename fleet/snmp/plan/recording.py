"""Remembers what a device said while it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from fleet.snmp.errors import SnmpTimeout
from fleet.snmp.fetch.protocol import Fetcher
from fleet.snmp.types import Oid, Target, Value


class Recorder:
    """A Fetcher that keeps every instance that went through it in `said`, and how often nobody answered. For one device.

    What is said twice stays as it was first: the Reading is made of that. sysUpTime is asked for again at the end.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.said: dict[Oid, Value] = {}
        self.timeouts = 0

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        return await self._kept(self._fetcher.get(target, oids))

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        return await self._kept(self._fetcher.walk(target, columns))

    async def _kept(self, asked: Awaitable[dict[Oid, Value]]) -> dict[Oid, Value]:
        try:
            found = await asked
        except SnmpTimeout:
            self.timeouts += 1
            raise
        self.said = found | self.said
        return found
