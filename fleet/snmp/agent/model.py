"""What the responder wants to know about a device, and about nothing else."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from fleet.snmp.types import V3Credential


@dataclass(frozen=True, slots=True)
class Engine:
    """An authoritative SNMP engine (RFC 3411 §5, RFC 3414 §2.2)."""

    id: bytes
    boots: int
    time_s: int


class View(Protocol):
    """The objects of a device. Identifiers are content octets (`ber.oid_octets`), values whole BER values."""

    def get(self, oid: bytes) -> bytes | None:
        """The value of this instance; None if there is none."""

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        """The next instance and its value in the order of arcs; None behind the last."""


class Agent(Protocol):
    """One device as the wire sees it. Every property is read anew for every request."""

    @property
    def reachable(self) -> bool:
        """False: not a datagram comes back."""

    @property
    def delay_s(self) -> float:
        """How long every answer takes."""

    @property
    def loss(self) -> float:
        """Share of requests that get lost, 0 to 1."""

    @property
    def communities(self) -> AbstractSet[bytes]:
        """Accepted with v1 and v2c; anything else is dropped without a word."""

    @property
    def user(self) -> V3Credential | None:
        """The one USM user it knows."""

    @property
    def engine(self) -> Engine: ...

    def view(self) -> View: ...
