"""Which devices are not there, found out before Ansible waits for each of them."""

import asyncio
from collections.abc import Sequence

from fleet.devices.models import Device

KNOCK_S = 2.0
AT_ONCE = 200
SILENT = frozenset({"timeout", "unreachable"})
"""Reasons of a failed poll that say that nobody was there; all others say something else."""


def offline(devices: Sequence[Device], reasons: dict[int, str]) -> set[int]:
    """Ids of those that answer neither SNMP (`reasons`: {device id: why its fresh poll failed}) nor SSH; all at once."""
    silent = [device for device in devices if reasons.get(device.pk) in SILENT and device.address]
    if not silent:
        return set()
    heard = asyncio.run(_knock_all([(str(device.address), device.ssh_port) for device in silent]))
    return {device.pk for device, answers in zip(silent, heard, strict=True) if not answers}


async def _knock_all(places: Sequence[tuple[str, int]]) -> list[bool]:
    few = asyncio.Semaphore(AT_ONCE)

    async def one(place: tuple[str, int]) -> bool:
        async with few:
            return await _knock(*place)

    return await asyncio.gather(*(one(place) for place in places))


async def _knock(host: str, port: int) -> bool:
    """Whether an SSH server says its name (RFC 4253 §4.2) in time: an open port alone proves nothing."""
    try:
        async with asyncio.timeout(KNOCK_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return (await reader.read(4)).startswith(b"SSH")
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return False
