"""A View over a sorted list of entries that are encoded once, or computed at the moment of asking."""

from bisect import bisect_right
from collections.abc import Callable, Iterable

from fleet.snmp.agent import ber

Entry = tuple[ber.Arcs, bytes | Callable[[], bytes]]
"""An instance and its value: a whole BER value, or what makes one."""


class Table:
    def __init__(self, entries: Iterable[Entry]) -> None:
        ordered = sorted(entries, key=lambda entry: entry[0])
        self._arcs = [path for path, _ in ordered]
        self._oids = [ber.oid_octets(path) for path in self._arcs]
        self._values = [value for _, value in ordered]
        self._position = {oid: position for position, oid in enumerate(self._oids)}

    def __len__(self) -> int:
        return len(self._oids)

    def get(self, oid: bytes) -> bytes | None:
        position = self._position.get(oid)
        return None if position is None else self._value(position)

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        position = self._position.get(oid)
        position = bisect_right(self._arcs, ber.oid_arcs(oid)) if position is None else position + 1
        return None if position == len(self._oids) else (self._oids[position], self._value(position))

    def _value(self, position: int) -> bytes:
        value = self._values[position]
        return value if isinstance(value, bytes) else value()
