"""Judging the sites in doubt: the longest waiting first, by one worker at a time, and no longer than a while.

Judging reads a whole site. Done for each batch of polls it would take more time than polling does, whenever many sites have
silent devices; so a poll only says that a site is in doubt, and however often that is said before its turn, it is judged
once.
"""

import logging
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet
from django.utils import timezone

from fleet.monitoring.models import Doubt, Judge
from fleet.monitoring.services import alerts
from fleet.monitoring.services.hours import Hours

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""A judge that says nothing for so long is dead, and another one takes over."""
STRETCH_S = 10.0
"""So long one judges; what is left by then waits for the next one, who comes every other second."""
AT_ONCE = 20
"""Sites whose calendars are read together."""
FEW = 3
"""So many are judged at once for whoever asked about them."""
PUT_OFF = timedelta(seconds=30)


def judge_due(*, now: datetime | None = None) -> int:
    """Returns how many sites were judged; 0 also if another worker is at it."""
    moment = now or timezone.now()
    if not Doubt.objects.due(moment).exists():
        return 0
    judge = _take()
    if judge is None:
        return 0
    try:
        return sum(_judge(group, now or timezone.now()) for group in _in_turn(judge, moment))
    finally:
        judge.update(claim=None, claimed_until=None)


def judge_few(*, site_ids: Collection[int]) -> None:
    """For whoever has asked about these and waits to see what it means; where they are many they have their turn."""
    if site_ids and len(site_ids) <= FEW:
        _judge(sorted(site_ids), timezone.now())


def _take() -> QuerySet[Judge] | None:
    """The row as long as it is ours."""
    Judge.objects.get_or_create(pk=1)
    token, now = uuid.uuid4(), timezone.now()
    if not Judge.objects.free(now).filter(pk=1).update(claim=token, claimed_until=now + LEASE):
        return None
    return Judge.objects.filter(pk=1, claim=token)


def _in_turn(judge: QuerySet[Judge], moment: datetime) -> Iterator[Sequence[int]]:
    """Sites in doubt as long as there is time and nobody has taken over."""
    waiting = Doubt.objects.due(moment).values("site").annotate(since=Min("due_at")).order_by("since", "site")
    sites, begun = list(waiting.values_list("site", flat=True)), time.monotonic()
    for start in range(0, len(sites), AT_ONCE):
        if time.monotonic() - begun > STRETCH_S or not judge.update(claimed_until=timezone.now() + LEASE):
            return
        yield sites[start : start + AT_ONCE]


def _judge(site_ids: Sequence[int], now: datetime) -> int:
    """Each by itself: one that cannot be judged is put off, and keeps no other from its turn."""
    hours = Hours(site_ids, now)
    return sum(_judge_one(site_id, hours) for site_id in site_ids)


def _judge_one(site_id: int, hours: Hours) -> bool:
    try:
        alerts.judge_site(site_id, hours)
    except Exception:
        log.exception("a site could not be judged", extra={"site_id": site_id})
        Doubt.objects.filter(site=site_id, due_at__lte=hours.now).update(due_at=timezone.now() + PUT_OFF)
        return False
    return True
