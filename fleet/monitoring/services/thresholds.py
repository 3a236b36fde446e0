"""Whether what was measured is beyond a limit, and for long enough."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings

from fleet.devices.models import Device, DeviceType
from fleet.monitoring import metrics
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules import ranking, severity, thresholds
from fleet.monitoring.rules.kinds import MEASURED_OTHERWISE
from fleet.monitoring.rules.limits import Place
from fleet.monitoring.rules.ranking import Damage
from fleet.monitoring.rules.thresholds import HELD, Step, Watch
from fleet.monitoring.services import lifecycle, limits
from fleet.monitoring.services.hours import Hours
from fleet.monitoring.services.lifecycle import NOT_MEASURED
from fleet.monitoring.services.maintenance import covered

Kind = DeviceType.Kind
KEEP_KINDS_S = 300.0
_kinds: dict[int, str] = {}
"""{device: its kind}, for healths that come without their device: a kind hardly ever changes."""
_looked_up = {"at": time.monotonic()}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one poll has given. `values`: {metric: number}, folded over the device; `heard_at`: its answer before."""

    health: Health
    values: Mapping[str, float]
    measured_at: datetime
    heard_at: datetime | None = None


def judge(*, batch: Sequence[Judged]) -> None:
    """Opens and closes the alerts of metrics. Inside the caller's transaction, which also writes `health.beyond`.

    No query where nothing is beyond its limit and nothing alerting.
    """
    book, kinds = limits.book(), kinds_of(batch)
    suspects: list[tuple[Judged, Mapping[str, Threshold]]] = []
    for one in batch:
        row = one.health
        here = book.thresholds(Place(row.authority_id, kinds[row.pk], row.site_id, row.pk))
        if thresholds.suspicious(here, one.values, row.beyond):
            suspects.append((one, here))
    if suspects:
        bench = _Bench([one for one, _here in suspects], kinds)
        for one, here in suspects:
            bench.judge(one, here)


def forget_kinds() -> None:
    _kinds.clear()
    _looked_up["at"] = time.monotonic()


def _forget_old_kinds() -> None:
    """Somebody may have said of a device what it really is, in another process."""
    if time.monotonic() - _looked_up["at"] >= KEEP_KINDS_S:
        forget_kinds()


def kinds_of(batch: Sequence[Judged]) -> Mapping[int, str]:
    """{device: kind}. One query for those of which it is not known yet."""
    healths = [one.health for one in batch]
    loaded = {row.pk: row.device.kind for row in healths if Health.device.is_cached(row)}
    _forget_old_kinds()
    missing = [row.pk for row in healths if row.pk not in loaded and row.pk not in _kinds]
    if missing:
        _kinds.update(Device.objects.filter(pk__in=missing).values_list("pk", "kind"))
    return {row.pk: loaded.get(row.pk) or _kinds.get(row.pk, "") for row in healths}


def _interval_s(kind: str) -> float:
    """How often it is heard; what only a controller tells of comes at the controller's pace."""
    heard = (kind, Kind.CONTROLLER) if kind == Kind.ACCESS_POINT else (kind,)
    return max(settings.POLL_INTERVALS.get(one, settings.POLL_INTERVAL_S) for one in heard)


class _Bench:
    """What judging the suspects of a batch needs to know, each asked for at most once."""

    def __init__(self, suspects: Sequence[Judged], kinds: Mapping[int, str]) -> None:
        self._kinds = kinds
        self._healths = {one.health.pk: one.health for one in suspects}
        self._now = max(one.measured_at for one in suspects)
        self._hours = Hours({row.site_id for row in self._healths.values()}, self._now)

    @cached_property
    def _alerting(self) -> Mapping[int, Mapping[str, Alert]]:
        """{device: {metric: open alert}}; only what was beyond its limit before can have one."""
        found: dict[int, dict[str, Alert]] = {}
        before = [pk for pk, row in self._healths.items() if row.beyond]
        if before:
            rows = Alert.objects.open().filter(device__in=before)
            for alert in rows.exclude(kind__in=MEASURED_OTHERWISE):
                found.setdefault(alert.device_id, {})[alert.kind] = alert
        return found

    @cached_property
    def _covered(self) -> set[int]:
        return covered(device_ids=self._healths.keys(), at=self._now)

    def judge(self, one: Judged, here: Mapping[str, Threshold]) -> None:
        before = one.health.beyond
        after = {name: marker for name, marker in before.items() if name not in one.values and self._kept(one, name, here)}
        for name, value in one.values.items():
            if name in here or name in before:
                marker = self._metric(one, name, value, here.get(name))
                if marker is not None:
                    after[name] = marker
        one.health.beyond = after

    def _kept(self, one: Judged, name: str, here: Mapping[str, Threshold]) -> bool:
        """What is not said this time stays as it was, unless there is no limit for it any more."""
        if name in here:
            return True
        alert = self._alerting.get(one.health.pk, {}).get(name)
        if alert is not None:
            lifecycle.close(alert=alert, at=one.measured_at, evidence={**NOT_MEASURED})
        return False

    def _metric(self, one: Judged, name: str, value: float, limit: Threshold | None) -> str | None:
        """Acts on what the value means; returns what is to stand in `Health.beyond`."""
        alert = self._alerting.get(one.health.pk, {}).get(name)
        watch = Watch(self._since(one, name), alert is not None, alert is not None and alert.quiet_since is not None)
        step, beyond_since = thresholds.judge(limit, value, watch, one.measured_at)
        if step is Step.OPEN and limit is not None:
            self._open(one, name, limit)
        elif step is Step.RECUR and alert is not None:
            lifecycle.recur(alert=alert, at=one.measured_at)
        elif step is Step.CLOSE and alert is not None:
            evidence = {**NOT_MEASURED} if limit is None else _ending(one)
            closed = lifecycle.clear(alert=alert, at=one.measured_at, evidence=evidence)
            return None if closed or alert.closed_at else HELD
        if beyond_since is None:
            return HELD if watch.held else None
        return beyond_since.isoformat()

    def _since(self, one: Judged, name: str) -> datetime | None:
        marker = one.health.beyond.get(name)
        if not marker:
            return None
        interval_s = _interval_s(self._kinds[one.health.pk])
        return thresholds.lasting(datetime.fromisoformat(marker), one.heard_at, one.measured_at, interval_s)

    def _open(self, one: Judged, name: str, limit: Threshold) -> None:
        """In maintenance nothing is opened; what is still beyond its limit at the end is judged by the next poll."""
        row = one.health
        if row.pk in self._covered:
            return
        clock = metrics.known()[name].around_the_clock
        weight = severity.adjusted(
            limit.severity, self._hours.moment(row.site_id), hits_lessons=False, around_the_clock=clock
        )
        draft = Alert(
            authority_id=row.authority_id,
            site_id=row.site_id,
            device_id=row.pk,
            kind=name,
            severity=weight,
            base_severity=limit.severity,
            evidence_opened=_beginning(one, name, limit),
            rank=ranking.rank(Damage(weight, exam=ranking.examined(self._hours.calendar(row.site_id), self._now))),
        )
        lifecycle.open_alert(draft, at=one.measured_at)


def _beginning(one: Judged, name: str, limit: Threshold) -> dict[str, Any]:
    return {
        "measured_at": one.measured_at.isoformat(),
        "reason": "",
        "last_answered_at": one.measured_at.isoformat(),
        "last_values": dict(one.values),
        "value": one.values[name],
        "limit": limit.open,
        "below": limit.open < limit.clear,
        "behind": [],
    }


def _ending(one: Judged) -> dict[str, Any]:
    return {
        "measured_at": one.measured_at.isoformat(),
        "values": dict(one.values),
        "uptime_s": one.values.get("uptime_s"),
    }
