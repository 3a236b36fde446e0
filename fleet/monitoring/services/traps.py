"""Notifications from devices: noted, and a reason to ask them earlier. They are not believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from fleet.devices.models import Credential, Device, Uplink
from fleet.devices.services import SNMP_KINDS
from fleet.monitoring import credentials
from fleet.monitoring.models import Trap
from fleet.monitoring.services.polling import poll_soon
from fleet.snmp.types import Credential as SnmpCredential

REPEATED_WITHIN = timedelta(seconds=10)
"""The same notification of the same device within this time is one."""
STORM_PER_MINUTE = 30
"""More from one address in a minute is a storm: it is neither noted nor does it make us ask more often."""


@dataclass(frozen=True)
class Notice:
    source_address: str
    oid: str
    received_at: datetime
    if_index: int | None = None
    """The port that it speaks of."""


def accepted() -> list[SnmpCredential]:
    """What a notification must carry to be heard: any SNMP credential that we have."""
    found: list[SnmpCredential] = []
    for row in Credential.objects.filter(kind__in=SNMP_KINDS).order_by("pk"):
        try:
            credential = credentials.snmp(row)
        except credentials.CredentialError:
            continue
        if credential not in found:
            found.append(credential)
    return found


@transaction.atomic
def take(*, notices: Sequence[Notice]) -> int:
    """Notes them and has their devices polled soon; returns how many were kept."""
    addresses = {notice.source_address for notice in notices}
    devices = Device.objects.polled().filter(address__in=addresses)
    by_address = {device.address: device for device in devices}
    kept = _new(notices)
    Trap.objects.bulk_create(
        Trap(
            device=by_address.get(notice.source_address),
            source_address=notice.source_address,
            oid=notice.oid[:200],
            received_at=notice.received_at,
        )
        for notice in kept
    )
    told = [(by_address[one.source_address].pk, one.if_index) for one in kept if one.source_address in by_address]
    poll_soon(device_ids={device for device, _port in told} | _hanging_on(told))
    return len(kept)


def _hanging_on(ports: Sequence[tuple[int, int | None]]) -> set[int]:
    """What hangs on these ports (device, ifIndex): a link that went down says something about both ends."""
    wanted = Q(pk__in=())
    for device, if_index in ports:
        if if_index is not None:
            wanted |= Q(port__device=device, port__if_index=if_index)
    return set(Uplink.objects.filter(wanted).values_list("device_id", flat=True))


def _new(notices: Sequence[Notice]) -> list[Notice]:
    """Without repetitions and without what a storm brings."""
    if not notices:
        return []
    minute_ago = min(notice.received_at for notice in notices) - timedelta(minutes=1)
    addresses = {notice.source_address for notice in notices}
    recent = Trap.objects.filter(source_address__in=addresses, received_at__gte=minute_ago)
    known = [Notice(*row) for row in recent.values_list("source_address", "oid", "received_at")]
    kept: list[Notice] = []
    for notice in notices:
        before = [one for one in (*known, *kept) if one.source_address == notice.source_address]
        repeated = any(one.oid == notice.oid and notice.received_at - one.received_at < REPEATED_WITHIN for one in before)
        if not repeated and len(before) < STORM_PER_MINUTE:
            kept.append(notice)
    return kept
