"""Keeping what was measured: one packed row per device and poll, written by the batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from fleet.monitoring.models import Layout, RollupDue, Sample
from fleet.monitoring.rules import packing
from fleet.monitoring.rules.packing import NewSample
from fleet.monitoring.rules.rollup import HOUR, Grain, hour_of

__all__ = ["NewSample", "forget", "layouts", "note", "record"]

Names = tuple[str, ...]
Row = tuple[int, datetime, int, bytes]
"""device, polled_at, layout, values: as the table has them."""

_known: dict[Names, int] = {}
"""Layouts of this process by their names. Only what is committed stands here: a rolled-back row has no number."""
MOST_KNOWN = 100_000
_noted: set[datetime] = set()
"""Hours of which this process has noted (and committed) that their roll-up is due."""


def record(*, samples: Sequence[NewSample]) -> None:
    """Writes them down inside the caller's transaction.

    Raises IntegrityError when a device has a sample of that very instant already, ValueError when names and values differ
    in number.
    """
    if not samples:
        return
    known = layouts({one.names for one in samples})
    _write([_row(one, known[one.names]) for one in samples])
    _note_hours({hour_of(one.polled_at) for one in samples}, timezone.now())


def _row(one: NewSample, layout_id: int) -> Row:
    if len(one.names) != len(one.values):
        raise ValueError(f"device {one.device_id}: {len(one.names)} names for {len(one.values)} values")
    return one.device_id, one.polled_at, layout_id, packing.pack(one.values)


def _write(rows: Sequence[Row]) -> None:
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        Sample.objects.bulk_create(
            Sample(device_id=device_id, polled_at=at, layout_id=layout_id, values=values)
            for device_id, at, layout_id, values in rows
        )


COPY = 'COPY "{table}" (device_id, polled_at, layout_id, "values") FROM STDIN (FORMAT BINARY)'
COPY_TYPES = ("int8", "timestamptz", "int4", "bytea")


def _copy(rows: Iterable[Row]) -> None:
    statement = COPY.format(table=Sample._meta.db_table)
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(COPY_TYPES)
        for row in rows:
            copy.write_row(row)


def layouts(wanted: Collection[Names]) -> Mapping[Names, int]:
    """The number of each layout; what nobody has seen before is written down. No query when this process knows them all."""
    found = {names: _known[names] for names in wanted if names in _known}
    if len(found) == len(wanted):
        return found
    unknown = {packing.digest(names): names for names in wanted if names not in found}
    fresh = _stored(unknown)
    missing = {digest: names for digest, names in unknown.items() if names not in fresh}
    if missing:
        fresh |= _created(missing)
    transaction.on_commit(partial(_remember, fresh))
    return found | fresh


def _stored(unknown: dict[str, Names]) -> dict[Names, int]:
    rows = Layout.objects.filter(digest__in=unknown).values_list("digest", "pk")
    return {unknown[digest]: pk for digest, pk in rows}


def _created(unknown: dict[str, Names]) -> dict[Names, int]:
    """Several workers may meet a new layout at once: the unique digest lets one write it, the others wait and read it.

    Sorted, so that two that write several wait for each other in one order only.
    """
    Layout.objects.bulk_create(
        [Layout(digest=digest, names=list(unknown[digest])) for digest in sorted(unknown)], ignore_conflicts=True
    )
    return _stored(unknown)


def _remember(fresh: dict[Names, int]) -> None:
    if len(_known) > MOST_KNOWN:
        _known.clear()
    _known.update(fresh)


def _note_hours(hours: Collection[datetime], now: datetime) -> None:
    """Once per process while an hour runs; after its end each time, for it may have been rolled up already."""
    new = [hour for hour in hours if hour + HOUR <= now or hour not in _noted]
    if new:
        note(grain=Grain.HOUR, begins=new, now=now)
        transaction.on_commit(partial(_remember_hours, {hour for hour in new if hour + HOUR > now}))


def note(*, grain: Grain, begins: Iterable[datetime], now: datetime) -> None:
    """The roll-up of these is due (again). Sorted, so that two workers wait for each other in one order only."""
    RollupDue.objects.bulk_create(
        [RollupDue(grain=grain, begin=begin, noted_at=now) for begin in sorted(begins)],
        update_conflicts=True,
        unique_fields=["grain", "begin"],
        update_fields=["noted_at", "done_to"],
    )


def _remember_hours(hours: set[datetime]) -> None:
    """At most two hours run at once, even where clocks differ."""
    if len(_noted) > len(hours) + 1:
        _noted.clear()
    _noted.update(hours)


def forget() -> None:
    """For whoever empties the database under a running process."""
    _known.clear()
    _noted.clear()
