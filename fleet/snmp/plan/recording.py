"""Remembers what a device said while it is read."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.snmp.fetch.protocol import Fetcher
from fleet.snmp.types import Oid, Target, Value


class Recorder:
    """A Fetcher that keeps every instance that went through it in `said`. For one device.

    What is said twice stays as it was first: the Reading is made of that. sysUpTime is asked for again at the end.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.said: dict[Oid, Value] = {}

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        found = await self._fetcher.get(target, oids)
        self.said = found | self.said
        return found

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        found = await self._fetcher.walk(target, columns)
        self.said = found | self.said
        return found
