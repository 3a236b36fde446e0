"""Alerts of values that a device says no more: its sensor, port or battery was taken out."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from fleet.monitoring import metrics
from fleet.monitoring.models import Alert, Health, Latest
from fleet.monitoring.rules import values
from fleet.monitoring.rules.kinds import MEASURED_OTHERWISE
from fleet.monitoring.rules.values import Said
from fleet.monitoring.services import lifecycle, planning

NOT_SAID = "not-said"
"""Why such an alert ended, in its evidence."""


def close_unsaid(*, now: datetime) -> int:
    """Ends those of which a walk after their opening knew nothing. How many. Three queries where none is open.

    A poll in between proves nothing: it may have got through in part only.
    """
    alerts = list(Alert.objects.open().exclude(kind__in=MEASURED_OTHERWISE).select_related("device"))
    walks = _walks({alert.device_id for alert in alerts})
    gone = [alert for alert in alerts if _is_gone(alert, walks.get(alert.device_id))]
    return sum(_end(alert, walks[alert.device_id][0], now) for alert in gone)


Walk = tuple[datetime, Collection[str]]
"""When a device was last read as a whole, and the metrics that this gave."""


def _is_gone(alert: Alert, walk: Walk | None) -> bool:
    return walk is not None and walk[0] > alert.opened_at and alert.kind not in walk[1]


def _walks(device_ids: Collection[int]) -> Mapping[int, Walk]:
    """Of devices without a plan every answered poll is a walk."""
    latest = Latest.objects.filter(pk__in=device_ids)
    plans = planning.current({row.plan_id for row in latest})
    found: dict[int, Walk] = {
        row.pk: (row.walked_at, {name for name, _at in plans[row.plan_id].series.folded})
        for row in latest
        if row.plan_id in plans
    }
    unplanned = Health.objects.filter(pk__in=device_ids, latest=None, answered_at__isnull=False)
    return found | {row.pk: (row.answered_at, _names(row)) for row in unplanned if row.reading and row.answered_at}


def _names(row: Health) -> Collection[str]:
    at = row.answered_at or row.status_since
    return values.measured(Said(row.reading, at), None, metrics.known()).keys()


@transaction.atomic
def _end(alert: Alert, walked_at: datetime, now: datetime) -> bool:
    row = Health.objects.select_for_update().defer("reading").filter(pk=alert.device_id).first()
    if row is not None and alert.kind in row.beyond:
        row.beyond = {name: since for name, since in row.beyond.items() if name != alert.kind}
        row.save(update_fields=["beyond"])
    evidence: dict[str, Any] = {"measured_at": None, "values": {}, "uptime_s": None}
    return lifecycle.close(alert=alert, at=now, evidence=evidence | {"reason": NOT_SAID, "walked_at": walked_at.isoformat()})
