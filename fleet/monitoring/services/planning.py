"""Plans: kept once per build of device, held by each process, and used to bring a reading up to this moment."""

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from fleet.monitoring import metrics
from fleet.monitoring.models import Health, Latest, PollPlan
from fleet.monitoring.rules import series
from fleet.monitoring.rules.series import Series
from fleet.snmp import profiles
from fleet.snmp.plan import Plan, digest_of

log = logging.getLogger(__name__)

MOST_KEPT = 4_096


@dataclass(frozen=True)
class Known:
    """A plan and what is worked out of it once."""

    pk: int
    plan: Plan
    series: Series


_known: OrderedDict[int, Known] = OrderedDict()
_by_digest: OrderedDict[str, int] = OrderedDict()


def current(plan_ids: Collection[int]) -> dict[int, Known]:
    """Those of them that still fit their profile. No query for what this process knows."""
    wanted = set(plan_ids)
    for row in PollPlan.objects.filter(pk__in=wanted - _known.keys()):
        plan = Plan.from_dict(row.content)
        _keep(row.digest, Known(row.pk, plan, Series(plan.cells, metrics.known())))
    return {pk: found for pk in wanted if (found := _known.get(pk)) is not None and _fits(found.plan)}


def remembered(plans: Mapping[int, Plan]) -> dict[int, Known]:
    """{device: its plan's row}, written if nobody has seen its like; inside the caller's transaction.

    Sorted, so that two workers that write several wait for each other in one order only.
    """
    digests = {device_id: _digest(plan) for device_id, plan in plans.items()}
    by_digest = {digests[device_id]: plan for device_id, plan in plans.items()}
    rows = {digest: _remembered(digest, by_digest[digest]) for digest in sorted(by_digest)}
    return {device_id: rows[digest] for device_id, digest in digests.items()}


def _digest(plan: Plan) -> str:
    return hashlib.sha256(json.dumps(plan.as_dict(), sort_keys=True).encode()).hexdigest()


def _remembered(digest: str, plan: Plan) -> Known:
    pk = _by_digest.get(digest)
    if pk is not None and pk in _known:
        return _known[pk]
    made = {"profile_digest": plan.digest, "content": plan.as_dict()}
    row, _made = PollPlan.objects.get_or_create(digest=digest, defaults=made)
    known = Known(row.pk, plan, Series(plan.cells, metrics.known()))
    transaction.on_commit(lambda: _keep(digest, known))
    return known


def reading_now(health: Health) -> dict[str, Any]:
    """The last walk's reading with the numbers of the last poll in their places."""
    return _now(health.reading, Latest.objects.filter(pk=health.pk).first())


def readings_now(device_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The same of many, in two queries."""
    stored = dict(Health.objects.filter(pk__in=device_ids).values_list("pk", "reading"))
    latest = Latest.objects.in_bulk([pk for pk, reading in stored.items() if reading])
    return {pk: _now(reading, latest.get(pk)) for pk, reading in stored.items()}


def _now(stored: dict[str, Any], latest: Latest | None) -> dict[str, Any]:
    if latest is None or not stored or latest.at <= latest.walked_at:
        return stored
    known = current([latest.plan_id]).get(latest.plan_id)
    if known is None or stored.get("profile") != known.plan.profile:
        return stored
    return known.plan.patch(stored, series.unpack(bytes(latest.numbers)))


def forget() -> None:
    """For whoever empties the database under a running process."""
    _known.clear()
    _by_digest.clear()


def _keep(digest: str, known: Known) -> None:
    """Only what is committed: a rolled-back row has no number."""
    _known[known.pk] = known
    _by_digest[digest] = known.pk
    _by_digest.move_to_end(digest)
    for kept in (_known, _by_digest):
        while len(kept) > MOST_KEPT:
            kept.popitem(last=False)


def _fits(plan: Plan) -> bool:
    profile = profiles.default().by_name.get(plan.profile)
    return profile is not None and digest_of(profile) == plan.digest
