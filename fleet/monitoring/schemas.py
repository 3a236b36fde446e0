"""What the API says about health, samples, metrics and alerts."""

from datetime import datetime
from typing import Any, Literal, Protocol

from ninja import Field, Schema

from fleet.monitoring import reasons, words
from fleet.monitoring.models import Alert, Health, Sample
from fleet.monitoring.services import reading_now
from fleet.web.instants import Day


class HealthOut(Schema):
    device_id: int
    status: str
    status_since: datetime
    reason: str
    failures: int
    polled_at: datetime | None
    answered_at: datetime | None


class OutageOut(Schema):
    """A confirmed silence; `cause`: unclear, own, suppressed, power, maintenance; `alert_id` is the root cause's."""

    id: int
    device_id: int
    site_id: int
    started_at: datetime
    ended_at: datetime | None
    cause: str
    reason: str
    alert_id: int | None


class ReadingOut(HealthOut):
    """`reading` has the shape of `manage.py probe --json`: the last walk's, with the numbers of the last poll."""

    reading: dict[str, Any]

    @staticmethod
    def resolve_reading(health: Health) -> dict[str, Any]:
        return reading_now(health)


class SampleOut(Schema):
    """`values` by metric name, those of one element as `<metric>.<key>`; units stand under /metrics."""

    polled_at: datetime
    values: dict[str, float]

    @staticmethod
    def resolve_values(sample: Sample) -> dict[str, float]:
        return sample.said


class PointOut(Schema):
    """The stretch of time that begins `at`. A point without values is a gap: draw no line across it."""

    at: datetime
    low: float | None
    mean: float | None
    high: float | None


class SeriesOut(Schema):
    """`element` is the ifIndex of a port or the number of a radio; null: the device as a whole."""

    metric: str
    element: str | None
    unit: str
    points: list[PointOut]


class HistoryOut(Schema):
    """`grain`: whether a point is a single poll, an hour (UTC) or a day (on the installation's clock)."""

    device_id: int
    grain: Literal["poll", "hour", "day"]
    begin: datetime
    end: datetime
    series: list[SeriesOut]


class ThresholdOut(Schema):
    open: float
    clear: float
    hold_s: int
    severity: str


class MetricOut(Schema):
    """`threshold` as delivered, `kinds`: of those kinds of device that have another one."""

    name: str
    unit: str
    kind: str
    title_de: str
    title_en: str
    threshold: ThresholdOut | None
    kinds: dict[str, ThresholdOut]
    around_the_clock: bool


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
    confirmed_at: datetime | None
    flapping: bool
    snoozed_until: datetime | None
    lessons_hit: int
    rank: int
    building_id: int | None
    suppressed_by_id: int | None
    acknowledged_by_id: int | None
    acknowledged_at: datetime | None

    @staticmethod
    def resolve_uid(alert: Alert) -> str:
        return str(alert.uid)

    @staticmethod
    def resolve_what(alert: Alert) -> str:
        return words.fault(alert)


class EpisodeOut(Schema):
    opened_at: datetime
    closed_at: datetime
    evidence_opened: dict[str, Any]
    evidence_closed: dict[str, Any]


class NoteOut(Schema):
    """`act`: comment, acknowledged, snoozed, woken; without an author it was Fleetdesk itself."""

    id: int
    author_id: int | None
    act: str
    body: str
    until: datetime | None
    created_at: datetime


class SnoozeIn(Schema):
    """`until` for `date` only: the alert comes back on that day at 7:00, local time."""

    choice: Literal["hour", "school-day", "date"]
    until: Day | None = None


class CommentIn(Schema):
    body: str = Field(min_length=1, max_length=5000)


class LimitOut(Schema):
    """What holds at a place. `threshold` null: no alert there; `origin`: default, kind, site, device."""

    metric: str
    unit: str
    threshold: ThresholdOut | None
    origin: str


class ThresholdIn(Schema):
    """`open` and `clear` differ; where open is the smaller one, too little is bad."""

    open: float
    clear: float
    hold_s: int = Field(ge=0)
    severity: Literal["info", "warning", "critical"]


class LimitIn(Schema):
    """`threshold` null: no alert there."""

    threshold: ThresholdIn | None


class Explained(Protocol):
    """An alert for which the reason has been looked up, once for all fields that tell of it."""

    explanation: reasons.Why | None


class AlertDetailOut(AlertOut):
    """`why`: why nobody is bothered with it, empty for a root cause; `path`: devices from this one up to the cause, as far
    as the caller may see them."""

    evidence_opened: dict[str, Any]
    evidence_closed: dict[str, Any]
    suppresses: list[int]
    episodes: list[EpisodeOut]
    notes: list[NoteOut]
    why: str
    path: list[int]

    @staticmethod
    def resolve_why(alert: Explained) -> str:
        return alert.explanation.sentence if alert.explanation else ""

    @staticmethod
    def resolve_path(alert: Explained) -> list[int]:
        return [device.pk for device in alert.explanation.path if device] if alert.explanation else []

    @staticmethod
    def resolve_suppresses(alert: Alert) -> list[int]:
        return sorted(alert.suppresses.values_list("pk", flat=True))
