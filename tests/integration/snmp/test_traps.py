import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from fleet.snmp.agent import ber, notification, pdu
from fleet.snmp.errors import SnmpUnreachable
from fleet.snmp.traps import Trap, listen
from fleet.snmp.types import V2cCredential

LINK_DOWN, IF_INDEX = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.3"
COMMUNITY = "trap-community"


@dataclass
class Ear:
    heard: asyncio.Queue[Trap]
    mouth: socket.socket

    async def next(self) -> Trap:
        return await asyncio.wait_for(self.heard.get(), 10)

    async def answer(self) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.mouth, 2000), 10)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    heard: asyncio.Queue[Trap] = asyncio.Queue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.setblocking(False)
        mouth.bind(("127.0.0.7", 0))
        async with listen("127.0.0.1", 0, heard.put_nowait, [V2cCredential(COMMUNITY)]) as listener:
            mouth.connect((listener.address, listener.port))
            yield Ear(heard, mouth)


def _link_down(community: str = COMMUNITY) -> bytes:
    return notification(community, 4711, LINK_DOWN, [(IF_INDEX, ber.integer(3))])


async def test_v2c(ear: Ear) -> None:
    ear.mouth.send(_link_down())

    trap = await ear.next()

    assert (trap.source_address, trap.trap_oid) == ("127.0.0.7", LINK_DOWN)
    assert trap.varbinds == (("1.3.6.1.2.1.1.3.0", 4711), (IF_INDEX, 3))
    assert abs((datetime.now(UTC) - trap.received_at).total_seconds()) < 60


async def test_v1_is_translated_and_holds_no_community(ear: Ear) -> None:
    enterprise = "1.3.6.1.4.1.8072.9999.9999"
    fields = (ber.oid(enterprise), ber.ip("127.0.0.7"), ber.integer(6), ber.integer(17), ber.ticks(99))
    binding = ber.tlv(ber.SEQUENCE, ber.oid(IF_INDEX) + ber.integer(3))
    body = ber.tlv(0xA4, b"".join(fields) + ber.tlv(ber.SEQUENCE, binding))
    ear.mouth.send(ber.tlv(ber.SEQUENCE, ber.integer(0) + ber.octets(COMMUNITY.encode()) + body))

    trap = await ear.next()

    assert trap.trap_oid == f"{enterprise}.0.17"
    assert dict(trap.varbinds)[IF_INDEX] == 3
    assert dict(trap.varbinds)["1.3.6.1.2.1.1.3.0"] == 99
    assert COMMUNITY not in repr(trap)


async def test_an_inform_is_acknowledged(ear: Ear) -> None:
    ear.mouth.send(_link_down().replace(bytes([pdu.TRAP]), bytes([pdu.INFORM]), 1))

    assert (await ear.next()).trap_oid == LINK_DOWN
    assert bytes([pdu.RESPONSE]) in await ear.answer()


async def test_strangers_and_garbage_are_dropped(ear: Ear) -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))

    for datagram in (_link_down("somebody else's"), b"garbage\x00\xff", b"", b"\x30\x80", _link_down()):
        ear.mouth.send(datagram)

    assert (await ear.next()).trap_oid == LINK_DOWN  # the last one: datagrams on loopback keep their order
    assert ear.heard.empty()
    assert unhandled == []


async def test_every_community_where_none_is_named() -> None:
    heard: asyncio.Queue[Trap] = asyncio.Queue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        async with listen("127.0.0.1", 0, heard.put_nowait) as listener:
            mouth.sendto(_link_down("whatever"), (listener.address, listener.port))

            trap = await asyncio.wait_for(heard.get(), 10)

    assert trap.trap_oid == LINK_DOWN
    assert "whatever" not in repr(trap)


@pytest.mark.parametrize(("bound", "source"), [("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")])
async def test_ipv6_alone_and_both_families_on_one_socket(bound: str, source: str) -> None:
    heard: asyncio.Queue[Trap] = asyncio.Queue()
    async with listen(bound, 0, heard.put_nowait, [V2cCredential(COMMUNITY)]) as listener:
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(_link_down(), (source, listener.port))

            trap = await asyncio.wait_for(heard.get(), 10)

    assert (trap.source_address, trap.trap_oid) == (source, LINK_DOWN)


async def test_a_taken_port_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(SnmpUnreachable, match=rf"UDP port {port}"):
            async with listen("127.0.0.1", port, print, []):
                pass
