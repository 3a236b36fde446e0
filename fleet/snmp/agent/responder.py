"""One wildcard UDP socket that answers for every address of 127/8 with an agent, from the address that was asked."""

import asyncio
import contextlib
import ipaddress
import random
import socket
import struct
from collections.abc import Callable
from typing import Self

from fleet.snmp.agent.message import reply
from fleet.snmp.agent.model import Agent

IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
"""ip(7); Python names it from 3.14 on."""
SO_BINDTODEVICE = 25
PKTINFO = struct.Struct("=I4s4s")
"""struct in_pktinfo: interface, local address, destination in the header."""
BUFFER = 4 * 1024 * 1024
MAX_DATAGRAM = 65_535
AT_ONCE = 64
"""Datagrams per turn of the event loop, so that everything else in the process gets its turn too."""
LOOPBACK = 127

Peer = tuple[str, int]


class Responder:
    """Use as `async with`. `find` gives the agent behind an address (dotted), or None for silence."""

    def __init__(self, find: Callable[[str], Agent | None], port: int, *, seed: int | None = None) -> None:
        self._find = find
        self._port = port
        self._dice = random.Random(seed)  # noqa: S311  (which datagram the simulated wire loses)
        self._socket: socket.socket | None = None
        self._later: set[asyncio.TimerHandle] = set()
        self.answered = 0

    async def __aenter__(self) -> Self:
        self._socket = _open(self._port)
        self._port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._on_readable)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        for timer in self._later:
            timer.cancel()
        self._socket.close()
        self._socket = None

    @property
    def port(self) -> int:
        return self._port

    def send(self, datagram: bytes, source: str, peer: Peer) -> None:
        """Sends something unasked, such as a trap, from the address `source`. What cannot be sent is lost."""
        self._send(datagram, ipaddress.IPv4Address(source).packed, peer)

    def _on_readable(self) -> None:
        for _ in range(AT_ONCE):
            if self._socket is None:
                return
            try:
                datagram, ancillary, _, peer = self._socket.recvmsg(MAX_DATAGRAM, socket.CMSG_SPACE(PKTINFO.size))
            except (BlockingIOError, InterruptedError, ConnectionRefusedError):
                return
            asked = _asked(ancillary)
            if asked is not None and asked[0] == LOOPBACK:
                self._handle(datagram, asked, peer)

    def _handle(self, datagram: bytes, asked: bytes, peer: Peer) -> None:
        agent = self._find(socket.inet_ntoa(asked))
        if agent is None or not agent.reachable or (agent.loss and self._dice.random() < agent.loss):
            return
        answered = reply(agent, datagram)
        if answered is None:
            return
        if agent.delay_s:
            self._send_later(agent.delay_s, answered, asked, peer)
        else:
            self._send(answered, asked, peer)

    def _send_later(self, delay_s: float, datagram: bytes, source: bytes, peer: Peer) -> None:
        def now() -> None:
            self._later.discard(timer)
            self._send(datagram, source, peer)

        timer = asyncio.get_running_loop().call_later(delay_s, now)
        self._later.add(timer)

    def _send(self, datagram: bytes, source: bytes, peer: Peer) -> None:
        if self._socket is None:
            return
        info = PKTINFO.pack(0, source, bytes(4))
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError, PermissionError):
            self._socket.sendmsg([datagram], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, peer)
            self.answered += 1


def _open(port: int) -> socket.socket:
    """Raises OSError, with the port in its text, when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        with contextlib.suppress(OSError):  # older kernels let only root do this; _on_readable checks the address anyway
            sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo\0")
        sock.bind(("0.0.0.0", port))  # noqa: S104  (only 127/8 is answered)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"UDP port {port}: {error.strerror}") from error
    return sock


def _asked(ancillary: list[tuple[int, int, bytes]]) -> bytes | None:
    """The address the datagram was sent to."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            return bytes(PKTINFO.unpack_from(data)[2])
    return None
