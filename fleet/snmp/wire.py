"""The UDP end of pysnmp, made to survive what is no SNMP."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pysnmp.carrier.asyncio.dgram.udp import DOMAIN_NAME, UdpAsyncioTransport

__all__ = ["DOMAIN_NAME", "CarefulUdp"]

logger = logging.getLogger(__name__)


class CarefulUdp(UdpAsyncioTransport):  # type: ignore[misc]  # pysnmp carries no types
    """Undecodable datagrams end here, are counted by the caller, and never reach the event loop's exception handler."""

    def __init__(self, on_garbage: Callable[[str, int], None] | None = None) -> None:
        super().__init__()
        self._on_garbage = on_garbage

    def datagram_received(self, datagram: bytes, transportAddress: Any) -> None:  # noqa: N803 - pysnmp's own name
        self.loop.call_soon(self._decode, datagram, transportAddress)

    def _decode(self, datagram: bytes, peer: Any) -> None:
        if self._callback_function is None:  # closed in the meantime
            return
        try:
            self._callback_function(self, peer, datagram)
        except Exception as error:  # pyasn1 and pysnmp raise anything from IndexError to TypeError on garbage
            logger.debug("undecodable datagram of %d octets from %s: %s", len(datagram), peer[0], type(error).__name__)
            if self._on_garbage is not None:
                self._on_garbage(peer[0], peer[1])
