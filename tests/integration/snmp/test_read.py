import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from fleet.snmp.agent import Table, View, ber
from fleet.snmp.errors import SnmpAuthError, SnmpProtocolError, SnmpRestarted, SnmpTimeout, SnmpTooLong
from fleet.snmp.fetch import Fetcher, GufoFetcher
from fleet.snmp.read import SYS_OBJECT_ID, SYS_UP_TIME, read, read_many, read_once
from fleet.snmp.types import Interface, Oid, Reading, Target, V2cCredential, V3Credential, Value
from tests.integration.snmp.conftest import in_stream

SYS_NAME, IF_DESCR = "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.2.2.1.2"


@pytest.mark.parametrize("version", ["v2c", "v3"])
async def test_reads_an_access_point(fetcher: Fetcher, net: Any, user: V3Credential, version: str) -> None:
    credential = user if version == "v3" else V2cCredential("test-community")

    reading = await read(fetcher, net.target(credential=credential))

    assert (reading.profile, reading.kind, reading.sysName, reading.uptime_s) == ("openwrt", "access-point", "ap-204", 123)
    assert reading.interfaces == (
        Interface(1, name="lo", oper="up"),
        Interface(2, name="eth0", oper="down", in_octets=2**40),
    )
    assert reading.problems == ()


async def test_an_object_that_is_there_decides(fetcher: Fetcher, net: Any) -> None:
    net.devices["127.0.0.1"].objects = {
        "1.3.6.1.2.1.1.1.0": ber.text("Some printer"),
        "1.3.6.1.2.1.1.2.0": ber.oid("1.3.6.1.4.1.99999.1"),
        "1.3.6.1.2.1.43.5.1.1.17.1": ber.text("SN-1"),
    }

    reading = await read(fetcher, net.target())

    assert (reading.profile, reading.kind, reading.serial) == ("generic/printer", "printer", "SN-1")


class Crooked:
    """One column leads in circles; everything else is in order."""

    def __init__(self, objects: dict[str, bytes], column: str) -> None:
        self._table = Table((ber.arcs(oid), value) for oid, value in objects.items())
        self._column = ber.oid_octets(ber.arcs(column))
        self._first = ber.oid_octets((*ber.arcs(column), 1))

    def get(self, oid: bytes) -> bytes | None:
        return self._table.get(oid)

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        if oid.startswith(self._column):
            return self._first, ber.text("lo")
        return self._table.after(oid)


async def test_a_crooked_column_costs_only_itself(fetcher: Fetcher, net: Any, system: dict[str, bytes]) -> None:
    net.devices["127.0.0.1"].other_view = Crooked(system, IF_DESCR)

    reading = await read(fetcher, net.target())

    assert [(i.name, i.oper) for i in reading.interfaces or ()] == [(None, "up"), (None, "down")]
    assert [problem for problem in reading.problems if IF_DESCR in problem] == list(reading.problems) != []


async def test_wrong_types_cost_only_themselves(fetcher: Fetcher, net: Any, system: dict[str, bytes]) -> None:
    wrong = {"1.3.6.1.2.1.1.3.0": ber.text("long ago"), "1.3.6.1.2.1.2.2.1.8.2": ber.text("")}
    net.devices["127.0.0.1"].objects = system | wrong

    reading = await read(fetcher, net.target())

    assert (reading.uptime_s, reading.sysName) == (None, "ap-204")
    assert [(i.name, i.oper) for i in reading.interfaces or ()] == [("lo", "up"), ("eth0", None)]


class Dying:
    """A device that falls silent after so many looks at its objects."""

    def __init__(self, device: Any, table: View, after: int) -> None:
        self._device, self._table, self._left = device, table, after

    def get(self, oid: bytes) -> bytes | None:
        self._left -= 1
        self._device.reachable = self._left > 0
        return self._table.get(oid)

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        self._left -= 1
        self._device.reachable = self._left > 0
        return self._table.after(oid)


async def test_a_device_that_dies_in_the_middle(fetcher: Fetcher, net: Any, system: dict[str, bytes]) -> None:
    device = net.devices["127.0.0.1"]
    device.other_view = Dying(device, Table((ber.arcs(oid), value) for oid, value in system.items()), after=30)

    with pytest.raises(SnmpTimeout):
        await read(fetcher, net.target(timeout_s=0.2, retries=0))


@dataclass
class Hanging:
    """A device that answers for the system group and for interfaces, and is silent about every other table."""

    inner: Fetcher
    dead: bool = False

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        if self.dead:
            raise SnmpTimeout("no answer")
        return await self.inner.get(target, oids)

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        if not columns[0].startswith(("1.3.6.1.2.1.2.", "1.3.6.1.2.1.31.")):
            raise SnmpTimeout("no answer")
        return await self.inner.walk(target, columns)


async def test_tables_that_a_device_hangs_on_cost_only_themselves(fetcher: Fetcher, net: Any) -> None:
    reading = await read(Hanging(fetcher), net.target())

    assert (reading.reachable, reading.sysName) == (True, "ap-204")
    assert [(i.name, i.oper) for i in reading.interfaces or ()] == [("lo", "up"), ("eth0", "down")]
    assert reading.problems[:2] == ("no answer", "no answer")


async def test_a_table_whose_datagrams_got_lost_is_asked_for_once_more(fetcher: Fetcher, net: Any) -> None:
    class Losing(Hanging):
        lost = False

        async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
            if not self.lost and columns[0].startswith(IF_DESCR):
                self.lost = True
                raise SnmpTimeout("no answer")
            return await self.inner.walk(target, columns)

    reading = await read(Losing(fetcher), net.target())

    assert [i.name for i in reading.interfaces or ()] == ["lo", "eth0"]
    assert reading.problems == ()


async def test_one_that_hangs_again_and_again_is_not_asked_for_ever(
    fetcher: Fetcher, net: Any, system: dict[str, bytes]
) -> None:
    net.devices["127.0.0.1"].objects = system | {SYS_OBJECT_ID: ber.oid("1.3.6.1.4.1.9.1.1208")}

    reading = await read(Hanging(fetcher), net.target())

    assert (reading.vendor, reading.sysName) == ("Cisco", "ap-204")
    assert len(reading.problems) == 7
    assert "silent 6 times" in reading.problems[-1]


async def test_silence_about_two_tables_and_about_the_uptime_is_silence(fetcher: Fetcher, net: Any) -> None:
    class Dead(Hanging):
        async def walk(self, *_: object) -> dict[Oid, Value]:
            self.dead = True
            raise SnmpTimeout("no answer")

    with pytest.raises(SnmpTimeout):
        await read(Dead(fetcher), net.target())


async def test_garbage_after_all_has_been_said_is_no_loss(fetcher: Fetcher, net: Any) -> None:
    class Babbling(Hanging):
        async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
            if oids == [SYS_UP_TIME]:
                raise SnmpProtocolError("garbage")
            return await self.inner.get(target, oids)

        async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
            return await self.inner.walk(target, columns)

    assert (await read(Babbling(fetcher), net.target())).sysName == "ap-204"


class Restarting:
    """An agent that begins its next life after so many looks at its objects."""

    def __init__(self, lives: list[View], after: int) -> None:
        self.lives, self._after, self._left = lives, after, after

    def _table(self) -> View:
        self._left -= 1
        if self._left < 0 and len(self.lives) > 1:
            del self.lives[0]
            self._left = self._after
        return self.lives[0]

    def get(self, oid: bytes) -> bytes | None:
        return self._table().get(oid)

    def after(self, oid: bytes) -> tuple[bytes, bytes] | None:
        return self._table().after(oid)


def lives(system: dict[str, bytes], uptimes: list[int]) -> list[View]:
    """The device's objects in each of its lives, which begin with these uptimes."""
    own = [{SYS_UP_TIME: ber.ticks(ticks), SYS_NAME: ber.text(f"life {life}")} for life, ticks in enumerate(uptimes)]
    return [Table((ber.arcs(oid), value) for oid, value in (system | said).items()) for said in own]


async def test_a_device_that_restarts_in_the_middle_is_read_anew(
    fetcher: Fetcher, net: Any, system: dict[str, bytes]
) -> None:
    device = net.devices["127.0.0.1"]
    device.other_view = Restarting(lives(system, [9_000_000, 4_000]), after=30)

    reading = await read(fetcher, net.target())

    assert len(device.other_view.lives) == 1
    assert (reading.sysName, reading.uptime_s, reading.problems) == ("life 1", 40, ())


async def test_one_that_restarts_again_and_again_cannot_be_read(
    fetcher: Fetcher, net: Any, system: dict[str, bytes]
) -> None:
    device = net.devices["127.0.0.1"]
    device.other_view = Restarting(lives(system, [9_000_000 - 200 * n for n in range(20)]), after=30)
    with pytest.raises(SnmpRestarted):
        await read(fetcher, net.target())


def test_what_was_read_of_a_slow_device_before_its_time_was_up_is_not_lost(net_beside: Any) -> None:
    net_beside.devices["127.0.0.1"].delay_s = 0.1

    with pytest.raises(SnmpTooLong) as slow:
        in_stream(read_once(GufoFetcher(), net_beside.target()), budget_s=1.0)

    assert slow.value.so_far is not None
    assert slow.value.so_far.sysName == "ap-204"
    assert slow.value.so_far.problems


async def test_read_many_streams_through_a_window(
    fetcher: Fetcher, net: Any, device: Callable[..., Any], system: dict[str, bytes], user: V3Credential
) -> None:
    net.devices |= {f"127.0.1.{n}": device(system) for n in range(1, 13)}
    net.devices["127.0.1.5"].reachable = False
    taken: list[str] = []

    def targets() -> Any:
        for address in list(net.devices):
            taken.append(address)
            yield address, net.target(address, timeout_s=0.5, retries=0)
        yield "refused", net.target("127.0.0.1", V3Credential("nobody", user.auth_protocol, user.auth_key))

    found: dict[str, Any] = {}
    async for key, result in read_many(fetcher, targets(), window=4):
        if not found:
            assert len(taken) <= 4
        found[key] = result

    assert isinstance(found.pop("127.0.1.5"), SnmpTimeout)
    assert isinstance(found.pop("refused"), SnmpAuthError)
    assert len(found) == 12
    assert all(isinstance(result, Reading) for result in found.values())


async def test_read_many_left_early_leaves_nothing_running(fetcher: Fetcher, net: Any) -> None:
    before = asyncio.all_tasks()
    stream = read_many(fetcher, ((n, net.target()) for n in range(20)), window=5)
    await anext(stream)

    await stream.aclose()

    left = {task for task in asyncio.all_tasks() - before if "_keyed" in str(task.get_coro())}
    assert left == set()
