"""The whole lab on its own ports, asked with pysnmp: another implementation than the one that answers."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC96_SHA,
    USM_PRIV_CFB128_AES,
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    bulk_walk_cmd,
    get_cmd,
)

from fleet.lab.city import Device, LabPorts, SnmpV2c, SnmpV3, demo_city
from fleet.lab.server import Lab, Options, running

DEADLINE_S = 10.0


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def options(tmp_path: Path) -> Options:
    ports = LabPorts(free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM))
    return Options(tmp_path / "lab", ports, ("127.0.0.1", free_port(socket.SOCK_DGRAM)))


@pytest.fixture
async def lab(options: Options) -> AsyncIterator[Lab]:
    async with running(demo_city(), options) as lab:
        yield lab


class NoAnswerError(Exception):
    """What pysnmp says instead of an answer."""


@dataclass
class Asker:
    """A manager. Values come back as pysnmp's own types."""

    engine: SnmpEngine
    port: int

    async def get(self, device: Device, *oids: str, auth: Any = None, timeout_s: float = 2.0) -> dict[str, Any]:
        transport = await UdpTransportTarget.create((device.address, self.port), timeout=timeout_s, retries=0)
        asked = [ObjectType(ObjectIdentity(oid)) for oid in oids]
        error, status, _, binds = await get_cmd(
            self.engine, auth or credential(device), transport, ContextData(), *asked, lookupMib=False
        )
        if error or status:
            raise NoAnswerError(str(error or status))
        return {str(oid): value for oid, value in binds}

    async def walk(self, device: Device, root: str) -> dict[str, Any]:
        transport = await UdpTransportTarget.create((device.address, self.port), timeout=2, retries=0)
        found = {}
        async for error, status, _, binds in bulk_walk_cmd(
            self.engine, credential(device), transport, ContextData(), 0, 25, ObjectType(ObjectIdentity(root)),
            lookupMib=False, lexicographicMode=False,
        ):  # fmt: skip
            if error or status:
                raise NoAnswerError(str(error or status))
            found |= {str(oid): value for oid, value in binds}
        return found


def credential(device: Device) -> Any:
    match device.snmp:
        case SnmpV2c(community):
            return CommunityData(community)
        case SnmpV3(user, auth_password, priv_password):
            return UsmUserData(user, auth_password, priv_password, USM_AUTH_HMAC96_SHA, USM_PRIV_CFB128_AES)


@pytest.fixture
async def ask(lab: Lab) -> AsyncIterator[Asker]:
    engine = SnmpEngine()
    try:
        yield Asker(engine, lab.ports.snmp)
    finally:
        engine.close_dispatcher()
        await asyncio.sleep(0)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Waits until a condition holds, fails at the deadline."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(NoAnswerError):
                if await condition():
                    return
            await asyncio.sleep(0.05)
        pytest.fail("did not happen in time")

    return wait
