"""Rolling up: polls to hours, hours to days. Safe to be killed, to be done twice, and to be done by two at once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring.models import DailySample, HourlySample, Layout, RollupDue, Sample
from fleet.monitoring.rules import rollup
from fleet.monitoring.rules.rollup import GRACE, Grain, Packed
from fleet.monitoring.services import history

AT_ONCE = 200
"""Devices in one transaction."""
LEASE = timedelta(minutes=2)
BUDGET_S = 200.0
"""So long one task works on; what is left then is taken up by the next."""


@dataclass(frozen=True)
class _Step:
    """From which rows to which."""

    source: type[models.Model]
    by: str
    target: type[models.Model]
    keep: timedelta
    """How long the source is kept: beyond that a roll-up stays as it is."""


def _step(grain: Grain) -> _Step:
    if grain is Grain.HOUR:
        return _Step(Sample, "polled_at", HourlySample, timedelta(days=settings.KEEP_SAMPLES_DAYS))
    return _Step(HourlySample, "begin", DailySample, timedelta(days=settings.KEEP_HOURLY_DAYS))


def roll_up(*, now: datetime | None = None) -> int:
    """Makes the roll-ups that are due, oldest first, hours before days; returns how many became complete."""
    moment = now or timezone.now()
    stop_at = time.monotonic() + BUDGET_S
    return sum(_complete(due, moment, stop_at) for grain in (Grain.HOUR, Grain.DAY) for due in _ready(grain, moment))


def _ready(grain: Grain, now: datetime) -> Iterator[RollupDue]:
    """Those that are over. A day waits for its hours."""
    zone = timezone.get_default_timezone()
    hours = list(RollupDue.objects.filter(grain=Grain.HOUR).values_list("begin", flat=True))
    for due in RollupDue.objects.filter(grain=grain).order_by("begin"):
        end = rollup.end_of(grain, due.begin, zone)
        missing = grain is Grain.DAY and any(due.begin <= hour < end for hour in hours)
        if end + GRACE <= now and not missing:
            yield due


def _complete(due: RollupDue, now: datetime, stop_at: float) -> bool:
    """False if somebody else is at it, if time is up, or if it was noted again on the way."""
    if time.monotonic() >= stop_at or not _take(due):
        return False
    step, grain = _step(Grain(due.grain)), Grain(due.grain)
    end = rollup.end_of(grain, due.begin, timezone.get_default_timezone())
    if due.begin < now - step.keep:  # its source is (partly) gone; what is there already says more
        return _finish(due)
    while ids := _next_devices(due.done_to):
        with transaction.atomic():
            _fold(step, grain, ids, due.begin, end)
            due.done_to = ids[-1]
            if not _renew(due):
                return False
        if time.monotonic() >= stop_at:
            _same(due).update(taken_until=None)
            return False
    return _finish(due)


def _same(due: RollupDue) -> Any:
    """The row as long as nobody has noted it again."""
    return RollupDue.objects.filter(pk=due.pk, noted_at=due.noted_at)


def _take(due: RollupDue) -> bool:
    free = models.Q(taken_until__isnull=True) | models.Q(taken_until__lt=timezone.now())
    return bool(_same(due).filter(free).update(taken_until=timezone.now() + LEASE))


def _renew(due: RollupDue) -> bool:
    return bool(_same(due).update(done_to=due.done_to, taken_until=timezone.now() + LEASE))


@transaction.atomic
def _finish(due: RollupDue) -> bool:
    done = bool(_same(due).delete()[0])
    if done and due.grain == Grain.HOUR:
        day = rollup.day_of(due.begin, timezone.get_default_timezone())
        history.note(grain=Grain.DAY, begins=[day], now=timezone.now())
    return done


def _next_devices(after: int) -> list[int]:
    return list(Device.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _fold(step: _Step, grain: Grain, ids: Sequence[int], begin: datetime, end: datetime) -> None:
    within = {"device_id__in": ids, f"{step.by}__gte": begin, f"{step.by}__lt": end}
    rows = step.source._default_manager.filter(**within).order_by("device_id", step.by)
    said = list(rows.values_list("device_id", "layout_id", "values"))
    names = _names({layout_id for _device, layout_id, _values in said})
    made: dict[int, Packed] = {}
    for device_id, group in groupby(said, key=lambda row: row[0]):
        packed = (Packed(names[layout_id], bytes(values)) for _device, layout_id, values in group)
        made[device_id] = rollup.of_polls(packed) if grain is Grain.HOUR else rollup.of_rollups(packed)
    layouts = history.layouts({one.names for one in made.values()})
    step.target._default_manager.bulk_create(
        [
            step.target(device_id=device_id, begin=begin, layout_id=layouts[one.names], values=one.octets)
            for device_id, one in made.items()
        ],
        update_conflicts=True,
        unique_fields=["device_id", "begin"],
        update_fields=["layout", "values"],
    )


def _names(layout_ids: set[int]) -> dict[int, tuple[str, ...]]:
    return {pk: tuple(names) for pk, names in Layout.objects.filter(pk__in=layout_ids).values_list("pk", "names")}
