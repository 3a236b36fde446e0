"""Devices made of a plain mapping from object identifier to BER value, answering on real UDP on loopback."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from fleet.snmp.agent import Engine, Responder, Table, View, ber
from fleet.snmp.errors import SnmpError
from fleet.snmp.fetch import Fetcher, GufoFetcher, PysnmpFetcher, Stream
from fleet.snmp.types import Auth, Credential, Oid, Priv, Target, V2cCredential, V3Credential, Value

COMMUNITY = "test-community"
USER = V3Credential("netz", Auth.SHA256, "authentication", Priv.AES128, "privacy-key")

ENGINE = Engine(b"\x80\x00\x1f\x88\x03\x02\x00\x00\x00\x00\x01", 7, 1000)

Objects = Mapping[str, bytes]


@dataclass
class Device:
    """`fleet.snmp.agent.Agent`; `asked` counts how often somebody wanted to see its objects."""

    objects: Objects = field(default_factory=dict)
    other_view: View | None = None
    reachable: bool = True
    delay_s: float = 0.0
    loss: float = 0.0
    communities: frozenset[bytes] = frozenset({COMMUNITY.encode()})
    user: V3Credential | None = USER
    engine: Engine = ENGINE
    asked: int = 0

    def view(self) -> View:
        self.asked += 1
        return self.other_view or Table((ber.arcs(oid), value) for oid, value in self.objects.items())


@dataclass
class Net:
    """Devices by loopback address, all at one port."""

    devices: dict[str, Device]
    port: int = 0

    def target(
        self,
        address: str = "127.0.0.1",
        credential: Credential | None = None,
        timeout_s: float = 2.0,
        retries: int = 1,
    ) -> Target:
        return Target(address, self.port, credential or V2cCredential(COMMUNITY), timeout_s, retries)


@pytest.fixture
def system() -> dict[str, bytes]:
    """The system group of an access point."""
    return {
        "1.3.6.1.2.1.1.1.0": ber.text("Linux OpenWrt 5.15.150 aarch64"),
        "1.3.6.1.2.1.1.2.0": ber.oid("1.3.6.1.4.1.8072.3.2.10"),
        "1.3.6.1.2.1.1.3.0": ber.ticks(12_345),
        "1.3.6.1.2.1.1.5.0": ber.text("ap-204"),
        "1.3.6.1.2.1.2.2.1.2.1": ber.text("lo"),
        "1.3.6.1.2.1.2.2.1.2.2": ber.text("eth0"),
        "1.3.6.1.2.1.2.2.1.8.1": ber.integer(1),
        "1.3.6.1.2.1.2.2.1.8.2": ber.integer(2),
        "1.3.6.1.2.1.31.1.1.1.6.2": ber.counter64(2**40),
    }


@pytest.fixture
def device() -> Callable[..., Device]:
    return Device


@pytest.fixture
def user() -> V3Credential:
    return USER


@pytest.fixture
async def net(system: dict[str, bytes]) -> AsyncIterator[Net]:
    """One access point at 127.0.0.1; tests put more devices beside it."""
    found = Net({"127.0.0.1": Device(system)})
    async with Responder(found.devices.get, 0) as responder:
        found.port = responder.port
        yield found


def in_stream(coroutine: Coroutine[Any, Any, Any], budget_s: float = 30.0) -> Any:
    """Runs what uses a GufoFetcher; raises what it raised."""
    with Stream[int, Any]() as stream:
        stream.start(0, coroutine, budget_s)
        ended: list[tuple[int, Any]] = []
        while not ended:
            ended = stream.step(1.0)
    result = ended[0][1]
    if isinstance(result, SnmpError):
        raise result
    return result


class Quick:
    """A GufoFetcher as seen from asyncio: each call in a stream of its own, in a thread."""

    def __init__(self) -> None:
        self.fetcher = GufoFetcher()

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        found: dict[Oid, Value] = await asyncio.to_thread(in_stream, self.fetcher.get(target, oids))
        return found

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        found: dict[Oid, Value] = await asyncio.to_thread(in_stream, self.fetcher.walk(target, columns))
        return found


@pytest.fixture(params=["pysnmp", "gufo"])
async def fetcher(request: pytest.FixtureRequest) -> AsyncIterator[Fetcher]:
    if request.param == "gufo":
        yield Quick()
        return
    async with PysnmpFetcher() as opened:
        yield opened


@pytest.fixture
def net_beside(system: dict[str, bytes]) -> Iterator[Net]:
    """The same for callers that run an event loop of their own: the responder lives in a thread."""
    found = Net({"127.0.0.1": Device(system)})
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def respond() -> None:
        async with Responder(found.devices.get, 0) as responder:
            found.port = responder.port
            ready.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(respond(),))
    thread.start()
    assert ready.wait(10)
    yield found
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()
