"""A tick: one worker takes a shard, streams what is due in it, and lets it go. A second worker finds it taken."""

import logging
import time
import uuid
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from fleet.monitoring.models import Health, PollGroup, Shard
from fleet.monitoring.models.health import HealthQuerySet
from fleet.monitoring.rules.polling import WALK_AT_LAST, WALK_PATIENCE
from fleet.monitoring.services import claims
from fleet.monitoring.services.asking import queue_name
from fleet.monitoring.services.claims import LEASE
from fleet.monitoring.services.working import Work
from fleet.monitoring.wire import DEVICE_BUDGET_S, Lane

log = logging.getLogger(__name__)

TICK_S = 45.0
"""A tick takes nothing new after this; what is under way is finished, or handed back at the end."""
DRAIN_S = 20.0
TAKES_UNTIL_S = {lane: TICK_S - (DEVICE_BUDGET_S if lane in {Lane.DOOR, Lane.SLOW} else 0) for lane in Lane}
"""What may take long is begun early enough to be through with the tick: nothing new is asked while one is finished, and who
answers at once is not to wait for those who do not."""
LOOK_AGAIN_S = 1.0
"""How long a lane that nothing was due for is left alone."""
SLICE = 500
"""Devices claimed at once: few enough that a worker that dies holds up little."""


def send_ticks(*, now: datetime | None = None) -> int:
    """Tells the workers which shards have something due; returns how many. Beat calls this every other second.

    A message that finds no worker in time expires; the next tick makes up for it.
    """
    moment = now or timezone.now()
    ensure_shards()
    due = [shard for shard in Shard.objects.free(moment).order_by("queue", "number") if has_work(shard, moment)]
    for shard in due:
        arguments = [shard.queue, shard.number, shard.tick + 1]
        queue = queue_name("polling", shard.queue)
        current_app.send_task("fleet.monitoring.poll_shard", args=arguments, queue=queue, expires=10)
    return len(due)


def has_work(shard: Shard, now: datetime) -> bool:
    """Whether anything in it is due. Looks where work is found: each of the two ends with the first row."""
    due = Health.objects.due(now).in_part(shard.queue, shard.number, settings.POLL_SHARDS)
    return due.answering().exists() or due.silent().exists()


def ensure_shards() -> list[Shard]:
    """One row per queue and number; more when there are more groups."""
    queues = ["", *PollGroup.objects.values_list("queue", flat=True)]
    wanted = {(queue, number) for queue in queues for number in range(settings.POLL_SHARDS)}
    known = {(row.queue, row.number): row for row in Shard.objects.all()}
    if missing := wanted - known.keys():
        Shard.objects.bulk_create(
            [Shard(queue=queue, number=number) for queue, number in sorted(missing)], ignore_conflicts=True
        )
        known = {(row.queue, row.number): row for row in Shard.objects.all()}
    return [known[key] for key in sorted(wanted)]


def run_tick(*, queue: str, number: int, tick: int, now: datetime | None = None) -> int:
    """Polls what is due in this shard; returns how many devices were finished. 0 for a shard that somebody else is at, and
    for a tick that was claimed before."""
    moment = now or timezone.now()
    claim = uuid.uuid4()
    mine = Shard.objects.filter(queue=queue, number=number)
    won = (
        mine.free(moment).filter(tick=tick - 1).update(tick=tick, claim=claim, claimed_until=moment + LEASE, began_at=moment)
    )
    if not won:
        return 0
    return _Tick(mine.filter(claim=claim), queue, number, moment).run()


class _Tick:
    def __init__(self, shard: QuerySet[Shard], queue: str, number: int, moment: datetime) -> None:
        self._shard = shard
        self._queue, self._number = queue, number
        self._moment, self._begun = moment, time.monotonic()
        self._look_again_at = dict.fromkeys(Lane, 0.0)
        self._lost = False

    def run(self) -> int:
        work = Work(on_renewal=self._renew)
        try:
            with work:
                self._stream(work)
        finally:
            self._shard.update(claim=None, claimed_until=None, ended_at=timezone.now())
        took_s = time.monotonic() - self._begun
        log.info("tick", extra={"queue": self._queue, "shard": self._number, "polled": work.written, "took_s": took_s})
        return work.written

    def _stream(self, work: Work) -> None:
        taking = True
        while taking or work.busy:
            elapsed_s = time.monotonic() - self._begun
            if elapsed_s > TICK_S + DRAIN_S or self._lost:
                return
            taking = self._take(work, elapsed_s)
            work.write_what_came()

    def _take(self, work: Work, elapsed_s: float) -> bool:
        """Whether there was something to take, or would be if there were room."""
        found = [self._take_for(lane, work) for lane, until_s in TAKES_UNTIL_S.items() if elapsed_s < until_s]
        return any(found)

    def _take_for(self, lane: Lane, work: Work) -> bool:
        room = work.room(lane)
        if room < SLICE // 4 and lane is Lane.LIVE and work.busy:
            return True  # taken in slices: each costs three statements
        if room <= 0 or time.monotonic() < self._look_again_at[lane]:
            return False
        wanted = min(room, SLICE)
        claim = claims.take(self._due(lane)[:wanted], self._now())
        work.add(claim)
        if len(claim.rows) < wanted:
            self._look_again_at[lane] = time.monotonic() + LOOK_AGAIN_S
        return bool(claim.rows)

    def _now(self) -> datetime:
        return self._moment + timedelta(seconds=time.monotonic() - self._begun)

    def _due(self, lane: Lane) -> HealthQuerySet:
        now = self._now()
        due = Health.objects.due(now).in_part(self._queue, self._number, settings.POLL_SHARDS)
        if lane is Lane.SLOW:
            return due.silent().order_by("next_poll_at")
        if lane in {Lane.WALK, Lane.DOOR}:
            new = lane is Lane.DOOR
            return due.answering().filter(walk_due_at__lte=now, answered_at__isnull=new).order_by("walk_due_at")
        walked_later = Q(latest__isnull=False, walk_due_at__gt=now - WALK_AT_LAST, next_poll_at__lt=now - WALK_PATIENCE)
        return due.answering().filter(walked_later | Q(walk_due_at__gt=now)).order_by("next_poll_at")

    def _renew(self) -> None:
        """Whoever has lost the shard stops: its devices are another worker's."""
        self._lost = not self._shard.update(claimed_until=timezone.now() + LEASE)
