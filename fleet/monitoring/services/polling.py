"""Asking devices: what is due, what somebody wants to know at once, and what a verification must know afresh."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime

from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring.models import Health
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.services import claims, judging, ticks
from fleet.monitoring.services.asking import poll_soon
from fleet.monitoring.services.claims import LEASE
from fleet.monitoring.services.working import Work
from fleet.monitoring.wire import WALK_BUDGET_S

__all__ = ["measure", "poll_due", "poll_now", "poll_soon", "watch"]

ASK_S = WALK_BUDGET_S + 5.0
MEASURE_WAIT_S = LEASE.total_seconds() + 25.0
LOOK_AGAIN_S = 0.2


def poll_due(*, now: datetime | None = None) -> int:
    """A tick of every shard, here and now, and what it means; returns how many devices were finished.

    Each takes what is free. Time goes on while they run: what one shard finds out may ask for a device of the next one at
    once.
    """
    begun = timezone.now()
    moment = now or begun
    due = [shard for shard in ticks.ensure_shards() if ticks.has_work(shard, moment)]
    polled = sum(
        ticks.run_tick(queue=shard.queue, number=shard.number, tick=shard.tick + 1, now=moment + (timezone.now() - begun))
        for shard in due
    )
    judging.judge_due(now=moment + (timezone.now() - begun))
    return polled


def poll_now(*, device_ids: Collection[int]) -> int:
    """Polls these at once, as far as nobody else is doing so already; returns how many were finished."""
    return len(_ask(device_ids, whole=False))


def measure(*, devices: Sequence[Device]) -> dict[int, Measurement]:
    """A fresh reading of each, begun after this call and stored like any poll; by device id.

    A device that another worker is asking is asked again afterwards. One that stays in other hands, or that SNMP cannot
    be asked about, comes back without a reading and with the reason.
    """
    for device in devices:
        watch(device=device)
    waiting = {device.pk for device in devices}
    measured: dict[int, Measurement] = {}
    give_up_at = time.monotonic() + MEASURE_WAIT_S
    while waiting and time.monotonic() < give_up_at:
        measured |= {one.device_id: one for one in _ask(waiting, whole=True)}
        waiting -= measured.keys()
        if waiting and not _askable(waiting):
            break
        if waiting:
            time.sleep(LOOK_AGAIN_S)
    return measured | {device_id: _not_measured(device_id) for device_id in waiting}


def _ask(device_ids: Collection[int], *, whole: bool) -> list[Measurement]:
    claim = claims.take_these(device_ids)
    done: list[Measurement] = []
    give_up_at = time.monotonic() + ASK_S
    if claim.rows:
        with Work(whole=whole) as work:
            work.add(claim)
            while work.busy and time.monotonic() < give_up_at:
                done += work.write_what_came()
        judging.judge_few(site_ids=work.in_doubt)
    return done


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
    if row.next_poll_at is None:
        row.next_poll_at = timezone.now()
        Health.objects.filter(pk=row.pk, next_poll_at__isnull=True).update(next_poll_at=row.next_poll_at)
    return row
