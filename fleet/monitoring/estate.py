"""What the page about the whole city reads: every site's state, the trend, what the data lacks, how far polling is behind.

A fixed number of queries, however many sites and devices there are: counted by the database, put together here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from fleet.devices.models import Credential, Device
from fleet.monitoring.models import Alert, Health, Outage
from fleet.monitoring.rules import estate
from fleet.monitoring.rules.estate import SiteHealth
from fleet.monitoring.selectors import alerting
from fleet.monitoring.services.maintenance import covered_at
from fleet.sites.models import Site

TREND, TREND_POINTS = timedelta(days=7), 57
"""Every three hours of a week."""
ENDING = timedelta(days=30)


def site_healths(sites: QuerySet[Site], at: datetime) -> list[SiteHealth]:
    """Worst first. Four queries while nothing is maintained anywhere, nine otherwise."""
    maintained = covered_at(sites=sites, at=at)
    counted = _counted(sites, maintained)
    hit = _hit(sites)
    rows = sites.order_by().values_list("pk", "name", "kind")
    return estate.worst_first(
        SiteHealth(pk, name, kind, **counted.get(pk, {}), **hit.get(pk, {})) for pk, name, kind in rows
    )


def _counted(sites: QuerySet[Site], maintained: set[int]) -> dict[int, dict[str, Any]]:
    """{site: devices in service by state}; what is maintained is in no other state."""
    devices = Device.objects.in_service().filter(site__in=sites.values("pk")).order_by()
    judged = devices.exclude(pk__in=maintained).annotate(alerting=alerting())
    up = Q(health__status=Health.Status.UP)
    rows = judged.values("site").annotate(
        total=Count("pk"),
        down=Count("pk", filter=Q(health__status=Health.Status.DOWN)),
        watch=Count("pk", filter=up & Q(alerting=True)),
        unknown=Count("pk", filter=Q(health__isnull=True) | Q(health__status=Health.Status.UNKNOWN)),
    )
    found = _by_site(rows)
    if maintained:
        for site_id, count in devices.filter(pk__in=maintained).values_list("site").annotate(Count("pk")):
            row = found.setdefault(site_id, {"total": 0})
            row |= {"maintained": count, "total": row["total"] + count}
    return found


def _hit(sites: QuerySet[Site]) -> dict[int, dict[str, Any]]:
    """{site: what its open root causes weigh}."""
    roots = Alert.objects.open().root_causes().filter(site__in=sites.values("pk")).order_by()
    return _by_site(roots.values("site").annotate(lessons=Sum("lessons_hit"), rank=Max("rank"), since=Min("opened_at")))


def _by_site(rows: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["site"]: {name: value for name, value in row.items() if name != "site"} for row in rows}


# --- trend ------------------------------------------------------------------------------------------------------------


def trend(sites: QuerySet[Site], at: datetime) -> list[int]:
    """How many devices were silent at once, at most, in each three hours of the last seven days. One query."""
    spans = Outage.objects.touching(at - TREND, at).filter(site__in=sites.values("pk")).order_by()
    instants = estate.instants(at, TREND, TREND_POINTS)
    return estate.most_silent(list(spans.values_list("started_at", "ended_at")), instants)


# --- what the data lacks ----------------------------------------------------------------------------------------------


IN_CLEAR = Q(snmp_credential__kind__in=Credential.IN_CLEAR)
LACKS: Mapping[str, Q] = {
    "no-address": Q(address__isnull=True, controller__isnull=True),
    "no-room": Q(room__isnull=True),
    "no-serial": Q(serial=""),
    "no-credential": Q(address__isnull=False, snmp_credential__isnull=True),
    "never-answered": Q(health__answered_at__isnull=True, health__polled_at__isnull=False),
    "in-clear": IN_CLEAR,
}
"""What a device's record may lack; by the names that the list of devices filters by."""
CLEAR_TEXT_ENDS = "clear-text-ends"


def lacking(name: str) -> Q:
    if name == CLEAR_TEXT_ENDS:
        return Q(clear_text_until__lte=timezone.localdate() + ENDING)
    return LACKS[name]


def data_quality(devices: QuerySet[Device]) -> dict[str, int]:
    """{what is lacking: how many devices in service}. One query."""
    wanted = {name.replace("-", "_"): Count("pk", filter=lacking(name)) for name in (*LACKS, CLEAR_TEXT_ENDS)}
    counted = devices.filter(lifecycle=Device.Lifecycle.ACTIVE).order_by().aggregate(**wanted)
    return {name.replace("_", "-"): count for name, count in counted.items()}


# --- polling ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lag:
    """`waiting`: devices that have been due for longer than an interval; `behind`: the longest of them."""

    waiting: int
    behind: timedelta


def lag(sites: QuerySet[Site], at: datetime) -> Lag:
    """One query."""
    due = Health.objects.due(at).polled().filter(site__in=sites.values("pk")).order_by()
    late = due.filter(next_poll_at__lt=at - timedelta(seconds=settings.POLL_INTERVAL_S))
    said = late.aggregate(waiting=Count("pk"), oldest=Min("next_poll_at"))
    return Lag(said["waiting"], at - said["oldest"] if said["oldest"] else timedelta(0))


def chosen(sites: Iterable[SiteHealth], *, q: str = "", kind: str = "", state: str = "") -> list[SiteHealth]:
    """Those that a person looks for."""
    wanted = q.casefold().strip()
    return [
        site
        for site in sites
        if wanted in site.name.casefold() and kind in {"", site.kind} and state in {"", site.state.value}
    ]
