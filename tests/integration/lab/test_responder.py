"""The responder by itself: levels of SNMPv3 that no lab device uses, sizes, silence."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC96_SHA,
    USM_AUTH_HMAC192_SHA256,
    USM_PRIV_CFB128_AES,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
)

from fleet.snmp.agent import Engine, Responder, Table, ber, pdu
from fleet.snmp.types import Auth, Priv, V3Credential

HERE, NOBODY = "127.21.0.1", "127.21.0.2"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
AUTH_PASSWORD, PRIV_PASSWORD = "a long pass phrase", "another pass phrase"
LONG = Table((ber.arcs(f"1.3.6.1.4.1.8072.9999.{n}.0"), ber.octets(bytes(300))) for n in range(1, 41))


@dataclass
class Device:
    user: V3Credential | None = None
    reachable: bool = True
    delay_s: float = 0.0
    loss: float = 0.0
    communities: frozenset[bytes] = frozenset({b"known"})
    engine: Engine = field(default=Engine(bytes.fromhex("80001f880302fd00000001"), 5, 1_000))
    table: Table = field(default_factory=lambda: Table([(ber.arcs(SYS_NAME), ber.text("here"))]))

    def view(self) -> Table:
        return self.table


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
async def responder(device: Device) -> AsyncIterator[Responder]:
    async with Responder(lambda address: device if address == HERE else None, 0) as responder:
        yield responder


async def ask_v3(port: int, user: UsmUserData) -> str:
    """sysName, or what pysnmp says is wrong."""
    engine = SnmpEngine()
    try:
        transport = await UdpTransportTarget.create((HERE, port), timeout=1, retries=0)
        asked = ObjectType(ObjectIdentity(SYS_NAME))
        error, _, _, binds = await get_cmd(engine, user, transport, ContextData(), asked, lookupMib=False)
        return str(error or binds[0][1])
    finally:
        engine.close_dispatcher()
        await asyncio.sleep(0)


AUTH_PRIV = UsmUserData("u", AUTH_PASSWORD, PRIV_PASSWORD, USM_AUTH_HMAC192_SHA256, USM_PRIV_CFB128_AES)
AUTH_ONLY = UsmUserData("u", AUTH_PASSWORD, None, USM_AUTH_HMAC96_SHA)
NO_AUTH = UsmUserData("u")  # noqa: S509  (what a stranger would try)


@pytest.mark.parametrize(
    ("known", "asks", "hears"),
    [
        (V3Credential("u", Auth.SHA256, AUTH_PASSWORD, Priv.AES128, PRIV_PASSWORD), AUTH_PRIV, "here"),
        (V3Credential("u", Auth.SHA1, AUTH_PASSWORD), AUTH_ONLY, "here"),
        (V3Credential("u"), NO_AUTH, "here"),
        (V3Credential("u", Auth.SHA1, AUTH_PASSWORD, Priv.AES128, PRIV_PASSWORD), AUTH_ONLY, "Unsupported"),
        (V3Credential("u", Auth.SHA1, AUTH_PASSWORD), NO_AUTH, "Unsupported"),
        (V3Credential("u", Auth.SHA256, "not the pass phrase", Priv.AES128, PRIV_PASSWORD), AUTH_PRIV, "digest"),
        (V3Credential("other", Auth.SHA1, AUTH_PASSWORD), AUTH_ONLY, "Unknown USM user"),
        (None, AUTH_PRIV, "Unknown USM user"),
    ],
)
async def test_levels_of_version_3(
    device: Device, responder: Responder, known: V3Credential | None, asks: UsmUserData, hears: str
) -> None:
    device.user = known
    assert hears in await ask_v3(responder.port, asks)


def request(*oids: str, kind: int = pdu.GET, second: int = 0, third: int = 0) -> bytes:
    bindings = b"".join(ber.tlv(ber.SEQUENCE, ber.oid(oid) + b"\x05\x00") for oid in oids)
    body = pdu.response(ber.integer(1), bindings, second, third, kind)
    return ber.tlv(ber.SEQUENCE, ber.integer(1) + ber.octets(b"known") + body)


async def exchange(port: int, datagram: bytes, address: str = HERE, wait_s: float = 2.0) -> tuple[bytes, str]:
    """(answer, address it came from). Raises TimeoutError on silence."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        manager.bind(("127.0.0.1", 0))
        await loop.sock_sendto(manager, datagram, (address, port))
        async with asyncio.timeout(wait_s):
            answer, (source, _) = await loop.sock_recvfrom(manager, 65_535)
    return answer, source


def parsed(answer: bytes) -> pdu.Request:
    _, start, _ = ber.read(answer, 0)
    _, at = ber.read_integer(answer, start)
    _, at = ber.read_octets(answer, at)
    return pdu.parse(answer, at)


async def test_the_answer_comes_from_the_address_that_was_asked(responder: Responder) -> None:
    answer, source = await exchange(responder.port, request(SYS_NAME))
    assert source == HERE
    assert answer.endswith(b"here")


async def test_an_address_without_a_device_is_silent(responder: Responder) -> None:
    with pytest.raises(TimeoutError):
        await exchange(responder.port, request(SYS_NAME), NOBODY, 0.2)


async def test_an_unreachable_device_is_silent(device: Device, responder: Responder) -> None:
    device.reachable = False
    with pytest.raises(TimeoutError):
        await exchange(responder.port, request(SYS_NAME), wait_s=0.2)


async def test_bulk_answers_stay_below_one_frame(device: Device, responder: Responder) -> None:
    device.table = LONG
    answer, _ = await exchange(responder.port, request("1.3", kind=pdu.GET_BULK, third=40))
    assert len(answer) < 1_472
    assert len(parsed(answer).oids) == 4


async def test_what_was_asked_for_by_name_and_is_too_much_is_refused_as_too_big(
    device: Device, responder: Responder
) -> None:
    device.table = LONG
    answer, _ = await exchange(responder.port, request(*(f"1.3.6.1.4.1.8072.9999.{n}.0" for n in range(1, 41))))
    assert (parsed(answer).second, parsed(answer).oids) == (pdu.TOO_BIG, [])


async def test_bulk_with_non_repeaters_and_the_end_of_the_view(responder: Responder) -> None:
    answer, _ = await exchange(responder.port, request("1.3", "1.3", kind=pdu.GET_BULK, second=1, third=5))
    name, end = ber.oid_octets(ber.arcs(SYS_NAME)), ber.END_OF_MIB_VIEW
    assert parsed(answer).oids == [name, name, name]
    assert answer.endswith(end)


async def test_setting_is_refused(responder: Responder) -> None:
    answer, _ = await exchange(responder.port, request(SYS_NAME, kind=pdu.SET))
    assert (parsed(answer).second, parsed(answer).third) == (pdu.NO_ACCESS, 1)


async def test_a_taken_port_is_named(responder: Responder) -> None:
    with pytest.raises(OSError, match=f"UDP port {responder.port}"):
        async with Responder(lambda _: None, responder.port):
            pass


async def test_answers_still_to_be_sent_end_with_the_responder(device: Device) -> None:
    device.delay_s = 0.2
    async with Responder(lambda _: device, 0) as responder:
        with pytest.raises(TimeoutError):
            await exchange(responder.port, request(SYS_NAME), wait_s=0.05)
    with pytest.raises(TimeoutError):
        await exchange(responder.port, request(SYS_NAME), wait_s=0.3)
    assert responder.answered == 0
