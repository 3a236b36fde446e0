"""Room for what will be measured, and the end of what was kept long enough.

On PostgreSQL partitions are made ahead and dropped as a whole; elsewhere rows go a batch at a time.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.db.backends.utils import CursorWrapper

from fleet.monitoring.models import DailySample, HourlySample, Sample
from fleet.monitoring.rules.partitions import Partition, Step, expired, wanted

log = logging.getLogger(__name__)

AHEAD = timedelta(days=3)
"""So long nobody needs to look after it."""
AT_ONCE = 2000
PATIENCE = "2s"
"""How long a change of partitions waits for its lock: whoever writes samples would queue up behind it. It is tried again."""


@dataclass(frozen=True)
class Kept:
    """A table of history: by which column it is partitioned, in which steps, and how long its rows are kept."""

    model: type[models.Model]
    by: str
    step: Step
    keep: timedelta

    @property
    def table(self) -> str:
        return self.model._meta.db_table


def kept() -> list[Kept]:
    return [
        Kept(Sample, "polled_at", Step.DAY, timedelta(days=settings.KEEP_SAMPLES_DAYS)),
        Kept(HourlySample, "begin", Step.MONTH, timedelta(days=settings.KEEP_HOURLY_DAYS)),
        Kept(DailySample, "begin", Step.YEAR, timedelta(days=settings.KEEP_DAILY_DAYS)),
    ]


def make_ahead(*, now: datetime) -> list[str]:
    """The partitions of the next days; names of those that were missing. Nothing on other databases than PostgreSQL."""
    if connection.vendor != "postgresql":
        return []
    return [partition.name for one in kept() for partition in _missing(one, now) if _make(one, partition, now)]


def _missing(one: Kept, now: datetime) -> list[Partition]:
    there = set(_partitions(one.table))
    return [partition for partition in wanted(one.table, one.step, now, AHEAD) if partition.name not in there]


def drop_old(*, now: datetime) -> None:
    for one in kept():
        before = now - one.keep
        if connection.vendor == "postgresql":
            _drop(expired(_partitions(one.table), one.table, one.step, before))
            _empty_default(one, before)
        else:
            _delete_oldest(one, before)


def _partitions(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)", [table])
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def _changing(what: str) -> Iterator[CursorWrapper]:
    """A transaction that gives up rather than hold up whoever writes samples. One change at a time, over all workers."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('fleetdesk partitions'))")
            yield cursor
    except (OperationalError, IntegrityError):  # a lock not had in time, or rows that came in between
        log.warning("partition busy, tried again later", extra={"partition": what}, exc_info=True)


def _make(one: Kept, partition: Partition, now: datetime) -> bool:
    """Made apart and attached: that locks out no writer, as CREATE TABLE … PARTITION OF would."""
    done = False
    with _changing(partition.name) as cursor:
        cursor.execute("SELECT to_regclass(%s)", [partition.name])
        if cursor.fetchone() == (None,):
            new, bounds = connection.ops.quote_name(partition.name), [partition.begin, partition.end]
            cursor.execute(f'CREATE TABLE {new} (LIKE "{one.table}" INCLUDING ALL EXCLUDING INDEXES)')
            _move(cursor, one, partition, now)
            cursor.execute(f'ALTER TABLE "{one.table}" ATTACH PARTITION {new} FOR VALUES FROM (%s) TO (%s)', bounds)
            done = True
    return done


def _move(cursor: CursorWrapper, one: Kept, partition: Partition, now: datetime) -> None:
    """What the default partition has taken meanwhile: with such rows in it, a new one cannot be attached.

    Where writers may be about to add to them, they wait: one that had chosen the default partition would be refused.
    """
    new, old, by = (connection.ops.quote_name(name) for name in (partition.name, f"{one.table}_default", one.by))
    bounds = [partition.begin, partition.end]
    cursor.execute(f"SELECT EXISTS (SELECT FROM {old} WHERE {by} >= %s AND {by} < %s)", bounds)  # noqa: S608
    if partition.begin <= now or cursor.fetchone() == (True,):
        cursor.execute(f'LOCK TABLE "{one.table}" IN SHARE ROW EXCLUSIVE MODE')
        cursor.execute(
            f"WITH moved AS (DELETE FROM {old} WHERE {by} >= %s AND {by} < %s RETURNING *) "  # noqa: S608
            f"INSERT INTO {new} SELECT * FROM moved",
            bounds,
        )


def _drop(names: Iterable[str]) -> None:
    for name in names:
        with _changing(name) as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(name)}")
            log.info("partition dropped", extra={"partition": name})


def _empty_default(one: Kept, before: datetime) -> None:
    """What came from times without a partition of their own: little, if anything."""
    default, by = f'"{one.table}_default"', connection.ops.quote_name(one.by)
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {default} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {default} WHERE {by} < %s LIMIT %s))",  # noqa: S608
            [before, AT_ONCE],
        )


def _delete_oldest(one: Kept, before: datetime) -> None:
    """So many rows at a time that no writer waits for long."""
    old = one.model._default_manager.filter(**{f"{one.by}__lt": before}).order_by(one.by)
    if ages := list(old.values_list(one.by, flat=True)[:AT_ONCE]):
        one.model._default_manager.filter(**{f"{one.by}__lte": ages[-1]}).delete()
