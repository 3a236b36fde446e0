import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.snmp.agent import ber, pdu
from fleet.snmp.agent.message import reply
from fleet.snmp.errors import SnmpAuthError, SnmpError, SnmpProtocolError, SnmpTimeout, SnmpUnreachable, SnmpWalkError
from fleet.snmp.fetch import Fetcher, PysnmpFetcher
from fleet.snmp.types import Credential, Priv, Target, V1Credential, V2cCredential, V3Credential

SYS_DESCR, SYS_NAME = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.5.0"
IF_DESCR, IF_OPER = "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.8"
IF_HC_IN = "1.3.6.1.2.1.31.1.1.1.6"
ABSENT = "1.3.6.1.2.1.1.99.0"


@pytest.fixture(params=["v1", "v2c", "v3"])
def credential(request: pytest.FixtureRequest, user: V3Credential) -> Credential:
    return {"v1": V1Credential("test-community"), "v2c": V2cCredential("test-community"), "v3": user}[request.param]


async def test_get_leaves_out_what_is_not_there(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    found = await fetcher.get(net.target(credential=credential), [SYS_DESCR, ABSENT, SYS_NAME])

    assert found == {SYS_DESCR: b"Linux OpenWrt 5.15.150 aarch64", SYS_NAME: b"ap-204"}


async def test_walk_stays_below_its_columns(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    found = await fetcher.walk(net.target(credential=credential), [IF_DESCR, IF_OPER, "1.3.9"])

    assert found == {f"{IF_DESCR}.1": b"lo", f"{IF_DESCR}.2": b"eth0", f"{IF_OPER}.1": 1, f"{IF_OPER}.2": 2}


async def test_the_end_of_the_tree_where_a_v1_agent_does_not_say_at_which_object(
    fetcher: Fetcher, net: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = pdu._refuse
    monkeypatch.setattr(pdu, "_refuse", lambda request, status, _index: refuse(request, status, 0))
    net.devices["127.0.0.1"].objects = {"1.3.6.1.9.1.1": ber.integer(1), "1.3.6.1.9.1.2": ber.integer(2)}

    found = await fetcher.walk(net.target(credential=V1Credential("test-community")), ["1.3.6.1.9.1"])

    assert found == {"1.3.6.1.9.1.1": 1, "1.3.6.1.9.1.2": 2}


async def test_a_long_column_takes_many_requests(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    net.devices["127.0.0.1"].objects = {f"1.3.6.1.9.1.{row}": ber.integer(row) for row in range(1, 301)}

    found = await fetcher.walk(net.target(credential=credential), ["1.3.6.1.9.1"])

    assert list(found.values()) == list(range(1, 301))
    assert net.devices["127.0.0.1"].asked > 1


async def test_many_objects_are_asked_for_in_several_requests(fetcher: Fetcher, net: Any) -> None:
    net.devices["127.0.0.1"].objects = {f"1.3.6.1.9.{n}.0": ber.text("x" * 700) for n in range(1, 61)}

    found = await fetcher.get(net.target(), [f"1.3.6.1.9.{n}.0" for n in range(1, 61)])

    assert len(found) == 60


async def test_rows_of_long_texts(fetcher: Fetcher, net: Any) -> None:
    net.devices["127.0.0.1"].objects = {f"1.3.6.1.9.1.{row}": ber.text("x" * 250) for row in range(1, 31)}

    assert len(await fetcher.walk(net.target(), ["1.3.6.1.9.1"])) == 30


async def test_counters_of_64_bits(fetcher: Fetcher, net: Any) -> None:
    assert await fetcher.walk(net.target(), [IF_HC_IN]) == {f"{IF_HC_IN}.2": 2**40}


async def test_nobody_there(fetcher: Fetcher, net: Any) -> None:
    with pytest.raises(SnmpTimeout, match=r"127\.0\.0\.9:\d+ did not answer: 2 attempts of 0\.2 s"):
        await fetcher.get(net.target("127.0.0.9", timeout_s=0.2), [SYS_DESCR])


async def test_a_wrong_community_looks_like_nobody(fetcher: Fetcher, net: Any) -> None:
    with pytest.raises(SnmpTimeout) as caught:
        await fetcher.get(net.target(credential=V2cCredential("plantedSecret"), timeout_s=0.2, retries=0), [SYS_DESCR])

    assert "plantedSecret" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"user": "nobody"}, {"auth_key": "not the key"}, {"priv_protocol": Priv.NONE, "priv_key": ""}],
    ids=["user", "key", "level"],
)
async def test_v3_refusals_are_told_apart_from_silence(
    fetcher: Fetcher, net: Any, user: V3Credential, wrong: dict[str, Any]
) -> None:
    with pytest.raises(SnmpAuthError, match="refused the credential") as caught:
        await fetcher.get(net.target(credential=replace(user, **wrong)), [SYS_DESCR])

    assert user.auth_key not in str(caught.value)


async def test_the_same_user_name_with_different_keys(
    fetcher: Fetcher, net: Any, device: Callable[..., Any], user: V3Credential, system: dict[str, bytes]
) -> None:
    other = replace(user, auth_key="another phrase", priv_key="another secret")
    net.devices["127.0.0.2"] = device(system, user=other)

    answers = await asyncio.gather(
        *(fetcher.get(net.target("127.0.0.1", user), [SYS_NAME]) for _ in range(3)),
        *(fetcher.get(net.target("127.0.0.2", other), [SYS_NAME]) for _ in range(3)),
    )

    assert answers == [{SYS_NAME: b"ap-204"}] * 6


class Circle:
    """A view that leads a walk back to where it came from."""

    def get(self, _: bytes) -> bytes | None:
        return None

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        column = ber.arcs("1.3.6.1.9.1")
        last = ber.oid_arcs(oid)[-1] if len(ber.oid_arcs(oid)) > len(column) else 0
        return ber.oid_octets((*column, last % 7 + 1)), ber.integer(last)


FOLLOWING = {3: 1, 1: 7, 7: 2}


class Disorder:
    """A column whose rows an agent keeps in the order in which they came."""

    def get(self, _: bytes) -> bytes | None:
        return None

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        arcs = ber.oid_arcs(oid)
        row = 3 if arcs == ber.arcs("1.3.6.1.9.1") else FOLLOWING.get(arcs[-1])
        return None if row is None else (ber.oid_octets(ber.arcs(f"1.3.6.1.9.1.{row}")), ber.integer(row))


class Endless:
    """A view without end."""

    def get(self, _: bytes) -> bytes | None:
        return None

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        path = ber.oid_arcs(oid)
        return ber.oid_octets((*path[:-1], path[-1] + 1) if len(path) > 6 else (*path, 1)), ber.integer(1)


async def test_a_walk_in_circles_ends(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    net.devices["127.0.0.1"].other_view = Circle()

    with pytest.raises(SnmpWalkError, match="comes back to"):
        await fetcher.walk(net.target(credential=credential), ["1.3.6.1.9.1"])


async def test_rows_out_of_order_are_rows(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    net.devices["127.0.0.1"].other_view = Disorder()

    found = await fetcher.walk(net.target(credential=credential), ["1.3.6.1.9.1"])

    assert sorted(found.values()) == [1, 2, 3, 7]


async def test_a_walk_without_end_ends(net: Any) -> None:
    net.devices["127.0.0.1"].other_view = Endless()

    async with PysnmpFetcher(max_rows=100) as fetcher:
        with pytest.raises(SnmpWalkError, match="more than 100 rows"):
            await fetcher.walk(net.target(), ["1.3.6.1.9.1"])


class Babbler(asyncio.DatagramProtocol):
    """Answers everything with what is no SNMP."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, _: bytes, addr: Any) -> None:
        self.transport.sendto(b"garbage\x00\xff", addr)


async def test_garbage_is_called_garbage() -> None:
    loop, unhandled = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    transport, _ = await loop.create_datagram_endpoint(Babbler, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]

    async with PysnmpFetcher() as fetcher:
        with pytest.raises(SnmpProtocolError, match="not with SNMP that can be read"):
            await fetcher.get(Target("127.0.0.1", port, V2cCredential("any"), 0.3, 0), [SYS_DESCR])

    transport.close()
    assert unhandled == []


class Breaker(Babbler):
    """Answers as the device would, without the last octets."""

    def __init__(self, device: Any) -> None:
        self._device = device

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto((reply(self._device, data) or b"")[:-7], addr)


async def test_a_cut_answer_is_an_answer(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    loop = asyncio.get_running_loop()
    breaker = Breaker(net.devices["127.0.0.1"])
    transport, _ = await loop.create_datagram_endpoint(lambda: breaker, local_addr=("127.0.0.1", 0))
    target = Target("127.0.0.1", transport.get_extra_info("sockname")[1], credential, 0.3, 0)

    with pytest.raises(SnmpProtocolError, match="not with SNMP that can be read"):
        await fetcher.get(target, [SYS_DESCR])

    transport.close()


class Elsewhere(asyncio.DatagramProtocol):
    """Answers for a device, from another socket than the one it was asked at."""

    def __init__(self, device: Any, other: asyncio.DatagramTransport) -> None:
        self._device, self._other = device, other

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._other.sendto(reply(self._device, data) or b"", addr)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
async def test_an_answer_from_elsewhere_is_none(fetcher: Fetcher, net: Any, credential: Credential, address: str) -> None:
    loop = asyncio.get_running_loop()
    other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(address, 0))
    elsewhere = Elsewhere(net.devices["127.0.0.1"], other)
    asked, _ = await loop.create_datagram_endpoint(lambda: elsewhere, local_addr=("127.0.0.1", 0))
    target = Target("127.0.0.1", asked.get_extra_info("sockname")[1], credential, 0.3, 0)

    with pytest.raises(SnmpTimeout) as caught:
        await fetcher.get(target, [SYS_DESCR])

    if isinstance(fetcher, PysnmpFetcher):
        assert f"answers from {address}:{other.get_extra_info('sockname')[1]}; the poller will not hear it" in str(
            caught.value
        )
    asked.close()
    other.close()


class Mumbler(asyncio.DatagramProtocol):
    """Answers as the device would, with some octets changed or the end missing. Seeded: every run is the same."""

    def __init__(self, device: Any) -> None:
        self._device, self._dice = device, random.Random(20261123)  # noqa: S311 - damage, no cryptography

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = bytearray(reply(self._device, data) or b"")
        for _ in range(self._dice.choice((1, 1, 2, 5))):
            answer[self._dice.randrange(len(answer))] = self._dice.randrange(256)
        self.transport.sendto(answer[: self._dice.choice((len(answer), len(answer), len(answer) // 2))], addr)


class Speaker(asyncio.DatagramProtocol):
    """Answers for a device at whatever address it was bound to."""

    def __init__(self, device: Any) -> None:
        self._device = device

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(reply(self._device, data) or b"", addr)


async def test_an_address_of_ipv6(fetcher: Fetcher, net: Any, credential: Credential) -> None:
    loop = asyncio.get_running_loop()
    speaker = Speaker(net.devices["127.0.0.1"])
    transport, _ = await loop.create_datagram_endpoint(lambda: speaker, local_addr=("::1", 0))
    target = Target("::1", transport.get_extra_info("sockname")[1], credential, 1.0, 1)

    assert await fetcher.get(target, [SYS_NAME]) == {SYS_NAME: b"ap-204"}
    transport.close()
    with pytest.raises((SnmpTimeout, SnmpUnreachable)):
        await fetcher.get(replace(target, timeout_s=0.1, retries=0), [SYS_NAME])


async def test_damaged_answers_end_in_values_or_in_snmp_errors(net: Any, credential: Credential) -> None:
    loop, unhandled = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Mumbler(net.devices["127.0.0.1"]), local_addr=("127.0.0.1", 0)
    )
    target = Target("127.0.0.1", transport.get_extra_info("sockname")[1], credential, 0.2, 0)

    async with PysnmpFetcher() as fetcher, asyncio.timeout(30):
        asked = (fetcher.get(target, [SYS_DESCR, SYS_NAME]) for _ in range(60))
        walked = (fetcher.walk(target, [IF_DESCR, IF_OPER]) for _ in range(60))
        ended = await asyncio.gather(*asked, *walked, return_exceptions=True)

    transport.close()
    assert [end for end in ended if not isinstance(end, dict | SnmpError)] == []
    assert any(isinstance(end, SnmpError) for end in ended)
    assert unhandled == []


async def test_an_unusable_address(fetcher: Fetcher, net: Any) -> None:
    with pytest.raises(SnmpUnreachable):
        await fetcher.get(net.target("no such host name"), [SYS_DESCR])


async def test_never_more_in_flight_than_allowed(net: Any, device: Callable[..., Any], system: dict[str, bytes]) -> None:
    net.devices |= {f"127.0.1.{n}": device(system) for n in range(1, 101)}

    async with PysnmpFetcher() as fetcher:
        answers = await asyncio.gather(*(fetcher.get(net.target(f"127.0.1.{n}"), [SYS_NAME]) for n in range(1, 101)))

    assert answers == [{SYS_NAME: b"ap-204"}] * 100
