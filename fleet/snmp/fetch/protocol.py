"""What fetching is, whichever library does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fleet.snmp.types import Oid, Target, Value

MAX_ROWS = 20_000  # per walk; a school's largest forwarding table is far below


class Fetcher(Protocol):
    """Asks one device. Everything above this seam is independent of the SNMP library."""

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Values of these instances; an object the device does not have is absent from the answer.

        Splits what does not fit into one request. Raises SnmpError.
        """

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        """All instances below these columns, walked side by side, each in ascending order.

        Raises SnmpWalkError when a device answers in circles or without end, SnmpError otherwise.
        """
