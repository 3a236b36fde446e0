"""Asking devices: claims what is due, streams it, writes it down in batches, hands back what it could not finish."""

import logging
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import credentials, wire
from fleet.monitoring.models import Health
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.services import storing
from fleet.monitoring.services.alerts import judge_sites
from fleet.monitoring.services.neighbours import ask_neighbours
from fleet.snmp.types import Credential as SnmpCredential
from fleet.snmp.types import Target

log = logging.getLogger(__name__)

LIVE_SHARE = 200
SLOW_SHARE = 24
"""How many devices one tick takes: enough to fill the windows for a while, few enough to hand back soon."""
LEASE = timedelta(seconds=20)
"""A claim that nobody renews for so long belongs to a worker that died; its devices are due again."""
TICK_S = 30.0
MEASURE_WAIT_S = LEASE.total_seconds() + 25.0
LOOK_AGAIN_S = 0.2


@dataclass(frozen=True)
class Claim:
    """What one worker holds. The token is the fence: whoever writes a result must still hold it."""

    token: uuid.UUID
    taken_at: datetime
    rows: Sequence[Health]


def poll_due(*, now: datetime | None = None) -> int:
    """Polls a shard of what is due; returns how many were finished. Ticks may overlap: each takes what is free."""
    moment = now or timezone.now()
    due = Health.objects.due(moment).polled().order_by("next_poll_at")
    token = uuid.uuid4()
    _take(due.filter(failures=0)[:LIVE_SHARE], token, moment)
    _take(due.silent()[:SLOW_SHARE], token, moment)
    return sum(len(batch) for batch in _poll(_claimed(token, moment)))


def poll_now(*, device_ids: Collection[int]) -> int:
    """Polls these at once, as far as nobody else is doing so already; returns how many were finished."""
    return sum(len(batch) for batch in _poll(_claim_these(device_ids)))


def measure(*, devices: Sequence[Device]) -> dict[int, Measurement]:
    """A fresh poll of each, begun after this call and stored like any poll; by device id.

    A device that another worker is asking is asked again afterwards. One that stays in other hands, or that SNMP cannot
    be asked about, comes back without a reading and with the reason.
    """
    for device in devices:
        watch(device=device)
    waiting = {device.pk for device in devices}
    measured: dict[int, Measurement] = {}
    give_up_at = time.monotonic() + MEASURE_WAIT_S
    while waiting and time.monotonic() < give_up_at:
        for batch in _poll(_claim_these(waiting)):
            measured |= {one.device_id: one for one in batch}
        waiting -= measured.keys()
        if waiting and not _askable(waiting):
            break
        if waiting:
            time.sleep(LOOK_AGAIN_S)
    return measured | {device_id: _not_measured(device_id) for device_id in waiting}


def _askable(device_ids: Collection[int]) -> bool:
    return Device.objects.polled().filter(pk__in=device_ids).exists()


def _not_measured(device_id: int) -> Measurement:
    reason = Health.Reason.BUSY if _askable([device_id]) else Health.Reason.CREDENTIAL
    return Measurement(device_id, timezone.now(), None, reason)


def watch(*, device: Device) -> Health:
    """From now on the device is polled."""
    row, _made = Health.objects.get_or_create(
        device=device, defaults={"authority_id": device.authority_id, "site_id": device.site_id}
    )
    return row


def poll_soon(*, device_ids: Collection[int]) -> None:
    """Makes these due now and wakes a worker once the caller's transaction is through."""
    ids = sorted(device_ids)
    if not ids:
        return
    Health.objects.filter(pk__in=ids).update(next_poll_at=timezone.now())
    transaction.on_commit(lambda: _wake(ids), robust=True)


def _wake(device_ids: list[int]) -> None:
    current_app.send_task("fleet.monitoring.poll_now", args=[device_ids])


def _claim_these(device_ids: Collection[int]) -> Claim:
    token, now = uuid.uuid4(), timezone.now()
    _take(Health.objects.free(now).polled().filter(pk__in=device_ids), token, now)
    return _claimed(token, now)


def _take(wanted: Any, token: uuid.UUID, now: datetime) -> None:
    """Compare-and-set: a row that another worker took meanwhile is no longer free, and stays with that worker.

    `next_poll_at` becomes the instant of taking: if it is later when the result is written, somebody has asked anew.
    """
    chosen = list(wanted.values_list("pk", flat=True))
    if chosen:
        Health.objects.free(now).filter(pk__in=chosen).update(claim=token, claimed_until=now + LEASE, next_poll_at=now)


def _claimed(token: uuid.UUID, taken_at: datetime) -> Claim:
    rows = Health.objects.filter(claim=token).select_related("device__snmp_credential")
    rows = rows.defer("device__snmp_credential__secret").order_by("next_poll_at")  # each is opened once, and by itself
    return Claim(token, taken_at, list(rows))


def _poll(claim: Claim) -> Iterator[list[Measurement]]:
    """Asks everything claimed and stores what comes; yields what was stored, batch by batch."""
    if not claim.rows:
        return
    try:
        lanes, unusable = _lanes(claim)
        if unusable:
            yield _write(claim, unusable)
        yield from _stream(claim, lanes)
    finally:
        Health.objects.filter(claim=claim.token).update(claim=None, claimed_until=None)


def _stream(claim: Claim, lanes: wire.Lanes) -> Iterator[list[Measurement]]:
    renew_at = time.monotonic() + LEASE.total_seconds() / 4
    with wire.stream(lanes, time.monotonic() + TICK_S) as batches:
        for batch in batches:
            if batch:
                yield _write(claim, batch)
            if time.monotonic() >= renew_at:
                Health.objects.filter(claim=claim.token).update(claimed_until=timezone.now() + LEASE)
                renew_at = time.monotonic() + LEASE.total_seconds() / 4


def _write(claim: Claim, batch: list[Measurement]) -> list[Measurement]:
    """Stores, then judges what that changed: two short transactions; what a crash in between leaves is judged by `tend`."""
    fence = storing.Fence(claim.token, claim.taken_at)
    stored = storing.store(fence, batch, Pace(settings.POLL_INTERVAL_S, settings.POLL_RETRY_S))
    judge_sites(site_ids=stored.sites_to_judge)
    poll_soon(device_ids=ask_neighbours(stored))
    return [one for one in batch if one.device_id in stored.device_ids]


def _lanes(claim: Claim) -> tuple[wire.Lanes, list[Measurement]]:
    known: dict[int, SnmpCredential | None] = {}
    live: list[tuple[int, Target]] = []
    slow: list[tuple[int, Target]] = []
    unusable: list[Measurement] = []
    for row in claim.rows:
        target = _target(row.device, known)
        if target is None:
            unusable.append(Measurement(row.pk, timezone.now(), None, Health.Reason.CREDENTIAL))
        else:
            (slow if row.failures else live).append((row.pk, target))
    return wire.Lanes(live, slow), unusable


def _target(device: Device, known: dict[int, SnmpCredential | None]) -> Target | None:
    row = device.snmp_credential
    if row is None or device.address is None:
        return None
    if row.pk not in known:
        try:
            known[row.pk] = credentials.snmp(row)
        except credentials.CredentialError:
            log.exception("credential unusable", extra={"credential_id": row.pk})
            known[row.pk] = None
    credential = known[row.pk]
    if credential is None:
        return None
    return Target(device.address, device.snmp_port, credential, timeout_s=settings.SNMP_TIMEOUT_S)
