"""Alerts of values that a device says no more: its sensor, port or battery was taken out."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from fleet.monitoring import metrics
from fleet.monitoring.metrics import Metrics
from fleet.monitoring.models import Alert, Health, Latest
from fleet.monitoring.rules import values
from fleet.monitoring.rules.kinds import MEASURED_OTHERWISE
from fleet.monitoring.rules.values import Said
from fleet.monitoring.services import lifecycle, planning
from fleet.snmp.plan import Plan

NOT_SAID = "not-said"
"""Why such an alert ended, in its evidence."""


def close_unsaid(*, now: datetime) -> int:
    """Ends those of which a walk after their opening knew nothing. How many. Four queries at most where none is to be ended.

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
    planned = {row.pk: (row.walked_at, plans[row.plan_id]) for row in latest if row.plan_id in plans}
    left_out = _left_out({pk: known.plan for pk, (_walked_at, known) in planned.items()})
    found: dict[int, Walk] = {
        pk: (walked_at, {name for name, _at in known.series.folded} | left_out.get(pk, set()))
        for pk, (walked_at, known) in planned.items()
    }
    unplanned = Health.objects.filter(pk__in=device_ids, latest=None, answered_at__isnull=False)
    walked = [(row, row.answered_at) for row in unplanned if row.reading and row.answered_at]
    return found | {row.pk: (at, _names(row, metrics.known())) for row, at in walked}


def _left_out(plans: Mapping[int, Plan]) -> dict[int, set[str]]:
    """{device: the metrics that its last walk gave, and no cell of its plan does}"""
    known = metrics.known().items()
    others = {
        pk: {name: metric for name, metric in known if metric.source in plan.left_out}
        for pk, plan in plans.items()
        if plan.left_out
    }
    rows = Health.objects.filter(pk__in=others) if others else ()
    return {row.pk: _names(row, others[row.pk]) for row in rows}


def _names(row: Health, known: Metrics) -> set[str]:
    """Those of `known` that its reading has."""
    at = row.answered_at or row.status_since
    return {*values.measured(Said(row.reading, at), None, known)}


@transaction.atomic
def _end(alert: Alert, walked_at: datetime, now: datetime) -> bool:
    row = Health.objects.select_for_update().defer("reading").filter(pk=alert.device_id).first()
    if row is not None and alert.kind in row.beyond:
        row.beyond = {name: since for name, since in row.beyond.items() if name != alert.kind}
        row.save(update_fields=["beyond"])
    evidence = {**lifecycle.NOT_MEASURED, "reason": NOT_SAID, "walked_at": walked_at.isoformat()}
    return lifecycle.close(alert=alert, at=now, evidence=evidence)
