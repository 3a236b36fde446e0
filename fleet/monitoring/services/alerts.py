"""Opening, suppressing and closing alerts. Each says so as an event in its own transaction."""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.events.services import Fact, emit
from fleet.monitoring import metrics
from fleet.monitoring.metrics import Metric
from fleet.monitoring.models import Alert, Health, Sample
from fleet.monitoring.rules import causes, values
from fleet.monitoring.rules.causes import Kind, Node, Picture, Verdict
from fleet.monitoring.rules.polling import Availability, Status
from fleet.monitoring.services.neighbours import parents
from fleet.people.models import User
from fleet.sites.models import Site

UNREACHABLE = "unreachable"


def acknowledge(*, alert: Alert, by: User) -> bool:
    """Somebody has seen it; the first one counts."""
    unseen = Alert.objects.open().filter(pk=alert.pk, acknowledged_at__isnull=True)
    won = unseen.update(acknowledged_by=by, acknowledged_at=timezone.now()) == 1
    alert.refresh_from_db(fields=["acknowledged_by", "acknowledged_at"])
    return won


def judge_sites(*, site_ids: Collection[int], now: datetime | None = None) -> None:
    """Who is to blame for what is silent there: opens, suppresses, releases and closes alerts accordingly."""
    for site_id in sorted(site_ids):
        _judge_site(site_id, now or timezone.now())


@transaction.atomic
def _judge_site(site_id: int, now: datetime) -> None:
    Site.objects.select_for_update(no_key=True).get(pk=site_id)  # one judge per site at a time
    bench = _Bench.of(site_id, now)
    verdicts = Picture(bench.nodes(), bench.parents, now).verdicts()
    for device_id, verdict in verdicts.items():
        if verdict.kind is Kind.ROOT:
            bench.blame(device_id)
        elif verdict.kind is Kind.FINE:
            bench.close(device_id)
    for device_id, verdict in verdicts.items():
        if verdict.kind is Kind.SUPPRESSED:
            bench.suppress(device_id, verdict)


@dataclass
class _Bench:
    """What one judgement of a site knows and does."""

    now: datetime
    healths: Mapping[int, Health]
    parents: Mapping[int, frozenset[int]]
    alerts: dict[int, Alert]
    """Open `unreachable` alerts by device."""
    names: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, site_id: int, now: datetime) -> "_Bench":
        healths = Health.objects.polled().filter(site=site_id).select_related("device").in_bulk()
        opened = Alert.objects.open().filter(site=site_id, kind=UNREACHABLE)
        names = dict(Device.objects.filter(site=site_id).values_list("pk", "name"))
        return cls(now, healths, parents([site_id]), {alert.device_id: alert for alert in opened}, names)

    def nodes(self) -> dict[int, Node]:
        return {device_id: self._node(health) for device_id, health in self.healths.items()}

    def _node(self, health: Health) -> Node:
        alert = self.alerts.get(health.pk)
        state = Availability(
            Status(health.status), health.status_since, health.failures, health.failing_since, health.reason
        )
        suppressed = alert is not None and alert.suppressed_by_id is not None
        return Node(state, health.answered_at, alerting=alert is not None, suppressed=suppressed)

    def blame(self, device_id: int) -> None:
        """The device is silent for itself."""
        alert = self.alerts.get(device_id)
        if alert is None:
            self._open(device_id, None)
        elif alert.suppressed_by_id is not None:
            alert.suppressed_by = None
            alert.save(update_fields=["suppressed_by"])
            tell("alert.opened", alert, released=True)

    def suppress(self, device_id: int, verdict: Verdict) -> None:
        """The device is silent because another one is."""
        cause = self.alerts.get(verdict.root) if verdict.root is not None else None
        alert = self.alerts.get(device_id)
        if cause is None:
            return
        if alert is None:
            self._open(device_id, cause)
        elif alert.suppressed_by_id != cause.pk:
            alert.suppressed_by = cause
            alert.save(update_fields=["suppressed_by"])
            tell("alert.suppressed", alert)

    def close(self, device_id: int) -> None:
        alert = self.alerts.pop(device_id, None)
        health = self.healths[device_id]
        if alert is not None and health.answered_at is not None:
            close(alert=alert, at=self.now, evidence=_answer(health, health.answered_at))

    def _open(self, device_id: int, cause: Alert | None) -> None:
        health = self.healths[device_id]
        below = [self.names[one] for one in causes.behind(device_id, self.parents) if one in self.names]
        evidence = _silence(health) | {"behind": below}
        alert = open_alert(_draft(health, UNREACHABLE, Alert.Severity.CRITICAL, evidence), at=self.now, cause=cause)
        if alert is not None:
            self.alerts[device_id] = alert


def _draft(health: Health, kind: str, severity: str, evidence: dict[str, Any]) -> Alert:
    return Alert(
        authority_id=health.authority_id,
        site_id=health.site_id,
        device_id=health.pk,
        kind=kind,
        severity=severity,
        evidence_opened=evidence,
    )


def _silence(health: Health) -> dict[str, Any]:
    return {
        "measured_at": _iso(health.polled_at),
        "reason": health.reason,
        "silent_since": _iso(health.failing_since),
        "failed_polls": health.failures,
        "last_answered_at": _iso(health.answered_at),
        "last_values": values.gauges(health.reading, metrics.known()),
    }


def _answer(health: Health, answered_at: datetime) -> dict[str, Any]:
    return {
        "measured_at": answered_at.isoformat(),
        "values": values.gauges(health.reading, metrics.known()),
        "uptime_s": health.reading.get("uptime_s"),
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def open_thresholds(*, device_ids: Collection[int]) -> dict[int, dict[str, Alert]]:
    """{device: {metric: open alert}}."""
    found: dict[int, dict[str, Alert]] = {}
    for alert in Alert.objects.open().filter(device__in=device_ids).exclude(kind=UNREACHABLE):
        found.setdefault(alert.device_id, {})[alert.kind] = alert
    return found


def open_threshold(*, health: Health, sample: Sample, metric: Metric) -> None:
    """A metric has been beyond its limit for long enough."""
    if metric.threshold is None:
        return
    evidence = {
        "measured_at": sample.polled_at.isoformat(),
        "reason": "",
        "last_answered_at": sample.polled_at.isoformat(),
        "last_values": sample.values,
        "value": sample.values[metric.name],
        "limit": metric.threshold.open,
        "behind": [],
    }
    open_alert(_draft(health, metric.name, metric.threshold.severity, evidence), at=sample.polled_at)


def open_alert(draft: Alert, *, at: datetime, cause: Alert | None = None) -> Alert | None:
    """Writes the alert and tells of it; None if one of its kind is open already (the database decides)."""
    draft.opened_at, draft.suppressed_by = at, cause
    with contextlib.suppress(IntegrityError), transaction.atomic():
        draft.save(force_insert=True)
        tell("alert.suppressed" if cause else "alert.opened", draft)
        return draft
    return None


def close(*, alert: Alert, at: datetime, evidence: dict[str, Any]) -> bool:
    """False if somebody else closed it."""
    with transaction.atomic():
        won = Alert.objects.open().filter(pk=alert.pk).update(closed_at=at, evidence_closed=evidence) == 1
        if won:
            alert.closed_at, alert.evidence_closed = at, evidence
            tell("alert.closed", alert)
    return won


def tell(name: str, alert: Alert, **more: Any) -> None:
    payload = {
        "device_id": alert.device_id,
        "kind": alert.kind,
        "severity": alert.severity,
        "cause_id": alert.suppressed_by_id,
        **more,
    }
    emit(Fact(name, alert, alert.authority_id, alert.site_id, payload=payload))
