"""Whose silence is whose fault: judged for a whole site at once, one judge at a time (`judging` says which site when)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import metrics
from fleet.monitoring.models import Alert, Doubt, Health, Outage
from fleet.monitoring.rules import causes, gathering, ranking, severity, values
from fleet.monitoring.rules.causes import Node, Picture, Verdict
from fleet.monitoring.rules.doubts import Found, look_again_at
from fleet.monitoring.rules.gathering import Gathering, Known, Scene
from fleet.monitoring.rules.kinds import GATHERED, Kind
from fleet.monitoring.rules.polling import Availability, Status
from fleet.monitoring.services import lifecycle, maintenance, outages
from fleet.monitoring.services.hours import Hours
from fleet.monitoring.services.lifecycle import tell
from fleet.monitoring.services.maintenance import covered
from fleet.monitoring.services.neighbours import parents
from fleet.monitoring.services.outages import Explanation
from fleet.monitoring.services.planning import readings_now
from fleet.monitoring.services.ranking import weigh
from fleet.sites.models import Building, Site
from fleet.sites.rules import Moment

UNREACHABLE = str(Kind.UNREACHABLE)
MAINTENANCE = Explanation(Outage.Cause.MAINTENANCE)
NEEDED = (
    *("device_id", "authority_id", "site_id", "status", "status_since", "reason", "failures", "failing_since"),
    *("polled_at", "answered_at"),
)
"""Without readings: of a site that is well nobody reads them, and they are all that is large."""
__all__ = ["UNREACHABLE", "judge_site", "judge_sites", "tell"]


def judge_sites(*, site_ids: Collection[int], now: datetime | None = None) -> None:
    """Who is to blame for what is silent there: opens, suppresses, releases and closes alerts accordingly."""
    hours = Hours(site_ids, now or timezone.now())
    for site_id in sorted(site_ids):
        judge_site(site_id, hours)


@transaction.atomic
def judge_site(site_id: int, hours: Hours) -> None:
    """At the instant of `hours`. What comes in doubt while it is judged stays so."""
    Site.objects.select_for_update(no_key=True).get(pk=site_id)  # one judge per site at a time
    settled = list(Doubt.objects.filter(site=site_id).values_list("pk", flat=True))  # read before all that is judged
    bench = _Bench.of(site_id, hours)
    again_at = _judge(bench) if bench.troubled else None
    outages.keep(site_id=site_id, healths=bench.healths.values(), why=bench.explained)
    Doubt.objects.filter(pk__in=settled).delete()
    if again_at is not None:
        Doubt.objects.create(site_id=site_id, due_at=again_at)


def _judge(bench: "_Bench") -> datetime | None:
    """Returns when to look again."""
    verdicts = Picture(bench.nodes, bench.parents, bench.now).verdicts()
    scene = bench.scene(verdicts)
    undecided = gathering.undecided(scene)
    verdicts |= {one: Verdict(causes.Kind.SUPPRESSED, anchor) for one, anchor in gathering.strays(scene).items()}
    for one in gathering.gather(scene):
        bench.sum_up(one)
    bench.end_summaries()
    roots = {one for one, verdict in verdicts.items() if verdict.kind is causes.Kind.ROOT} - bench.gathered.keys()
    bench.blame(sorted(roots - undecided))
    bench.clear([one for one, verdict in verdicts.items() if verdict.kind is causes.Kind.FINE])
    behind = (one for one, verdict in verdicts.items() if verdict.kind is causes.Kind.SUPPRESSED or one in bench.gathered)
    bench.suppress({one: verdicts[one] for one in behind})
    bench.explained |= dict.fromkeys(bench.covered, MAINTENANCE)
    weigh(now=bench.now, site_ids=[bench.site_id], hours=bench.hours)
    waiting = bool(undecided) or any(verdict.kind is causes.Kind.WAIT for verdict in verdicts.values())
    return look_again_at(bench.left(waiting=waiting), bench.now)


class _About(NamedTuple):
    """A device as far as judging needs it."""

    name: str
    kind: str
    building: int | None
    address: str | None
    credential: int | None
    controller: str | None

    @property
    def said_by(self) -> dict[str, Any]:
        """Who tells of an access point that cannot be asked itself."""
        asked = self.address is not None and self.credential is not None
        return {} if asked or self.controller is None else {"said_by": self.controller}


ABOUT = ("pk", "name", "kind", "room__building_id", "address", "snmp_credential_id", "controller__name")


@dataclass
class _Bench:
    """What one judgement of a site knows and does."""

    site_id: int
    hours: Hours
    healths: Mapping[int, Health]
    alerts: dict[int, Alert]
    """Open `unreachable` alerts by device."""
    summaries: list[Alert]
    """Open alerts that speak of many devices."""
    gathered: dict[int, Alert] = field(default_factory=dict)
    """{device: the alert that tells of it and others}."""
    explained: dict[int, Explanation] = field(default_factory=dict)

    @classmethod
    def of(cls, site_id: int, hours: Hours) -> "_Bench":
        healths = Health.objects.judged().filter(site=site_id).only(*NEEDED).in_bulk()
        opened = Alert.objects.open().filter(site=site_id, kind__in=[Kind.UNREACHABLE, *GATHERED])
        own = {alert.device_id: alert for alert in opened if alert.kind == Kind.UNREACHABLE}
        summaries = [alert for alert in opened if alert.kind != Kind.UNREACHABLE]
        return cls(site_id, hours, healths, own, summaries)

    @property
    def now(self) -> datetime:
        return self.hours.now

    @cached_property
    def silent(self) -> list[int]:
        return [pk for pk, health in self.healths.items() if health.status == Health.Status.DOWN]

    @property
    def troubled(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.silent or self.alerts or self.summaries)

    @cached_property
    def parents(self) -> Mapping[int, frozenset[int]]:
        return parents([self.site_id])

    @cached_property
    def readings(self) -> dict[int, dict[str, Any]]:
        """Up to this moment, of those that an alert may be opened or closed of, or is held open of."""
        held = [pk for pk, alert in self.alerts.items() if alert.quiet_since is not None]
        fresh = [pk for pk in self.silent if pk not in self.alerts]
        back = [pk for pk in self.alerts if pk in self.healths and self.healths[pk].status == Health.Status.UP]
        return readings_now({*held, *fresh, *back})

    def reading(self, device_id: int) -> dict[str, Any]:
        if device_id not in self.readings:
            self.readings |= readings_now([device_id])
        return self.readings.get(device_id, {})

    @cached_property
    def nodes(self) -> dict[int, Node]:
        return {device_id: self._node(health) for device_id, health in self.healths.items()}

    @cached_property
    def moment(self) -> Moment:
        return self.hours.moment(self.site_id)

    @cached_property
    def covered(self) -> set[int]:
        return covered(device_ids=self.silent, at=self.now) if self.silent else set()

    @cached_property
    def devices(self) -> Mapping[int, _About]:
        rows = Device.objects.filter(health__site=self.site_id).values_list(*ABOUT)
        return {pk: _About(*about) for pk, *about in rows}

    def _node(self, health: Health) -> Node:
        alert = self.alerts.get(health.pk)
        state = Availability(
            Status(health.status), health.status_since, health.failures, health.failing_since, health.reason
        )
        suppressed = alert is not None and alert.suppressed_by_id is not None
        alerting = alert is not None
        held = alert is not None and alert.quiet_since is not None and not self._just_restarted(health.pk)
        return Node(state, health.answered_at, alerting, suppressed, health.polled_at, held)

    def scene(self, verdicts: Mapping[int, Verdict]) -> Scene:
        at_school = self.moment in {Moment.LESSON, Moment.BREAK}
        known = [Known(Kind(alert.kind), alert.building_id, alert.device_id) for alert in self.summaries]
        places = {pk: about.building for pk, about in self.devices.items() if pk in self.healths}
        buildings = {pk: building for pk, building in places.items() if building is not None}
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
        evidence = self._silence(found.anchor) | {
            "behind": sorted(self.devices[one].name for one in members),
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

    def blame(self, device_ids: Collection[int]) -> None:
        """These are silent for themselves."""
        self._open({one: None for one in device_ids if one not in self.alerts})
        for device_id in device_ids:
            alert = self.alerts.get(device_id)
            if alert is None:
                continue
            if alert.suppressed_by_id is not None:
                lifecycle.release(alert=alert, at=self.now)
            elif alert.quiet_since is not None:
                lifecycle.recur(alert=alert, at=self.now)
            self.explained[device_id] = Explanation(Outage.Cause.OWN, alert)

    def suppress(self, verdicts: Mapping[int, Verdict]) -> None:
        """These are silent because another one is, or because all around them are."""
        self._open_behind(verdicts)
        for device_id, verdict in verdicts.items():
            cause, alert = self._told_by(device_id, verdict), self.alerts.get(device_id)
            if cause is None:
                self.explained[device_id] = Explanation(Outage.Cause.SUPPRESSED)
                continue
            if alert is not None and alert.suppressed_by_id != cause.pk:
                lifecycle.suppress(alert=alert, cause=cause)
            power = cause.kind == Kind.POWER_OFF
            self.explained[device_id] = Explanation(Outage.Cause.POWER if power else Outage.Cause.SUPPRESSED, cause)

    def _open_behind(self, verdicts: Mapping[int, Verdict]) -> None:
        """Those first whose cause has its alert already: theirs may be the cause of others."""
        opened = True
        while opened:
            wanted = {one: self._told_by(one, verdict) for one, verdict in verdicts.items() if one not in self.alerts}
            before = len(self.alerts)
            self._open({one: cause for one, cause in wanted.items() if cause is not None})
            opened = len(self.alerts) > before

    def _told_by(self, device_id: int, verdict: Verdict) -> Alert | None:
        return self.gathered.get(device_id) or self._cause(verdict.root)

    def _cause(self, root: int | None) -> Alert | None:
        return (self.gathered.get(root) or self.alerts.get(root)) if root is not None else None

    def clear(self, device_ids: Collection[int]) -> None:
        """Of an access point whose controller has fallen silent nothing is known, so nothing has ended."""
        told = [self.healths[one] for one in device_ids if one in self.alerts]
        back = [one for one in told if one.answered_at is not None and one.status == Health.Status.UP]
        evidence = {self.alerts[one.pk]: self._answer(one) for one in back}
        for alert in lifecycle.clear_many(evidence=evidence, at=self.now):
            del self.alerts[alert.device_id]

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
        still = sorted(self.devices[one].name for one in told if self.healths[one].status == Health.Status.DOWN)
        return {"measured_at": _iso(heard), "values": {}, "uptime_s": None, "answering": len(back), "still_silent": still}

    def left(self, *, waiting: bool) -> Found:
        """What is to be looked at again."""
        summaries = [alert for alert in self.summaries if alert.closed_at is None] + list(self.gathered.values())
        turning = [maintenance.next_end(at=self.now)] if self.covered else []
        turning += [self.hours.next_lesson_at(self.site_id)] if summaries else []
        return Found(
            changed_at=max((health.status_since for health in self.healths.values()), default=self.now),
            waiting=waiting,
            held=any(alert.quiet_since is not None for alert in self.alerts.values()),
            gathered=bool(summaries),
            troubled=bool(self.silent or self.alerts or summaries),
            turning=[instant for instant in turning if instant is not None],
        )

    def _open(self, wanted: Mapping[int, Alert | None]) -> None:
        """{device: the alert that it has its cause in}.

        In maintenance nothing is opened; what is still silent at its end is judged afresh then.
        """
        drafts = [self._of_silence(one, cause) for one, cause in wanted.items() if one not in self.covered]
        if not drafts:
            return
        self.alerts |= {alert.device_id: alert for alert in lifecycle.open_many(drafts, at=self.now)}

    def _of_silence(self, device_id: int, cause: Alert | None) -> Alert:
        below = [self.devices[one].name for one in causes.behind(device_id, self.parents) if one in self.devices]
        evidence = self._silence(device_id) | {"behind": below}
        draft = self._draft(device_id, Kind.UNREACHABLE, severity.of_silence(self.devices[device_id].kind), evidence)
        draft.suppressed_by = cause
        return draft

    def _just_restarted(self, device_id: int) -> bool:
        """As far as it says: then what it feeds is starting too."""
        uptime_s = self.reading(device_id).get("uptime_s")
        return uptime_s is not None and uptime_s < causes.RELEASE_AFTER.total_seconds()

    def _draft(self, device_id: int, kind: Kind, base: severity.Severity, evidence: dict[str, Any]) -> Alert:
        health = self.healths[device_id]
        hits_lessons = ranking.hits_lessons(kind, self.devices[device_id].kind) and kind is not Kind.POWER_OFF
        return Alert(
            authority_id=health.authority_id,
            site_id=health.site_id,
            device_id=health.pk,
            kind=kind,
            severity=severity.adjusted(base, self.moment, hits_lessons=hits_lessons),
            base_severity=base,
            evidence_opened=evidence,
        )

    def _silence(self, device_id: int) -> dict[str, Any]:
        health = self.healths[device_id]
        return {
            "measured_at": _iso(health.polled_at),
            "reason": health.reason,
            "silent_since": _iso(health.failing_since),
            "failed_polls": health.failures,
            "last_answered_at": _iso(health.answered_at),
            "last_values": values.gauges(self.reading(device_id), metrics.known()),
        } | self.devices[device_id].said_by

    def _answer(self, health: Health) -> dict[str, Any]:
        reading = self.reading(health.pk)
        return {
            "measured_at": _iso(health.answered_at),
            "values": values.gauges(reading, metrics.known()),
            "uptime_s": reading.get("uptime_s"),
        } | self.devices[health.pk].said_by


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
