"""Whose silence is whose fault: judged for a whole site at once, one judge at a time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import metrics
from fleet.monitoring.models import Alert, Health, Outage
from fleet.monitoring.rules import causes, gathering, ranking, severity, values
from fleet.monitoring.rules.causes import Node, Picture, Verdict
from fleet.monitoring.rules.gathering import Gathering, Known, Scene
from fleet.monitoring.rules.kinds import GATHERED, Kind
from fleet.monitoring.rules.polling import Availability, Status
from fleet.monitoring.services import lifecycle, outages
from fleet.monitoring.services.hours import Hours
from fleet.monitoring.services.lifecycle import close, tell
from fleet.monitoring.services.maintenance import covered
from fleet.monitoring.services.neighbours import parents
from fleet.monitoring.services.outages import Explanation
from fleet.monitoring.services.planning import reading_now
from fleet.monitoring.services.ranking import weigh
from fleet.sites.models import Building, Site
from fleet.sites.rules import Moment

UNREACHABLE = str(Kind.UNREACHABLE)
MAINTENANCE = Explanation(Outage.Cause.MAINTENANCE)
__all__ = ["UNREACHABLE", "close", "judge_sites", "tell"]


def judge_sites(*, site_ids: Collection[int], now: datetime | None = None) -> None:
    """Who is to blame for what is silent there: opens, suppresses, releases and closes alerts accordingly."""
    for site_id in sorted(site_ids):
        _judge_site(site_id, now or timezone.now())


@transaction.atomic
def _judge_site(site_id: int, now: datetime) -> None:
    Site.objects.select_for_update(no_key=True).get(pk=site_id)  # one judge per site at a time
    bench = _Bench.of(site_id, now)
    verdicts = Picture(bench.nodes, bench.parents, now).verdicts()
    scene = bench.scene(verdicts)
    undecided = gathering.undecided(scene)
    verdicts |= {one: Verdict(causes.Kind.SUPPRESSED, anchor) for one, anchor in gathering.strays(scene).items()}
    for one in gathering.gather(scene):
        bench.sum_up(one)
    bench.end_summaries()
    for device_id, verdict in verdicts.items():
        if verdict.kind is causes.Kind.ROOT and device_id not in bench.gathered and device_id not in undecided:
            bench.blame(device_id)
        elif verdict.kind is causes.Kind.FINE:
            bench.clear(device_id)
    for device_id, verdict in verdicts.items():
        if verdict.kind is causes.Kind.SUPPRESSED or device_id in bench.gathered:
            bench.suppress(device_id, verdict)
    bench.explained |= dict.fromkeys(bench.covered, MAINTENANCE)
    weigh(now=now, site_ids=[site_id], hours=bench.hours)
    outages.keep(site_id=site_id, healths=bench.healths.values(), why=bench.explained)


@dataclass
class _Bench:
    """What one judgement of a site knows and does."""

    site_id: int
    now: datetime
    healths: Mapping[int, Health]
    parents: Mapping[int, frozenset[int]]
    alerts: dict[int, Alert]
    """Open `unreachable` alerts by device."""
    summaries: list[Alert]
    """Open alerts that speak of many devices."""
    gathered: dict[int, Alert] = field(default_factory=dict)
    """{device: the alert that tells of it and others}."""
    explained: dict[int, Explanation] = field(default_factory=dict)

    @classmethod
    def of(cls, site_id: int, now: datetime) -> "_Bench":
        healths = Health.objects.judged().filter(site=site_id).select_related("device__room", "device__controller").in_bulk()
        opened = Alert.objects.open().filter(site=site_id, kind__in=[Kind.UNREACHABLE, *GATHERED])
        own = {alert.device_id: alert for alert in opened if alert.kind == Kind.UNREACHABLE}
        summaries = [alert for alert in opened if alert.kind != Kind.UNREACHABLE]
        return cls(site_id, now, healths, parents([site_id]), own, summaries)

    @cached_property
    def nodes(self) -> dict[int, Node]:
        return {device_id: self._node(health) for device_id, health in self.healths.items()}

    @cached_property
    def hours(self) -> Hours:
        return Hours([self.site_id], self.now)

    @cached_property
    def moment(self) -> Moment:
        return self.hours.moment(self.site_id)

    @cached_property
    def covered(self) -> set[int]:
        silent = [pk for pk, health in self.healths.items() if health.status == Health.Status.DOWN]
        return covered(device_ids=silent, at=self.now) if silent else set()

    @cached_property
    def names(self) -> Mapping[int, str]:
        return dict(Device.objects.filter(site=self.site_id).values_list("pk", "name"))

    def _node(self, health: Health) -> Node:
        alert = self.alerts.get(health.pk)
        state = Availability(
            Status(health.status), health.status_since, health.failures, health.failing_since, health.reason
        )
        suppressed = alert is not None and alert.suppressed_by_id is not None
        alerting = alert is not None
        held = alert is not None and alert.quiet_since is not None and not _just_restarted(health)
        return Node(state, health.answered_at, alerting, suppressed, health.polled_at, held)

    def scene(self, verdicts: Mapping[int, Verdict]) -> Scene:
        at_school = self.moment in {Moment.LESSON, Moment.BREAK}
        known = [Known(Kind(alert.kind), alert.building_id, alert.device_id) for alert in self.summaries]
        buildings = {pk: health.device.room.building_id for pk, health in self.healths.items() if health.device.room}
        return Scene(self.nodes, verdicts, self.parents, buildings, self.now, at_school, known)

    def sum_up(self, found: Gathering) -> None:
        """One alert tells of all these; each of them has its own behind it."""
        alert = next((one for one in self.summaries if (one.kind, one.building_id) == (found.kind, found.building)), None)
        if alert is None:
            alert = self._open_summary(found)
        else:
            self._confirm(alert)
        if alert is not None:
            self.gathered |= dict.fromkeys(found.members, alert)

    def _open_summary(self, found: Gathering) -> Alert | None:
        members = found.members - self.covered
        if not members:
            return None
        evidence = _silence(self.healths[found.anchor]) | {
            "behind": sorted(self.names[one] for one in members),
            "building": Building.objects.get(pk=found.building).name if found.building else "",
        }
        base = severity.Severity.WARNING if found.kind is Kind.POWER_OFF else severity.Severity.CRITICAL
        draft = self._draft(found.anchor, found.kind, base, evidence)
        draft.building_id = found.building
        return lifecycle.open_alert(draft, at=self.now)

    def _confirm(self, alert: Alert) -> None:
        at_school = self.moment in {Moment.LESSON, Moment.BREAK}
        if gathering.confirmed(alert.kind, at_school=at_school, already=alert.confirmed_at is not None):
            lifecycle.confirm(alert=alert, at=self.now, severity=severity.Severity.CRITICAL)

    def blame(self, device_id: int) -> None:
        """The device is silent for itself."""
        alert = self.alerts.get(device_id)
        if alert is None:
            alert = self._open(device_id, None)
        elif alert.suppressed_by_id is not None:
            lifecycle.release(alert=alert, at=self.now)
        elif alert.quiet_since is not None:
            lifecycle.recur(alert=alert, at=self.now)
        if alert is not None:
            self.explained[device_id] = Explanation(Outage.Cause.OWN, alert)

    def suppress(self, device_id: int, verdict: Verdict) -> None:
        """The device is silent because another one is, or because all around it are."""
        cause = self.gathered.get(device_id) or self._cause(verdict.root)
        if cause is None:
            self.explained[device_id] = Explanation(Outage.Cause.SUPPRESSED)
            return
        alert = self.alerts.get(device_id)
        if alert is None:
            self._open(device_id, cause)
        elif alert.suppressed_by_id != cause.pk:
            lifecycle.suppress(alert=alert, cause=cause)
        power = cause.kind == Kind.POWER_OFF
        self.explained[device_id] = Explanation(Outage.Cause.POWER if power else Outage.Cause.SUPPRESSED, cause)

    def _cause(self, root: int | None) -> Alert | None:
        return (self.gathered.get(root) or self.alerts.get(root)) if root is not None else None

    def clear(self, device_id: int) -> None:
        alert = self.alerts.get(device_id)
        health = self.healths[device_id]
        if alert is None or health.answered_at is None or health.status != Health.Status.UP:
            return  # of an access point whose controller has fallen silent nothing is known, so nothing has ended
        if lifecycle.clear(alert=alert, at=self.now, evidence=_answer(health, health.answered_at)):
            del self.alerts[device_id]

    def end_summaries(self) -> None:
        """Those that no longer tell of anything; before the devices are let go that they told of."""
        telling = {alert.pk for alert in self.gathered.values()}
        for alert in self.summaries:
            if alert.pk not in telling:
                lifecycle.close(alert=alert, at=self.now, evidence=self._ending(alert))

    def _ending(self, alert: Alert) -> dict[str, Any]:
        """Who answers again, and when the latest of them did."""
        told = set(alert.suppresses.values_list("device_id", flat=True)) & self.healths.keys()
        back = [self.healths[one] for one in told if self.healths[one].status == Health.Status.UP]
        heard = max((one.answered_at for one in back if one.answered_at), default=None)
        still = sorted(self.names[one] for one in told if self.healths[one].status == Health.Status.DOWN)
        return {"measured_at": _iso(heard), "values": {}, "uptime_s": None, "answering": len(back), "still_silent": still}

    def _open(self, device_id: int, cause: Alert | None) -> Alert | None:
        """In maintenance nothing is opened; what is still silent at its end is judged afresh then."""
        if device_id in self.covered:
            return None
        health = self.healths[device_id]
        below = [self.names[one] for one in causes.behind(device_id, self.parents) if one in self.names]
        evidence = _silence(health) | {"behind": below}
        draft = self._draft(device_id, Kind.UNREACHABLE, severity.of_silence(health.device.kind), evidence)
        alert = lifecycle.open_alert(draft, at=self.now, cause=cause)
        if alert is not None:
            self.alerts[device_id] = alert
        return alert

    def _draft(self, device_id: int, kind: Kind, base: severity.Severity, evidence: dict[str, Any]) -> Alert:
        health = self.healths[device_id]
        hits_lessons = ranking.hits_lessons(kind, health.device.kind) and kind is not Kind.POWER_OFF
        return Alert(
            authority_id=health.authority_id,
            site_id=health.site_id,
            device_id=health.pk,
            kind=kind,
            severity=severity.adjusted(base, self.moment, hits_lessons=hits_lessons),
            base_severity=base,
            evidence_opened=evidence,
        )


def _just_restarted(health: Health) -> bool:
    """As far as it says: then what it feeds is starting too."""
    uptime_s = reading_now(health).get("uptime_s")
    return uptime_s is not None and uptime_s < causes.RELEASE_AFTER.total_seconds()


def _silence(health: Health) -> dict[str, Any]:
    return {
        "measured_at": _iso(health.polled_at),
        "reason": health.reason,
        "silent_since": _iso(health.failing_since),
        "failed_polls": health.failures,
        "last_answered_at": _iso(health.answered_at),
        "last_values": values.gauges(reading_now(health), metrics.known()),
    } | _said_by(health)


def _answer(health: Health, answered_at: datetime) -> dict[str, Any]:
    reading = reading_now(health)
    return {
        "measured_at": answered_at.isoformat(),
        "values": values.gauges(reading, metrics.known()),
        "uptime_s": reading.get("uptime_s"),
    } | _said_by(health)


def _said_by(health: Health) -> dict[str, Any]:
    """Who tells of an access point that cannot be asked itself."""
    device = health.device
    asked = device.address is not None and device.snmp_credential_id is not None
    return {} if asked or device.controller is None else {"said_by": device.controller.name}


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
