"""What is dear to make through services and alike in hundreds of tests: made once, then written again row by row."""

import io
import pickle
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from tests import database

Made = TypeVar("Made")
Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


class Remembered(Generic[Made]):
    """`make()`, and the same rows and objects with the same ids for whoever asks again; times move along with the clock.

    Where something stands in the database already, or `make` adds to tables that were not empty, it is always made.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._kept: tuple[datetime, bytes] | None = None

    def __call__(self) -> Made:
        if database.filled():
            return self._make()
        if self._kept is None:
            return self._first()
        made_at, pickled = self._kept
        rows, made = _Reader(io.BytesIO(pickled), timezone.now() - made_at).load()
        _write(rows)
        return made  # type: ignore[no-any-return]

    def _first(self) -> Made:
        made = self._make()
        rows: Rows = {table: _read(table) for table in database.filled()}
        target = io.BytesIO()
        _Writer(target).dump((rows, made))
        self._kept = timezone.now(), target.getvalue()
        return made


def _read(table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  (names from the models)
        rows = [tuple(_as_written(value) for value in row) for row in cursor.fetchall()]
        return [column[0] for column in cursor.description], rows


def _as_written(value: Any) -> Any:
    match value:
        case memoryview():
            return bytes(value)
        case time():  # SQLite's driver reads it, and does not write it
            return connection.ops.adapt_timefield_value(value)
    return value


def _write(rows: Rows) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, (columns, values) in rows.items():
            names = ", ".join(connection.ops.quote_name(one) for one in columns)
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(
                f"INSERT INTO {connection.ops.quote_name(table)} ({names}) VALUES ({marks})",  # noqa: S608  (likewise)
                values,
            )


class _Writer(pickle.Pickler):
    """Leaves times out, each of which the reader moves."""

    def persistent_id(self, one: Any) -> str | None:
        return one.isoformat() if isinstance(one, datetime) else None


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, later: timedelta) -> None:
        super().__init__(file)
        self._later = later

    def persistent_load(self, one: str) -> datetime:
        return datetime.fromisoformat(one) + self._later
