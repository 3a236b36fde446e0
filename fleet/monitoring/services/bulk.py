"""The two tables that every poll touches, written with one statement per batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from fleet.monitoring.models import Health, Latest


@dataclass(frozen=True, slots=True)
class Calm:
    """A device that answered as it did before: nothing changes but the times."""

    device_id: int
    answered_at: datetime
    next_poll_at: datetime
    walk_due_at: datetime


@dataclass(frozen=True, slots=True)
class NewLatest:
    device_id: int
    plan_id: int
    at: datetime
    counted_at: datetime
    numbers: bytes
    walked_at: datetime


STATE = (
    "status",
    "status_since",
    "reason",
    "failures",
    "failing_since",
    "polled_at",
    "answered_at",
    "beyond",
    "next_poll_at",
    "walk_due_at",
    "claim",
    "claimed_until",
)


def _instant(column: str) -> str:
    return f"'epoch'::timestamptz + said.{column} * interval '1 microsecond'"


def write_calm(rows: Sequence[Calm]) -> None:
    """Inside the caller's transaction, which holds the rows."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_CALM_AT_ONCE, _columns(rows))
        return
    adapt = connection.ops.adapt_datetimefield_value
    times = [[row.answered_at, row.answered_at, row.next_poll_at, row.walk_due_at] for row in rows]
    values = [(*map(adapt, of_one), row.device_id) for of_one, row in zip(times, rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.executemany(_CALM_ONE_BY_ONE, values)


_CALM_AT_ONCE = """
    UPDATE monitoring_health AS health
    SET polled_at = {at}, answered_at = {at}, next_poll_at = {due}, walk_due_at = {walk_due},
        claim = NULL, claimed_until = NULL
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS said (device_id, at, due, walk_due)
    WHERE health.device_id = said.device_id
""".format(at=_instant("at"), due=_instant("due"), walk_due=_instant("walk_due"))  # noqa: S608 - made of constants
_CALM_ONE_BY_ONE = """
    UPDATE monitoring_health
    SET polled_at = %s, answered_at = %s, next_poll_at = %s, walk_due_at = %s, claim = NULL, claimed_until = NULL
    WHERE device_id = %s
"""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _fields(row: Calm | NewLatest) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in row.__slots__)


def _columns(rows: Sequence[Calm] | Sequence[NewLatest]) -> list[list[Any]]:
    """One list per field. Instants as microseconds since 1970: the driver writes numbers several times as quickly."""
    return [
        [(value - _EPOCH) // _MICROSECOND if isinstance(value, datetime) else value for value in column]
        for column in zip(*(_fields(row) for row in rows), strict=True)
    ]


def write_states(rows: Sequence[Health]) -> None:
    """Where more has changed than the times."""
    _update(STATE, rows)


def write_readings(readings: dict[int, dict[str, Any]]) -> None:
    """{device: reading} of those that were walked. All in one document: in an array each would be escaped a second time."""
    if not readings:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_READINGS_AT_ONCE, [json.dumps(readings)])
        else:
            cursor.executemany(_READINGS_ONE_BY_ONE, [(json.dumps(said), pk) for pk, said in readings.items()])


_READINGS_AT_ONCE = """
    UPDATE monitoring_health AS health SET reading = said.value
    FROM jsonb_each(%s::jsonb) AS said WHERE health.device_id = said.key::bigint
"""
_READINGS_ONE_BY_ONE = "UPDATE monitoring_health SET reading = %s WHERE device_id = %s"


def _update(names: Sequence[str], rows: Sequence[Health]) -> None:
    """Like `bulk_update`, whose CASE per column and row takes Django longer to write than the database to carry out."""
    if not rows:
        return
    fields: list[Any] = [Health._meta.pk, *(Health._meta.get_field(name) for name in names)]
    said = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_update_at_once(fields), [list(column) for column in zip(*said, strict=True)])
        else:
            cursor.executemany(_update_one_by_one(fields), [[*values, pk] for pk, *values in said])


def _update_at_once(fields: Sequence[Any]) -> str:
    names = [field.column for field in fields]
    types = ", ".join(f"%s::{_type(field)}[]" for field in fields)
    changes = ", ".join(f"{name} = said.{name}" for name in names[1:])
    return (  # made of the model's own names
        f"UPDATE monitoring_health AS health SET {changes} "  # noqa: S608
        f"FROM unnest({types}) AS said ({', '.join(names)}) WHERE health.{names[0]} = said.{names[0]}"
    )


def _type(field: Any) -> str:
    return str((field.rel_db_type(connection) if field.primary_key else field.db_type(connection)).partition("(")[0])


def _update_one_by_one(fields: Sequence[Any]) -> str:
    changes = ", ".join(f"{field.column} = %s" for field in fields[1:])
    return f"UPDATE monitoring_health SET {changes} WHERE {fields[0].column} = %s"  # noqa: S608 - the model's own names


def write_latest(rows: Sequence[NewLatest]) -> None:
    if not rows:
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LATEST_AT_ONCE, _columns(rows))
        return
    Latest.objects.bulk_create(
        [
            Latest(
                health_id=row.device_id,
                plan_id=row.plan_id,
                at=row.at,
                counted_at=row.counted_at,
                numbers=row.numbers,
                walked_at=row.walked_at,
            )
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["health"],
        update_fields=["plan", "at", "counted_at", "numbers", "walked_at"],
    )


_LATEST_AT_ONCE = """
    INSERT INTO monitoring_latest (health_id, plan_id, at, counted_at, numbers, walked_at)
    SELECT device_id, plan_id, {at}, {counted}, numbers, {walked}
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[])
        AS said (device_id, plan_id, at, counted, numbers, walked)
    ON CONFLICT (health_id) DO UPDATE SET
        plan_id = excluded.plan_id, at = excluded.at, counted_at = excluded.counted_at, numbers = excluded.numbers,
        walked_at = excluded.walked_at
""".format(  # noqa: S608 - made of constants
    at=_instant("at"), counted=_instant("counted"), walked=_instant("walked")
)
