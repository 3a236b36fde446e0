"""What devices say about themselves: polls, samples, alerts, traps."""

from fleet.monitoring.models.alerts import Alert, AlertNote, AlertQuerySet, Episode
from fleet.monitoring.models.discovery import Found, Search, SearchQuerySet
from fleet.monitoring.models.doubts import Doubt, Judge
from fleet.monitoring.models.health import Health, HealthQuerySet
from fleet.monitoring.models.limits import ThresholdOverride
from fleet.monitoring.models.maintenance import MaintenanceQuerySet, MaintenanceWindow
from fleet.monitoring.models.outages import Outage, OutageQuerySet, Suspicion
from fleet.monitoring.models.planned import PlannedTime, RepeatingTime
from fleet.monitoring.models.plans import Latest, PollPlan
from fleet.monitoring.models.pulse import Pulse
from fleet.monitoring.models.samples import DailySample, HourlySample, Layout, RollupDue, Sample
from fleet.monitoring.models.shards import GroupedSite, PollGroup, Shard
from fleet.monitoring.models.traps import Trap

__all__ = [
    "Alert",
    "AlertNote",
    "AlertQuerySet",
    "DailySample",
    "Doubt",
    "Episode",
    "Found",
    "GroupedSite",
    "Health",
    "HealthQuerySet",
    "HourlySample",
    "Judge",
    "Latest",
    "Layout",
    "MaintenanceQuerySet",
    "MaintenanceWindow",
    "Outage",
    "OutageQuerySet",
    "PlannedTime",
    "PollGroup",
    "PollPlan",
    "Pulse",
    "RepeatingTime",
    "RollupDue",
    "Sample",
    "Search",
    "SearchQuerySet",
    "Shard",
    "Suspicion",
    "ThresholdOverride",
    "Trap",
]
