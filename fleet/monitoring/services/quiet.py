"""Looking for access points that nobody uses although all around them is full."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from fleet.devices.models import DeviceType, Uplink
from fleet.monitoring.models import Alert, Health, HealthQuerySet, Latest, Suspicion
from fleet.monitoring.rules import quiet, series, severity
from fleet.monitoring.rules.kinds import Kind
from fleet.monitoring.rules.quiet import Spot, Step
from fleet.monitoring.rules.series import Poll
from fleet.monitoring.services import lifecycle, planning
from fleet.monitoring.services.hours import Hours
from fleet.monitoring.services.maintenance import covered
from fleet.sites.models import Site
from fleet.sites.rules import Moment

KIND = Kind.SILENT_ACCESS_POINT
AT_ONCE = 20
"""Sites that are read together: a city's answers at once would be hundreds of megabytes."""


def look(*, now: datetime) -> None:
    """Judges the sites in which a lesson goes on, and those where an alert waits for its first client."""
    sites = set(Site.objects.values_list("pk", flat=True))
    hours = Hours(sites, now)
    teaching = {site for site in sites if hours.moment(site) is Moment.LESSON}
    Suspicion.objects.filter(kind=KIND).exclude(device__site__in=teaching).delete()
    alerts = {alert.device_id: alert for alert in Alert.objects.open().filter(kind=KIND)}
    watched = sorted(teaching | {alert.site_id for alert in alerts.values()})
    for start in range(0, len(watched), AT_ONCE):
        part = watched[start : start + AT_ONCE]
        spots = _by_site(part)
        _forget_silent(part, spots)
        for site, here in spots.items():
            _judge(here, alerts, now, in_lesson=site in teaching)


def _by_site(site_ids: Collection[int]) -> Mapping[int, list[Spot]]:
    found: defaultdict[int, list[Spot]] = defaultdict(list)
    for spot in _spots(site_ids):
        found[spot.site].append(spot)
    return found


def _forget_silent(site_ids: Collection[int], spots: Mapping[int, Sequence[Spot]]) -> None:
    """Whoever does not answer right now begins anew: after a restart nobody can be on it yet."""
    heard = [spot.device for here in spots.values() for spot in here]
    Suspicion.objects.filter(kind=KIND, device__site__in=site_ids).exclude(device__in=heard).delete()


def _spots(site_ids: Collection[int]) -> list[Spot]:
    """Three queries."""
    healths = Health.objects.judged().filter(
        site__in=site_ids, device__kind=DeviceType.Kind.ACCESS_POINT, status=Health.Status.UP, failures=0
    )
    rows = healths.values_list("pk", "site_id", "device__room__building_id", "device__room__floor")
    clients, switches = _clients_now(healths), _switches(site_ids)
    return [
        Spot(pk, clients.get(pk), site, building, floor, frozenset(switches.get(pk, ())))
        for pk, site, building, floor in rows
    ]


def _clients_now(healths: HealthQuerySet) -> Mapping[int, int | None]:
    """{device: how many are connected, by its latest answer}. A walk keeps a reading, each poll in between its numbers."""
    found: dict[int, int | None] = dict(healths.values_list("pk", "reading__wireless__clients"))
    rows = list(Latest.objects.filter(pk__in=healths.values("pk")))
    plans = planning.current({row.plan_id for row in rows})
    for row in rows:
        if (known := plans.get(row.plan_id)) is not None:
            said = known.series.values(Poll(row.at, series.unpack(bytes(row.numbers))), None)
            clients = known.series.of_the_device(said).get("clients")
            found[row.pk] = int(clients) if clients is not None else None
    return found


def _switches(site_ids: Collection[int]) -> Mapping[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    cables = Uplink.objects.filter(device__site__in=site_ids, device__kind=DeviceType.Kind.ACCESS_POINT)
    for device, switch in cables.values_list("device_id", "port__device_id"):
        found[device].add(switch)
    return found


@transaction.atomic
def _judge(here: Sequence[Spot], alerts: Mapping[int, Alert], now: datetime, *, in_lesson: bool) -> None:
    ids = [spot.device for spot in here]
    since = dict(Suspicion.objects.filter(kind=KIND, device__in=ids).values_list("device_id", "since"))
    standing_out: set[int] = set()
    opening: list[tuple[Spot, list[Spot]]] = []
    for spot in here:
        around = quiet.neighbours(spot, here) if in_lesson else []
        alert = alerts.get(spot.device)
        step, stands_out = quiet.judge(spot, around, since.get(spot.device), now, alerting=alert is not None)
        if stands_out:
            standing_out.add(spot.device)
        if step is Step.OPEN:
            opening.append((spot, around))
        elif step is Step.CLOSE and alert is not None:
            lifecycle.close(alert=alert, at=now, evidence=_ending(spot, now))
    _remember(standing_out, since, now)
    _open(opening, now)


def _remember(standing_out: set[int], since: Mapping[int, datetime], now: datetime) -> None:
    Suspicion.objects.filter(kind=KIND, device__in=since.keys() - standing_out).delete()
    fresh = [Suspicion(device_id=device, kind=KIND, since=now) for device in standing_out - since.keys()]
    Suspicion.objects.bulk_create(fresh, ignore_conflicts=True)


def _open(opening: Sequence[tuple[Spot, list[Spot]]], now: datetime) -> None:
    if not opening:
        return
    healths = Health.objects.select_related("device").in_bulk([spot.device for spot, _around in opening])
    names = dict(
        Health.objects.filter(pk__in=[one.device for _spot, around in opening for one in around]).values_list(
            "pk", "device__name"
        )
    )
    excused = covered(device_ids=healths.keys(), at=now)
    for spot, around in opening:
        if spot.device not in excused:
            row = healths[spot.device]
            draft = Alert(
                authority_id=row.authority_id,
                site_id=row.site_id,
                device_id=row.pk,
                kind=KIND,
                severity=severity.Severity.WARNING,
                base_severity=severity.Severity.WARNING,
                evidence_opened=_beginning(row, around, names),
            )
            lifecycle.open_alert(draft, at=now)


def _beginning(row: Health, around: Sequence[Spot], names: Mapping[int, str]) -> dict[str, Any]:
    measured_at = row.answered_at.isoformat() if row.answered_at else None
    return {
        "measured_at": measured_at,
        "reason": "",
        "last_answered_at": measured_at,
        "last_values": {"clients": 0},
        "neighbours": {names[one.device]: one.clients for one in around if one.device in names},
        "behind": [],
    }


def _ending(spot: Spot, now: datetime) -> dict[str, Any]:
    return {"measured_at": now.isoformat(), "values": {"clients": spot.clients}, "uptime_s": None}
