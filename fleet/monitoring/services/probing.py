"""Whether devices answer to a credential that they are not (yet) asked with."""

import asyncio
from collections.abc import Iterable

from fleet.devices.models import Credential, Device
from fleet.monitoring import credentials
from fleet.monitoring.services.discovery import TIMEOUT_S
from fleet.snmp.fetch import PysnmpFetcher
from fleet.snmp.read import read_many
from fleet.snmp.types import Reading, Target


def answering(devices: Iterable[Device], credential: Credential) -> set[int]:
    """Ids of those that answer over SNMP. Over the network, so outside of any transaction; nothing is written."""
    known = credentials.snmp(credential)
    targets = [(one.pk, Target(str(one.address), one.snmp_port, known, timeout_s=TIMEOUT_S, retries=2)) for one in devices]
    return asyncio.run(_asked(targets))


async def _asked(targets: list[tuple[int, Target]]) -> set[int]:
    async with PysnmpFetcher() as fetcher:
        return {pk async for pk, said in read_many(fetcher, targets) if isinstance(said, Reading)}
