"""What the API says about health, samples, metrics and alerts."""

from datetime import datetime
from typing import Any

from ninja import Schema

from fleet.monitoring import words
from fleet.monitoring.models import Alert


class HealthOut(Schema):
    device_id: int
    status: str
    status_since: datetime
    reason: str
    failures: int
    polled_at: datetime | None
    answered_at: datetime | None


class ReadingOut(HealthOut):
    """`reading` has the shape of `manage.py probe --json`."""

    reading: dict[str, Any]


class SampleOut(Schema):
    """`values` by metric name; units stand under /metrics."""

    id: int
    polled_at: datetime
    values: dict[str, float]


class ThresholdOut(Schema):
    open: float
    clear: float
    hold_s: int
    severity: str


class MetricOut(Schema):
    name: str
    unit: str
    kind: str
    title_de: str
    title_en: str
    threshold: ThresholdOut | None


class AlertOut(Schema):
    """`suppressed_by_id` names the alert that is the root cause; null for a root cause."""

    id: int
    uid: str
    device_id: int
    site_id: int
    kind: str
    what: str
    severity: str
    opened_at: datetime
    closed_at: datetime | None
    suppressed_by_id: int | None
    acknowledged_by_id: int | None
    acknowledged_at: datetime | None

    @staticmethod
    def resolve_uid(alert: Alert) -> str:
        return str(alert.uid)

    @staticmethod
    def resolve_what(alert: Alert) -> str:
        return words.fault(alert)


class AlertDetailOut(AlertOut):
    evidence_opened: dict[str, Any]
    evidence_closed: dict[str, Any]
    suppresses: list[int]

    @staticmethod
    def resolve_suppresses(alert: Alert) -> list[int]:
        return sorted(alert.suppresses.values_list("pk", flat=True))
