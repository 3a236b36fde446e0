"""What is gufo's alone: the stream, and that it says the same as pysnmp."""

import asyncio
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from fleet.lab.city import demo_city
from fleet.lab.mib import agents
from fleet.lab.world import World
from fleet.snmp import profiles
from fleet.snmp.agent import Responder, ber
from fleet.snmp.agent.message import reply
from fleet.snmp.errors import SnmpAuthError, SnmpError, SnmpProtocolError, SnmpTimeout, SnmpUnreachable
from fleet.snmp.fetch import GufoFetcher, PysnmpFetcher, Stream
from fleet.snmp.fetch.cutting import SYS_UP_TIME, cut, halves
from fleet.snmp.plan import Recorder, make
from fleet.snmp.read import read
from fleet.snmp.types import Auth, Credential, Priv, Reading, Target, V1Credential, V2cCredential, V3Credential
from tests.integration.snmp.conftest import Net, in_stream
from tests.integration.snmp.test_lab_devices import _credential

SYS_NAME, IF_DESCR = "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.2.2.1.2"


def test_both_fetchers_read_the_same_from_every_lab_device() -> None:
    async def compare() -> None:
        city = demo_city()
        async with Responder(agents(World(city)), 0) as responder, PysnmpFetcher() as thorough:
            for device in {device.platform: device for device in city.devices}.values():
                target = Target(device.address, responder.port, _credential(device))
                slow = await read(thorough, target)
                quick = await asyncio.to_thread(in_stream, read(GufoFetcher(), target))
                assert steady(quick) == steady(slow), device.key

    asyncio.run(compare())


FOLLOWED = (
    "uptime_s", "wireless.clients", "wireless.radios.clients", "cpu_percent", "memory.percent", "interfaces.in_octets",
    "interfaces.oper", "poe.power_w", "poe.status", "supplies.percent", "ups.charge_percent", "ups.on_battery",
)  # fmt: skip


def test_a_plan_gives_what_reading_the_same_device_again_gives() -> None:
    """Of every platform of the lab, later: the world has gone on meanwhile."""

    async def compare() -> None:
        city = demo_city()
        world = World(city)
        async with Responder(agents(world), 0) as responder:
            for device in {device.platform: device for device in city.devices}.values():
                target, fetcher = Target(device.address, responder.port, _credential(device)), GufoFetcher()
                recorder = Recorder(fetcher)
                reading = await asyncio.to_thread(in_stream, read(recorder, target))
                plan = make(profiles.default().by_name[reading.profile], recorder.said, reading, FOLLOWED)
                said = await asyncio.to_thread(in_stream, fetcher.get(target, plan.oids))
                again = await asyncio.to_thread(in_stream, read(fetcher, target))
                patched = plan.patch(reading.as_dict(), plan.values(said))
                assert (plan.left_out, steady(Reading.from_dict(patched))) == ((), steady(again)), device.key

    asyncio.run(compare())


def steady(reading: Reading) -> dict[str, Any]:
    """Without what goes on counting between two readings."""
    said = reading.as_dict()
    said["interfaces"] = [{name: row[name] for name in row if "octets" not in name} for row in said["interfaces"]]
    return {name: said[name] for name in said if name not in ("uptime_s", "cpu_percent", "memory")}


@pytest.mark.parametrize("auth", [Auth.MD5, Auth.SHA1, Auth.SHA256, Auth.SHA512])
@pytest.mark.parametrize("priv", [Priv.NONE, Priv.AES128])
def test_v3_protocols(net_beside: Net, auth: Auth, priv: Priv) -> None:
    user = V3Credential("netz", auth, "authentication", priv, "privacy-key" if priv != "none" else "")
    net_beside.devices["127.0.0.1"].user = user

    assert in_stream(GufoFetcher().get(net_beside.target(credential=user), [SYS_NAME])) == {SYS_NAME: b"ap-204"}


def test_a_v3_device_that_restarted_is_asked_for_its_time_again(net_beside: Net, user: V3Credential) -> None:
    fetcher, device, target = GufoFetcher(), net_beside.devices["127.0.0.1"], net_beside.target(credential=user)
    in_stream(fetcher.get(target, [SYS_NAME]))

    device.engine = replace(device.engine, boots=8, time_s=3)

    assert in_stream(fetcher.get(target, [SYS_NAME])) == {SYS_NAME: b"ap-204"}


def test_a_v3_device_that_was_replaced_answers_the_next_poll(net_beside: Net, user: V3Credential) -> None:
    fetcher, device = GufoFetcher(), net_beside.devices["127.0.0.1"]
    target = net_beside.target(credential=user, timeout_s=0.2)
    in_stream(fetcher.get(target, [SYS_NAME]))

    device.engine = replace(device.engine, id=b"\x80\x00\x1f\x88\x03another")

    with pytest.raises(SnmpTimeout):
        in_stream(fetcher.get(target, [SYS_NAME]))
    assert in_stream(fetcher.get(target, [SYS_NAME])) == {SYS_NAME: b"ap-204"}


def test_a_v3_socket_that_knows_its_engine_needs_one_round_trip(net_beside: Net, user: V3Credential) -> None:
    fetcher, device, target = GufoFetcher(), net_beside.devices["127.0.0.1"], net_beside.target(credential=user)
    in_stream(fetcher.get(target, [SYS_NAME]))
    device.asked = 0
    in_stream(fetcher.get(target, [SYS_NAME]))
    assert device.asked == 1


def test_an_agent_that_hides_its_uptime_is_not_asked_in_halves(net_beside: Net) -> None:
    device = net_beside.devices["127.0.0.1"]
    device.objects = {oid: value for oid, value in device.objects.items() if oid != SYS_UP_TIME}

    assert set(in_stream(GufoFetcher().get(net_beside.target(), [SYS_NAME, f"{IF_DESCR}.1", f"{IF_DESCR}.2"]))) == {
        SYS_NAME,
        f"{IF_DESCR}.1",
        f"{IF_DESCR}.2",
    }
    assert device.asked == 1


def test_many_at_once_and_the_dead_among_them_delay_nobody(net_beside: Net) -> None:
    device = net_beside.devices["127.0.0.1"]
    net_beside.devices |= {f"127.0.2.{n}": device for n in range(1, 201)}
    fetcher, ended = GufoFetcher(), []
    with Stream[str, Any]() as stream:
        for n in range(1, 221):  # the last twenty are dead
            target = net_beside.target(f"127.0.2.{n}", timeout_s=0.3, retries=1)
            stream.start(target.address, fetcher.get(target, [SYS_NAME]), 10)
        assert len(stream) == 220
        while len(stream):
            ended += stream.step(0.5)
        ended += stream.step(0)

    assert [isinstance(result, SnmpTimeout) for _, result in ended] == [False] * 200 + [True] * 20


def test_what_has_answered_in_time_is_heard_however_long_others_are_dealt_with(
    net_beside: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than are looked at in one go, and each deals with its answer for a while: the thread is late for most."""
    monkeypatch.setattr("fleet.snmp.fetch.stream.MAX_EVENTS", 20)
    device = net_beside.devices["127.0.0.1"]
    net_beside.devices |= {f"127.0.3.{n}": device for n in range(1, 201)}
    fetcher, ended = GufoFetcher(), []

    async def busy(target: Target) -> None:
        await fetcher.get(target, [SYS_NAME])
        time.sleep(0.01)  # noqa: ASYNC251  (that it holds up the others is the subject)

    with Stream[str, Any]() as stream:
        for n in range(1, 201):
            target = net_beside.target(f"127.0.3.{n}", timeout_s=0.6, retries=0)
            stream.start(target.address, busy(target), 10)
        while len(stream):
            ended += stream.step(0.5)
        ended += stream.step(0)

    assert [result for _, result in ended] == [None] * 200


def test_lost_datagrams_are_sent_again(net_beside: Net) -> None:
    net_beside.devices["127.0.0.1"].loss = 0.3
    fetcher = GufoFetcher()
    with Stream[int, Any]() as stream:
        for n in range(300):
            target = net_beside.target(timeout_s=0.2, retries=3)
            stream.start(n, fetcher.get(target, [SYS_NAME]), 10)
        ended: list[Any] = []
        while len(ended) < 300:
            ended += [result for _, result in stream.step(1.0)]
    answered = [result for result in ended if result == {SYS_NAME: b"ap-204"}]
    assert len(answered) > 285  # 0.3⁴ < 1 % stay unanswered


def test_a_device_that_is_too_slow_in_all_is_given_up(net_beside: Net) -> None:
    net_beside.devices["127.0.0.1"].delay_s = 0.2
    with pytest.raises(SnmpTimeout, match="took too long in all"):
        in_stream(GufoFetcher().walk(net_beside.target(), [IF_DESCR] * 10), budget_s=0.5)


def test_an_address_that_is_none() -> None:
    with pytest.raises(SnmpUnreachable):
        in_stream(GufoFetcher().get(Target("no such host name", 161, V2cCredential("any")), [SYS_NAME]))


@contextmanager
def answering(device: Any, change: Any) -> Iterator[int]:
    """A socket that answers as the device would, but changed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, peer = sock.recvfrom(65_535)
                except TimeoutError:
                    continue
                sock.sendto(change(bytearray(reply(device, data) or b"")), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()[1]
        over.set()
        thread.join()


def test_garbage_is_called_garbage(net_beside: Net) -> None:
    with (
        answering(net_beside.devices["127.0.0.1"], lambda _: b"garbage\x00\xff") as port,
        pytest.raises(SnmpProtocolError, match="not with SNMP that can be read"),
    ):
        in_stream(GufoFetcher().get(Target("127.0.0.1", port, V2cCredential("any"), 0.3, 0), [SYS_NAME, SYS_UP_TIME]))


@pytest.mark.parametrize("version", ["v1", "v2c", "v3"])
def test_damaged_answers_end_in_values_or_in_snmp_errors(net_beside: Net, user: V3Credential, version: str) -> None:
    dice = random.Random(20261123)  # noqa: S311 - damage, no cryptography
    community = "test-community"
    credential: Credential = {"v1": V1Credential(community), "v2c": V2cCredential(community), "v3": user}[version]

    def damage(answer: bytearray) -> bytes:
        for _ in range(dice.choice((1, 1, 2, 5))):
            answer[dice.randrange(len(answer))] = dice.randrange(256)
        return bytes(answer[: dice.choice((len(answer), len(answer), len(answer) // 2))])

    with answering(net_beside.devices["127.0.0.1"], damage) as port, Stream[int, Any]() as stream:
        fetcher, target = GufoFetcher(), Target("127.0.0.1", port, credential, 0.2, 0)
        for n in range(0, 200, 2):
            stream.start(n, fetcher.get(target, [SYS_NAME, SYS_UP_TIME]), 10)
            stream.start(n + 1, fetcher.walk(target, [IF_DESCR]), 10)
        ended: list[Any] = []
        while len(ended) < 200:
            ended += [result for _, result in stream.step(1.0)]
    assert [result for result in ended if not isinstance(result, dict | SnmpError)] == []
    assert any(isinstance(result, SnmpError) for result in ended)


def test_an_answer_signed_with_another_key_is_not_believed(net_beside: Net, user: V3Credential) -> None:
    """Only the last octets of the signature differ."""

    def forge(answer: bytearray) -> bytes:
        at = answer.find(ber.octets(user.user.encode())) + len(user.user) + 2 + 2
        answer[at + 5] ^= 0xFF
        return bytes(answer)

    with (
        answering(net_beside.devices["127.0.0.1"], forge) as port,
        pytest.raises((SnmpAuthError, SnmpTimeout, SnmpProtocolError)),
    ):
        in_stream(GufoFetcher().get(Target("127.0.0.1", port, user, 0.2, 0), [SYS_NAME]))


def test_requests_are_cut_so_that_no_datagram_is_split() -> None:
    oids = tuple(f"1.3.6.1.2.1.31.1.1.1.{column}.{port}" for column in (6, 10) for port in range(1, 49))

    requests = cut(oids).requests

    assert {oid for request in requests for oid in request} == {*oids, SYS_UP_TIME}
    for request in requests:
        longest = sum(len(ber.tlv(0x30, ber.oid(oid) + ber.counter64(2**64 - 1))) for oid in request)
        assert longest < 1_400


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_halving_comes_to_an_end(size: int) -> None:
    waiting, asked = [[f"1.3.6.1.9.{n}" for n in range(size)] + [SYS_UP_TIME]], 0
    alone: set[str] = set()
    while waiting:
        request = waiting.pop()
        asked += 1
        if len(request) == 1:
            alone.add(request[0])
        else:
            waiting += halves(request)
    assert len(alone) == size
    assert asked < 4 * size
