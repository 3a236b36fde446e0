"""The UDP end of pysnmp, made to survive what is no SNMP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.asyncio.dgram.base import DgramAsyncioProtocol

from fleet.snmp.agent import ber

logger = logging.getLogger(__name__)

Peer: TypeAlias = tuple[str, int]
"""Address and port."""


def is_v6(address: str) -> bool:
    return ":" in address


class _Careful(DgramAsyncioProtocol):  # type: ignore[misc]  # pysnmp carries no types
    """Undecodable datagrams end here, are counted by the caller, and never reach the event loop's exception handler.

    `lets_in` is asked of each datagram and the address and port that it comes from, before anything is decoded.
    """

    def __init__(
        self,
        on_garbage: Callable[[str, int], None] | None = None,
        lets_in: Callable[[bytes, Peer], bool] | None = None,
    ) -> None:
        super().__init__()
        self._on_garbage, self._lets_in = on_garbage, lets_in

    def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's own name
        if self._lets_in is None or self._lets_in(datagram, transportAddress[:2]):
            self.loop.call_soon(self._decode, datagram, transportAddress)

    def _decode(self, datagram: bytes, peer: Any) -> None:
        if self._callback_function is None:  # closed in the meantime
            return
        try:
            ber.read(datagram, 0, ber.SEQUENCE)  # pysnmp drops what is cut off without a word
            self._callback_function(self, peer, datagram)
        except Exception as error:  # pyasn1 and pysnmp raise anything from IndexError to TypeError on garbage
            logger.debug("undecodable datagram of %d octets from %s: %s", len(datagram), peer[0], type(error).__name__)
            if self._on_garbage is not None:
                self._on_garbage(peer[0], peer[1])


class _Careful4(_Careful, udp.UdpAsyncioTransport):  # type: ignore[misc]
    pass


class _Careful6(_Careful, udp6.Udp6AsyncioTransport):  # type: ignore[misc]
    pass


def transport_to(address: str) -> tuple[tuple[int, ...], type[_Careful]]:
    """What leads to an address, and pysnmp's name of it (RFC 3417, RFC 3419)."""
    return (udp6.DOMAIN_NAME, _Careful6) if is_v6(address) else (udp.DOMAIN_NAME, _Careful4)
