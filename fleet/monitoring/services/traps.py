"""Notifications from devices: noted, and a reason to ask them earlier. They are not believed."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from fleet.devices.models import Credential, Device, Uplink
from fleet.devices.services import SNMP_KINDS
from fleet.monitoring import credentials, trapbook
from fleet.monitoring.models import Trap
from fleet.monitoring.services.asking import poll_soon
from fleet.monitoring.services.neighbours import behind
from fleet.snmp.types import Credential as SnmpCredential

REPEATED_WITHIN = timedelta(seconds=10)
"""The same notification of the same device, and of the same port of it, within this time is one."""
STORM_PER_MINUTE = 30
"""More from one address in a minute is a storm: it is neither noted nor does it make us ask more often."""
STRANGERS_PER_MINUTE = 60
"""So many of all addresses together that are none of our devices' are noted in a minute."""


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
    by_address = _by_address({notice.source_address for notice in notices})
    kept = _few_strangers(_new(notices), by_address)
    Trap.objects.bulk_create(
        Trap(
            device=_only(by_address.get(notice.source_address, ())),
            source_address=notice.source_address,
            oid=notice.oid[:200],
            received_at=notice.received_at,
            if_index=notice.if_index,
        )
        for notice in kept
    )
    told = [(device, one) for one in kept for device in by_address.get(one.source_address, ())]
    poll_soon(device_ids=_to_ask(told))
    return len(kept)


def _by_address(addresses: set[str]) -> Mapping[str, Sequence[Device]]:
    """Several authorities may use one private address."""
    found: defaultdict[str, list[Device]] = defaultdict(list)
    for device in Device.objects.polled().filter(address__in=addresses):
        found[device.address or ""].append(device)
    return found


def _only(devices: Sequence[Device]) -> Device | None:
    """Which of several has spoken nobody knows: all are asked, and it is noted as none's."""
    return devices[0] if len(devices) == 1 else None


def _to_ask(told: Sequence[tuple[Device, Notice]]) -> set[int]:
    """Who is asked early, as traps.toml says; of a notification that nobody knows, its sender."""
    asked: dict[str, list[tuple[Device, Notice]]] = {"device": [], "port": [], "behind": []}
    for device, one in told:
        entry = trapbook.entry(one.oid)
        for who in entry.ask if entry else ["device"]:
            asked[who].append((device, one))
    below = behind([device.pk for device, _one in asked["behind"]]) if asked["behind"] else {}
    return {
        *(device.pk for device, _one in asked["device"]),
        *_hanging_on([(device.pk, one.if_index) for device, one in asked["port"]]),
        *(one.pk for devices in below.values() for one in devices),
    }


def _hanging_on(ports: Sequence[tuple[int, int | None]]) -> set[int]:
    """What hangs on these ports (device, ifIndex): a link that went down says something about both ends."""
    wanted = Q(pk__in=())
    for device, if_index in ports:
        if if_index is not None:
            wanted |= Q(port__device=device, port__if_index=if_index)
    return set(Uplink.objects.filter(wanted).values_list("device_id", flat=True))


def _few_strangers(notices: Sequence[Notice], ours: Container[str]) -> list[Notice]:
    """What comes from addresses that nobody knows fills no table, however many they are."""
    strange = [one for one in notices if one.source_address not in ours]
    if not strange:
        return list(notices)
    minute_ago = min(one.received_at for one in strange) - timedelta(minutes=1)
    had = Trap.objects.filter(device__isnull=True, received_at__gte=minute_ago).count()
    noted = strange[: max(0, STRANGERS_PER_MINUTE - had)]
    return [one for one in notices if one.source_address in ours or one in noted]


def _new(notices: Sequence[Notice]) -> list[Notice]:
    """Without repetitions and without what a storm brings."""
    if not notices:
        return []
    minute_ago = min(notice.received_at for notice in notices) - timedelta(minutes=1)
    addresses = {notice.source_address for notice in notices}
    recent = Trap.objects.filter(source_address__in=addresses, received_at__gte=minute_ago)
    known = [Notice(*row) for row in recent.values_list("source_address", "oid", "received_at", "if_index")]
    kept: list[Notice] = []
    for notice in notices:
        before = [one for one in (*known, *kept) if one.source_address == notice.source_address]
        if len(before) < STORM_PER_MINUTE and not any(_repeats(notice, one) for one in before):
            kept.append(notice)
    return kept


def _repeats(notice: Notice, earlier: Notice) -> bool:
    """Of one address. Of two ports the same may be said at once."""
    same = (notice.oid, notice.if_index) == (earlier.oid, earlier.if_index)
    return same and notice.received_at - earlier.received_at < REPEATED_WITHIN
