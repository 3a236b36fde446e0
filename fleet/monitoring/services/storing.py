"""Writing measurements down: state, history and threshold alerts of a whole batch in one transaction."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from fleet.devices import services as devices
from fleet.devices.rules import AddressError
from fleet.devices.rules import mac as normal_mac
from fleet.devices.services import InterfaceDetails
from fleet.monitoring import metrics
from fleet.monitoring.models import Alert, Health, Sample
from fleet.monitoring.rules import polling, thresholds, values
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Availability, Pace, Status
from fleet.monitoring.services import alerts

WRITTEN = (
    "status",
    "status_since",
    "reason",
    "failures",
    "failing_since",
    "polled_at",
    "answered_at",
    "reading",
    "beyond",
    "next_poll_at",
    "claim",
    "claimed_until",
)


@dataclass(frozen=True)
class Fence:
    """Who may write: the holder of the claim, taken at that instant."""

    token: uuid.UUID
    taken_at: datetime


@dataclass
class Stored:
    """What a batch changed. Everything else in it was as before."""

    device_ids: set[int] = field(default_factory=set)
    sites_to_judge: set[int] = field(default_factory=set)
    fell_silent: set[int] = field(default_factory=set)
    """Their first failed poll in a row."""
    came_back: set[int] = field(default_factory=set)


@transaction.atomic
def store(fence: Fence, batch: Sequence[Measurement], pace: Pace) -> Stored:
    """Writes what the holder of the claim measured; rows that it no longer holds are left to their new holder."""
    held = _held(fence, batch)
    open_kinds = alerts.open_thresholds(device_ids=held.keys())
    stored, samples = Stored(), []
    for one in batch:
        row = held.get(one.device_id)
        if row is None:
            continue
        if one.reading is not None:
            learn(row, one.reading)
            samples.append(_sample(row, one.reading, one.measured_at))
            _judge_thresholds(row, samples[-1], open_kinds)
        _note(stored, row, _update(row, one, pace, fence))
    Health.objects.bulk_create(held.values(), update_conflicts=True, unique_fields=["device"], update_fields=WRITTEN)
    Sample.objects.bulk_create(samples)
    return stored


def _held(fence: Fence, batch: Sequence[Measurement]) -> dict[int, Health]:
    ids = [one.device_id for one in batch]
    rows = Health.objects.select_for_update().filter(claim=fence.token, pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def _sample(row: Health, reading: dict[str, Any], at: datetime) -> Sample:
    before = values.Said(row.reading, row.answered_at) if row.reading and row.answered_at else None
    measured = values.sample(values.Said(reading, at), before, metrics.known())
    return Sample(device_id=row.pk, polled_at=at, values=measured)


def _update(row: Health, one: Measurement, pace: Pace, fence: Fence) -> Availability:
    """Brings the row up to date; returns how it was before."""
    before = availability(row)
    if one.reading is None:
        after = polling.failed(before, one.reason, one.measured_at)
    else:
        after = polling.answered(before, one.measured_at)
        row.answered_at, row.reading = one.measured_at, one.reading
    row.status, row.status_since, row.reason = Health.Status(after.status), after.since, after.reason
    row.failures, row.failing_since, row.polled_at = after.failures, after.failing_since, one.measured_at
    if row.next_poll_at <= fence.taken_at:  # else somebody asked for a poll while this one was under way
        chance = random.random()  # noqa: S311  (spreads polls over time, guards nothing)
        row.next_poll_at = polling.next_poll_at(after, one.measured_at, pace, chance)
    row.claim = row.claimed_until = None
    return before


def availability(row: Health) -> Availability:
    return Availability(Status(row.status), row.status_since, row.failures, row.failing_since, row.reason)


def _note(stored: Stored, row: Health, before: Availability) -> None:
    stored.device_ids.add(row.pk)
    if row.failures == 1:
        stored.fell_silent.add(row.pk)
    if before.failures and not row.failures:
        stored.came_back.add(row.pk)
    if Status.DOWN in (before.status, row.status):
        stored.sites_to_judge.add(row.site_id)


def _judge_thresholds(row: Health, sample: Sample, open_kinds: Mapping[int, Mapping[str, Alert]]) -> None:
    alerting = open_kinds.get(row.pk, {})
    beyond: dict[str, str] = {}
    for name, value in sample.values.items():
        threshold = metrics.known()[name].threshold
        if threshold is None:
            continue
        since = row.beyond.get(name)
        watch = thresholds.Watch(datetime.fromisoformat(since) if since else None, alerting=name in alerting)
        step, beyond_since = thresholds.judge(threshold, value, watch, sample.polled_at)
        if beyond_since is not None:
            beyond[name] = beyond_since.isoformat()
        if step is thresholds.Step.OPEN:
            alerts.open_threshold(health=row, sample=sample, metric=metrics.known()[name])
        elif step is thresholds.Step.CLOSE:
            alerts.close(alert=alerting[name], at=sample.polled_at, evidence=_evidence(sample))
    row.beyond = beyond


def _evidence(sample: Sample) -> dict[str, Any]:
    return {
        "measured_at": sample.polled_at.isoformat(),
        "values": sample.values,
        "uptime_s": sample.values.get("uptime_s"),
    }


def learn(row: Health, reading: dict[str, Any]) -> None:
    """Takes over the names, numbers and MACs of the interfaces when the device tells of other ones than last time."""
    said = _interfaces(reading)
    if said and said != _interfaces(row.reading):
        devices.learn_interfaces(device_id=row.pk, said=said)


def _interfaces(reading: Mapping[str, Any]) -> list[InterfaceDetails]:
    feeding = {port["ifIndex"] for port in reading.get("poe") or []}
    return [
        InterfaceDetails(
            name=(one.get("name") or str(one["ifIndex"]))[:100],
            if_index=one["ifIndex"],
            alias=(one.get("alias") or "")[:200],
            mac=_mac(one.get("mac")),
            poe=one["ifIndex"] in feeding,
        )
        for one in reading.get("interfaces") or []
    ]


def _mac(said: str | None) -> str:
    try:
        return normal_mac(said) if said else ""
    except AddressError:
        return ""  # some agents give an interface without a MAC a shorter one
