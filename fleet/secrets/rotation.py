"""Brings every encrypted column under the newest key of ENCRYPTION_KEYS, in small steps that may stop and begin again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models.functions import Cast

from fleet.secrets.crypto import is_current, rotate
from fleet.secrets.fields import EncryptedJSONField

BATCH = 200
Elsewhere = Callable[[], int]
_elsewhere: dict[str, Elsewhere] = {}


def register(name: str, rotate_all: Elsewhere) -> None:
    """For secrets that rest in columns of others (a library's): `rotate_all()` returns how many it re-encrypted."""
    _elsewhere[name] = rotate_all


def elsewhere() -> list[tuple[str, Elsewhere]]:
    return sorted(_elsewhere.items())


@dataclass(frozen=True)
class Column:
    model: type[models.Model]
    field: EncryptedJSONField

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"


def columns() -> Iterator[Column]:
    """Every encrypted column of every model."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedJSONField):
                yield Column(model, field)


def rotate_column(column: Column) -> int:
    """Re-encrypt what stands under an older key; returns how many rows that were.

    Rows already under the newest key are passed over, so a second call goes on where the first was stopped. A row that
    changes at the same time keeps its change: the update asks for the token that was read.
    """
    return sum(_rotate_batch(column, tokens) for tokens in _batches(column))


def _batches(column: Column) -> Iterator[list[tuple[Any, str]]]:
    """(primary key, token as it is stored), read past the field's own decryption."""
    rows = (
        column.model._base_manager.exclude(**{f"{column.field.name}__isnull": True})
        .annotate(stored=Cast(column.field.name, models.TextField()))
        .order_by("pk")
    )
    last: Any = None
    while True:
        page = rows if last is None else rows.filter(pk__gt=last)
        tokens = list(page.values_list("pk", "stored")[:BATCH])
        if not tokens:
            return
        last = tokens[-1][0]
        yield tokens


def _rotate_batch(column: Column, tokens: list[tuple[Any, str]]) -> int:
    with transaction.atomic():
        return sum(_replace(column, pk, token) for pk, token in tokens if not is_current(token))


def _replace(column: Column, pk: Any, token: str) -> int:
    """Compare and set, on the column as it is stored."""
    names = (column.model._meta.db_table, column.field.column, column.model._meta.pk.column)
    table, name, key = (connection.ops.quote_name(str(one)) for one in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {name} = %s WHERE {key} = %s AND {name} = %s",  # noqa: S608  (names from the models)
            [rotate(token), pk, token],
        )
        return int(cursor.rowcount)
