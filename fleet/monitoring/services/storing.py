"""Writing measurements down: state, history and what exceeds its limits, of a whole batch in one transaction."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device, Interface
from fleet.devices.rules import AddressError
from fleet.devices.rules import mac as normal_mac
from fleet.devices.services import InterfaceDetails
from fleet.monitoring import metrics
from fleet.monitoring.models import Health, Latest
from fleet.monitoring.rules import polling, series, strangers, values
from fleet.monitoring.rules.measurement import Followed, Measurement
from fleet.monitoring.rules.polling import Availability, Pace, Status
from fleet.monitoring.rules.ports import names_a_port
from fleet.monitoring.rules.series import Poll
from fleet.monitoring.services import bulk, doubts, history, planning, thresholds
from fleet.monitoring.services.bulk import Calm, NewLatest
from fleet.monitoring.services.history import NewSample
from fleet.monitoring.services.thresholds import Judged
from fleet.snmp.plan import Plan

UNREAD = ("reading", "claim", "claimed_until", "polled_at")
"""Columns of a state that are written over, known, or large: a poll does not read them."""


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
    """Of which the batch has left a `Doubt`."""
    fell_silent: set[int] = field(default_factory=set)
    """Their first failed poll in a row."""
    came_back: set[int] = field(default_factory=set)


@dataclass
class _Batch:
    """What is to be written."""

    healths: Mapping[int, Health]
    latest: Mapping[int, Latest]
    known: Mapping[int, planning.Known]
    """Plans by their number."""
    made: Mapping[int, planning.Known] = field(default_factory=dict)
    """Plans that walks have just made, by device."""
    calm: list[Calm] = field(default_factory=list)
    states: list[Health] = field(default_factory=list)
    readings: dict[int, dict[str, Any]] = field(default_factory=dict)
    new_latest: list[NewLatest] = field(default_factory=list)
    without_plan: list[int] = field(default_factory=list)
    """Devices that had one, and whose walk gave none: what they said last by the old one is outdated."""
    samples: list[NewSample] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)


@transaction.atomic
def store(fence: Fence, batch: Sequence[Measurement], pace: Pace, paces: Mapping[int, Pace] | None = None) -> Stored:
    """Writes what the holder of the claim measured; rows that it no longer holds are left to their new holder.

    `paces`: those of devices that have another than `pace`.
    """
    work, stored = _read(fence, batch), Stored()
    before = {pk: (availability(row), dict(row.beyond)) for pk, row in work.healths.items()}
    held = _without_strangers(work, [one for one in batch if one.device_id in work.healths])
    _learn(work, {one.device_id: one.reading for one in held if one.reading is not None})
    work.made = planning.remembered(_new_plans(work, held))
    for one in held:
        row = work.healths[one.device_id]
        if one.answered:
            _keep(work, row, one)
        _update(row, one, (paces or {}).get(row.pk, pace), fence)
        _note(stored, row, before[row.pk][0])
    thresholds.judge(batch=work.judged)
    for row in work.healths.values():
        _sort(work, row, *before[row.pk])
    _write(work)
    doubts.add(site_ids=stored.sites_to_judge, at=timezone.now())
    return stored


def _read(fence: Fence, batch: Sequence[Measurement]) -> _Batch:
    ids = sorted(one.device_id for one in batch)
    rows = Health.objects.select_for_update().defer(*UNREAD).filter(claim=fence.token, pk__in=ids).order_by("pk")
    healths = {row.pk: row for row in rows}
    followed = [one.followed for one in batch if one.followed is not None]
    latest = Latest.objects.in_bulk([one.device_id for one in batch if one.answered and one.device_id in healths])
    plan_ids = {one.plan_id for one in followed if one.plan_id is not None}
    return _Batch(healths, latest, planning.current(plan_ids))


def _without_strangers(work: _Batch, held: Sequence[Measurement]) -> list[Measurement]:
    """Addresses of neighbours are kept of devices of ours alone; an IP address is another device at another authority."""
    readings = [one.reading for one in held if one.reading is not None]
    macs, ips = ({found for one in readings for found in told(one)} for told in (strangers.macs, strangers.ips))
    if not macs and not ips:
        return list(held)
    unknown = macs.difference(Interface.objects.filter(mac__in=macs).values_list("mac", flat=True))
    ours = set(Device.objects.in_service().filter(address__in=ips).values_list("authority_id", "address")) if ips else set()

    def cleared(one: Measurement) -> Measurement:
        authority_id = work.healths[one.device_id].authority_id
        foreign = unknown | {ip for ip in ips if (authority_id, ip) not in ours}
        return replace(one, reading=one.reading and strangers.without(one.reading, foreign))

    return [cleared(one) for one in held]


def _new_plans(work: _Batch, held: Sequence[Measurement]) -> dict[int, Plan]:
    followed = {one.device_id: one.followed for one in held if one.followed is not None}
    return {pk: one.plan for pk, one in followed.items() if (one.plan_id or 0) not in work.known}


def _write(work: _Batch) -> None:
    bulk.write_calm(work.calm)
    bulk.write_states(work.states)
    bulk.write_readings(work.readings)
    bulk.write_latest(work.new_latest)
    if work.without_plan:
        Latest.objects.filter(pk__in=work.without_plan).delete()
    history.record(samples=work.samples)


def _sort(work: _Batch, row: Health, was: Availability, beyond: Mapping[str, str]) -> None:
    if was.status is Status.UP and not was.failures and not row.failures and row.beyond == beyond and row.answered_at:
        work.calm.append(Calm(row.pk, row.answered_at, row.next_poll_at or row.answered_at, row.walk_due_at))
    else:
        work.states.append(row)


# Numbers


def _keep(work: _Batch, row: Health, one: Measurement) -> None:
    """What an answer says, for history and for judging."""
    if one.reading is not None:
        work.readings[row.pk] = one.reading
    if one.followed is not None:
        _follow(work, row, one, one.followed)
    elif one.reading is not None:  # a walk that no plan could be made of
        row.walk_due_at = one.measured_at  # at once again, but behind those that have waited
        latest = work.latest.get(row.pk)
        walked_at = latest.walked_at if latest else row.answered_at
        before = values.Said(row.reading, walked_at) if row.reading and walked_at else None
        said = values.sample(values.Said(one.reading, one.measured_at), before, metrics.known())
        work.samples.append(NewSample(row.pk, one.measured_at, tuple(said), tuple(said.values())))
        work.judged.append(Judged(row, said, one.measured_at, row.answered_at))
        if latest:
            work.without_plan.append(row.pk)


def _follow(work: _Batch, row: Health, one: Measurement, followed: Followed) -> None:
    known = work.made.get(one.device_id) or work.known[followed.plan_id or 0]
    latest, now = work.latest.get(row.pk), Poll(one.measured_at, followed.numbers)
    before = _base(latest) if latest is not None and latest.plan_id == known.pk else None
    said = known.series.values(now, before)
    restarted = before is not None and known.series.restarted(now, before)
    rest = _left_out(row, one, known.plan, latest)
    work.samples.append(NewSample(row.pk, one.measured_at, (*known.series.names, *rest), [*said, *rest.values()]))
    found = {**known.series.of_the_device(said), **values.folded(rest)}
    work.judged.append(Judged(row, found, one.measured_at, row.answered_at))
    walked_at = one.measured_at if one.reading is not None or latest is None else latest.walked_at
    row.walk_due_at = _walk_due(one, followed, row.walk_due_at, latest, restarted=restarted)
    base = known.series.base(now, before)
    numbers = series.pack(base.numbers)
    work.new_latest.append(NewLatest(row.pk, known.pk, one.measured_at, base.at, numbers, walked_at))


def _base(latest: Latest) -> Poll:
    """Where rates begin."""
    return Poll(latest.counted_at or latest.at, series.unpack(bytes(latest.numbers)))


def _left_out(row: Health, one: Measurement, plan: Plan, latest: Latest | None) -> dict[str, float | None]:
    """What no cell of the plan says is known of at walks alone: it is kept and judged at their pace."""
    if one.reading is None or not plan.left_out:
        return {}
    before = values.Said(row.reading, latest.walked_at) if latest is not None and row.reading else None
    others = {name: metric for name, metric in metrics.known().items() if metric.source in plan.left_out}
    return values.measured(values.Said(one.reading, one.measured_at), before, others)


def _walk_due(one: Measurement, followed: Followed, due_at: datetime, latest: Latest | None, *, restarted: bool) -> datetime:
    chance = random.random()  # noqa: S311  (spreads walks over time, guards nothing)
    if latest is None or (one.reading is not None and not followed.walk_soon):
        return polling.next_walk_at(one.measured_at, chance)
    if followed.walk_failed:
        return polling.walk_again_at(one.measured_at)
    if followed.walk_soon or restarted:
        return min(due_at, polling.early_walk_at(latest.walked_at, one.measured_at))
    return due_at


# State


def _update(row: Health, one: Measurement, pace: Pace, fence: Fence) -> None:
    before = availability(row)
    if one.answered:
        after = polling.answered(before, one.measured_at)
        row.answered_at = one.measured_at
    else:
        after = polling.failed(before, one.reason, one.measured_at)
    row.status, row.status_since, row.reason = Health.Status(after.status), after.since, after.reason
    row.failures, row.failing_since, row.polled_at = after.failures, after.failing_since, one.measured_at
    if row.next_poll_at is None or row.next_poll_at <= fence.taken_at:  # else somebody asked for a poll meanwhile
        row.next_poll_at = polling.next_poll_at(after, one.measured_at, pace, polling.place(row.pk))
    row.claim = row.claimed_until = None


def availability(row: Health) -> Availability:
    return Availability(Status(row.status), row.status_since, row.failures, row.failing_since, row.reason)


def _note(stored: Stored, row: Health, before: Availability) -> None:
    stored.device_ids.add(row.pk)
    if row.failures == 1:
        stored.fell_silent.add(row.pk)
    if before.failures and not row.failures:
        stored.came_back.add(row.pk)
    if polling.doubtful(before, availability(row)):
        stored.sites_to_judge.add(row.site_id)


# Interfaces


def _learn(work: _Batch, readings: Mapping[int, Mapping[str, Any]]) -> None:
    """Takes over names, numbers and MACs of interfaces where a device tells of other ones than at its last walk."""
    if not readings:
        return
    before = dict(Health.objects.filter(pk__in=readings).values_list("pk", "reading"))
    other: dict[int, list[InterfaceDetails]] = {}
    for pk, reading in readings.items():
        work.healths[pk].reading = before.get(pk, {})
        said = _interfaces(reading)
        if said and said != _interfaces(before.get(pk, {})):
            other[pk] = said
    if other:
        devices.learn_interfaces(said=other)


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
        if names_a_port(one["ifIndex"])
    ]


def _mac(said: str | None) -> str:
    try:
        return normal_mac(said) if said else ""
    except AddressError:
        return ""  # some agents give an interface without a MAC a shorter one
