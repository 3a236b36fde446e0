"""How long writing batches takes, counted over all workers."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from fleet.monitoring.models import Pulse

ENDED = "ended"
WRITTEN_EVERY = timedelta(seconds=10)
ENDED_AFTER = timedelta(days=1)
"""A process that has written nothing for so long has ended, or will begin a row of its own anew."""


@dataclass
class _Counts:
    """Of this process."""

    batches: int = 0
    polls: int = 0
    seconds: float = 0.0
    written_at: datetime | None = None
    worker: str = ""

    def row(self, now: datetime) -> Pulse:
        counted = {"batches": self.batches, "polls": self.polls, "seconds": self.seconds}
        return Pulse(worker=self.worker, updated_at=now, **counted)


_counts = _Counts()
_lock = threading.Lock()


@contextmanager
def batch(polls: int) -> Iterator[None]:
    """Around the transaction that writes a batch of polls. What fails is not counted."""
    begun = time.perf_counter()
    yield
    beat(polls=polls, seconds=time.perf_counter() - begun, now=timezone.now())


def beat(*, polls: int, seconds: float, now: datetime) -> None:
    with _lock:
        _count(polls, seconds, now)
        if _counts.written_at is not None and now - _counts.written_at < WRITTEN_EVERY:
            return
        _counts.written_at = now
        row = _counts.row(now)
    Pulse.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["worker"],
        update_fields=["batches", "polls", "seconds", "updated_at"],
    )


def _count(polls: int, seconds: float, now: datetime) -> None:
    """A process that was silent for long begins a new row: its old one may have been added to those that ended."""
    global _counts  # noqa: PLW0603  (one per process)
    silent = _counts.written_at is not None and now - _counts.written_at > ENDED_AFTER / 2
    if silent or not _counts.worker:
        _counts = _Counts(worker=f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
    _counts.batches += 1
    _counts.polls += polls
    _counts.seconds += seconds


def forget() -> None:
    """For whoever empties the database under a running process."""
    global _counts  # noqa: PLW0603
    _counts = _Counts()


@transaction.atomic
def fold_ended(*, now: datetime) -> None:
    """Adds the rows of ended processes up in one, so that sums never fall and rows never pile up."""
    old = Pulse.objects.select_for_update().exclude(worker=ENDED).filter(updated_at__lt=now - ENDED_AFTER)
    ids = [row.pk for row in old]
    if not ids:
        return
    total = Pulse.objects.get_or_create(worker=ENDED, defaults={"updated_at": now})[0]
    gone = Pulse.objects.filter(pk__in=[*ids, total.pk])
    sums = gone.aggregate(batches=Sum("batches"), polls=Sum("polls"), seconds=Sum("seconds"))
    Pulse.objects.filter(pk=total.pk).update(**sums, updated_at=now)
    Pulse.objects.filter(pk__in=ids).delete()
