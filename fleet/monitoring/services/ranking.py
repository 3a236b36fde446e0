"""Keeping the order of the list, and the weight of what lasts, in step with the school day."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from fleet.monitoring import metrics
from fleet.monitoring.models import Alert
from fleet.monitoring.rules import ranking, severity
from fleet.monitoring.rules.kinds import Kind
from fleet.monitoring.rules.ranking import Affected, Damage
from fleet.monitoring.services import lifecycle
from fleet.monitoring.services.hours import Hours

AT_ONCE = 200
AS_IT_IS = frozenset({Kind.POWER_OFF, Kind.SILENT_ACCESS_POINT})
"""A supposition weighs nothing more in a lesson; what only lessons show has its weight from them."""


def weigh(*, now: datetime, site_ids: Collection[int] | None = None, hours: Hours | None = None) -> int:
    """Ranks the open root causes anew and raises those that have become worse; returns how many changed.

    `site_ids`: those that the caller judges, and so holds.
    """
    roots = Alert.objects.open().root_causes().select_related("device__room")
    roots = roots if site_ids is None else roots.filter(site__in=site_ids)
    alerts = list(roots)
    known = hours or Hours({alert.site_id for alert in alerts}, now)
    behind = _behind([alert.pk for alert in alerts])
    changed = [alert for alert in alerts if _weigh(alert, behind[alert.pk], known)]
    if site_ids is not None:
        Alert.objects.bulk_update(changed, ["rank", "lessons_hit"], batch_size=AT_ONCE)
        return len(changed)
    for alert in changed:  # one by one: a statement over many rows and a judge of a site would wait for each other
        Alert.objects.filter(pk=alert.pk).update(rank=alert.rank, lessons_hit=alert.lessons_hit)
    return len(changed)


def _behind(alert_ids: Collection[int]) -> defaultdict[int, list[Affected]]:
    """{root cause: the devices that are silent because of it}."""
    found: defaultdict[int, list[Affected]] = defaultdict(list)
    rows = Alert.objects.open().filter(suppressed_by__in=alert_ids)
    for cause, kind, room, teaching in rows.values_list(
        "suppressed_by_id", "device__kind", "device__room_id", "device__room__teaching"
    ):
        found[cause].append(Affected(kind, room if teaching else None))
    return found


def _weigh(alert: Alert, behind: list[Affected], hours: Hours) -> bool:
    """Sets rank and lessons; whether they are other ones than before."""
    before = (alert.rank, alert.lessons_hit)
    _raise(alert, hours)
    calendar, room = hours.calendar(alert.site_id), alert.device.room
    own = Affected(alert.device.kind, room.pk if room and room.teaching else None)
    alert.lessons_hit = ranking.lessons_hit(alert.kind, [own, *behind], ranking.lessons_left(calendar, hours.now))
    exam = ranking.examined(calendar, hours.now)
    alert.rank = ranking.rank(Damage(alert.severity, alert.lessons_hit, len(behind), exam=exam))
    return before != (alert.rank, alert.lessons_hit)


def _raise(alert: Alert, hours: Hours) -> None:
    """What began at night weighs more once school has begun; what began in a lesson is not played down in the evening."""
    if not alert.base_severity or alert.kind in AS_IT_IS:
        return
    metric = metrics.known().get(alert.kind)
    weight = severity.adjusted(
        alert.base_severity,
        hours.moment(alert.site_id),
        hits_lessons=ranking.hits_lessons(alert.kind, alert.device.kind),
        around_the_clock=metric is not None and metric.around_the_clock,
    )
    if severity.worse(weight, alert.severity):
        lifecycle.reweigh(alert=alert, severity=weight)
