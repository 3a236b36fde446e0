"""A city of access points on one wildcard socket: lean enough for the fastest manager, and no part of what is measured.

`python -m tests.bench.simulator PORT [--dead 0.1]` prints `ready`. Every address of 127.16.0.0/12 is an OpenWrt-like access
point; all say the same, so an answer is encoded once per second and question. What they count goes on with the clock.
"""

import argparse
import asyncio
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from fleet.snmp.agent import Engine, Responder, Table, ber, pdu
from fleet.snmp.agent.responder import IP_PKTINFO, PKTINFO
from fleet.snmp.types import Auth, Priv, V3Credential

COMMUNITY = "city"
INTERFACES = 8
FIRST = 0x7F100000  # 127.16.0.0
IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
UCD, EXTEND = "1.3.6.1.4.1.2021", "1.3.6.1.4.1.8072.1.3.2.3.1.1"
UPTIME, SYS_OBJECT_ID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.2.0"


def address(number: int) -> str:
    return socket.inet_ntoa((FIRST + 1 + number).to_bytes(4, "big"))


def silent(number: int, dead: float) -> bool:
    """Whether that device never answers, where the share `dead` doesn't."""
    return number * 7919 % 1000 < dead * 1000


def extend(name: str) -> str:
    return ".".join(map(str, (EXTEND, len(name), *name.encode())))


def objects(seconds: int, interfaces: int = INTERFACES) -> dict[str, bytes]:
    """What an access point says `seconds` after it started."""
    found = {
        "1.3.6.1.2.1.1.1.0": ber.text("Linux ap 5.15.150 OpenWrt aarch64"),
        SYS_OBJECT_ID: ber.oid("1.3.6.1.4.1.8072.3.2.10"),
        UPTIME: ber.ticks(seconds * 100),
        "1.3.6.1.2.1.1.5.0": ber.text("ap"),
        f"{UCD}.11.11.0": ber.integer(80 + seconds % 9),
        f"{UCD}.4.5.0": ber.integer(250_000),
        f"{UCD}.4.6.0": ber.integer(110_000 + seconds % 100),
        f"{UCD}.4.14.0": ber.integer(9_000),
        f"{UCD}.4.15.0": ber.integer(31_000),
        extend("clients-wlan0"): ber.text(str(seconds % 30)),
        extend("clients-wlan1"): ber.text(str(seconds % 17)),
        extend("frequency-wlan0"): ber.text("2437"),
        extend("frequency-wlan1"): ber.text("5180"),
    }
    for port in range(1, interfaces + 1):
        found |= _interface(port, seconds)
    return found


def _interface(port: int, seconds: int) -> dict[str, bytes]:
    return {
        f"{IF}.2.{port}": ber.text(f"eth{port}"),
        f"{IF}.7.{port}": ber.integer(1),
        f"{IF}.8.{port}": ber.integer(1),
        f"{IF}.14.{port}": ber.counter32(seconds // 10),
        f"{IF}.20.{port}": ber.counter32(seconds // 20),
        f"{IFX}.1.{port}": ber.text(f"eth{port}"),
        f"{IFX}.6.{port}": ber.counter64(10**12 + seconds * 125_000 * port),
        f"{IFX}.10.{port}": ber.counter64(10**12 + seconds * 100_000 * port),
        f"{IFX}.15.{port}": ber.gauge32(1000),
    }


class Answers:
    """Encoded answers by question, as long as the second lasts. A miss costs a real encoding."""

    def __init__(self, made: Callable[[int], Mapping[str, bytes]]) -> None:
        self._made = made
        self._begun = time.monotonic() - 3600
        self._second = -1
        self._table = Table(())
        self._known: dict[bytes, bytes] = {}

    def reply(self, datagram: bytes) -> bytes | None:
        """Version, community and request id are taken over as they came; only v1 and v2c."""
        try:
            _, at, _ = ber.read(datagram, 0)
            _, _, after_version = ber.read(datagram, at)
            _, _, after_community = ber.read(datagram, after_version)
            _, id_at, _ = ber.read(datagram, after_community)
            _, _, id_end = ber.read(datagram, id_at)
        except ber.Malformed:
            return None
        rest = self._rest(datagram, after_community, id_end)
        return ber.tlv(0x30, datagram[at:after_community] + ber.tlv(pdu.RESPONSE, datagram[id_at:id_end] + rest))

    def _rest(self, datagram: bytes, pdu_at: int, id_end: int) -> bytes:
        """Everything behind the request id."""
        now = int(time.monotonic() - self._begun)
        if now != self._second:
            self._second = now
            self._known.clear()
            self._table = Table((ber.arcs(oid), value) for oid, value in self._made(now).items())
        key = datagram[pdu_at : pdu_at + 1] + datagram[id_end:]
        if key not in self._known:
            request = pdu.parse(datagram, pdu_at)
            whole = pdu.answer(request, self._table, 1) or b""
            _, start, _ = ber.read(whole, 0)
            _, _, after_id = ber.read(whole, start)
            self._known[key] = whole[after_id:]
        return self._known[key]


def serve(port: int, interfaces: int, dead: float, loss: float) -> None:
    """Until the process is ended. `dead`: share of addresses that never answer; `loss`: share of requests that get lost."""
    answers, dice = Answers(partial(objects, interfaces=interfaces)), random.Random(1)  # noqa: S311 - simulated loss
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, 16 << 20)
        sock.bind(("0.0.0.0", port))
        print("ready", sock.getsockname()[1], flush=True)
        space = socket.CMSG_SPACE(PKTINFO.size)
        while True:
            datagram, ancillary, _, peer = sock.recvmsg(65_535, space)
            asked = PKTINFO.unpack_from(ancillary[0][2])[2]
            number = int.from_bytes(asked, "big") - FIRST - 1
            if number < 0 or silent(number, dead) or (loss and dice.random() < loss):
                continue
            answered = answers.reply(datagram)
            if answered is not None:
                sock.sendmsg([answered], [(socket.IPPROTO_IP, IP_PKTINFO, PKTINFO.pack(0, asked, bytes(4)))], 0, peer)


USER = V3Credential("city", Auth.SHA256, "authentication", Priv.AES128, "privacy-key")


@dataclass
class Secured:
    """`fleet.snmp.agent.Agent` for every address: version 3 alone, each answer signed and encrypted."""

    reachable: bool = True
    delay_s: float = 0.0
    loss: float = 0.0
    communities: frozenset[bytes] = frozenset()
    user: V3Credential = USER
    begun: float = field(default_factory=time.monotonic)
    table: tuple[int, Table] = (-1, Table(()))

    @property
    def _seconds(self) -> int:
        return int(time.monotonic() - self.begun) + 3600

    @property
    def engine(self) -> Engine:
        return Engine(b"\x80\x00\x1f\x88\x03\x02\x00\x00\x00\x00\x01", 1, self._seconds)

    def view(self) -> Table:
        if self.table[0] != (now := self._seconds):
            self.table = now, Table((ber.arcs(oid), value) for oid, value in objects(now).items())
        return self.table[1]


async def serve_v3(port: int) -> None:
    agent = Secured()
    async with Responder(lambda _address: agent, port) as responder:
        print("ready", responder.port, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--dead", type=float, default=0.0)
    parser.add_argument("--interfaces", type=int, default=INTERFACES)
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--v3", action="store_true")
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity") and (cpus := os.sched_getaffinity(0)) and len(cpus) > 1:
        os.sched_setaffinity(0, {max(cpus)})
    try:
        if asked.v3:
            asyncio.run(serve_v3(asked.port))
        serve(asked.port, asked.interfaces, asked.dead, asked.loss)
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
