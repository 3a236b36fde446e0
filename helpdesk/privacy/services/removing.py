"""Deleting rows with everything that goes with them, and the files they had, unless something kept refers to them."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.core.files.storage import Storage
from django.db import models, transaction
from django.db.models.deletion import Collector, ProtectedError, RestrictedError

from helpdesk.tickets.models import Attachment
from helpdesk.tickets.services import attachments

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class File:
    model: type[models.Model]
    column: str
    name: str
    storage: Storage


@dataclass
class Removed:
    count: int = 0
    held: int = 0
    """Rows that stay because of what protects them (`on_delete=PROTECT`, however far below)."""
    files: list[File] = field(default_factory=list)


def remove(rows: Sequence[models.Model]) -> Removed:
    """Inside the caller's transaction; files go when it commits, those of articles an hour later."""
    removed = _together(rows)
    if removed is None:
        removed = _one_by_one(rows)
    forget_files(removed.files)
    return removed


def forget_files(files: Iterable[File]) -> None:
    """After the commit. One file of articles may be shared by many rows, and be attached anew at this very moment."""
    wanted = {(one.model, one.column, one.name): one for one in files if one.name}
    shared = {one.name for one in wanted.values() if one.model is Attachment}
    own = [one for one in wanted.values() if one.model is not Attachment]
    if shared:
        attachments.let_go(shared)
    if own:
        transaction.on_commit(lambda: _delete_files(own), robust=True)


def files_of(rows: Sequence[models.Model]) -> Iterator[File]:
    for row in rows:
        for column in _file_columns(type(row)):
            yield File(type(row), column.attname, getattr(row, column.attname).name or "", column.storage)


def _together(rows: Sequence[models.Model]) -> Removed | None:
    """None: something protects at least one of them."""
    if not rows:
        return Removed()
    collector = Collector(using=rows[0]._state.db or "default", origin=rows[0])
    try:
        collector.collect(rows)
    except (ProtectedError, RestrictedError):
        return None
    files = list(_files(collector))
    collector.delete()
    return Removed(len(rows), 0, files)


def _one_by_one(rows: Sequence[models.Model]) -> Removed:
    total = Removed()
    for row in rows:
        removed = _together([row])
        total.count += removed.count if removed else 0
        total.held += removed is None
        total.files += removed.files if removed else []
    return total


def _files(collector: Collector) -> Iterator[File]:
    """Of all that is about to go, also of what the database deletes without its rows being read."""
    for found in collector.data.values():
        yield from files_of(list(found))
    for rows in collector.fast_deletes:
        if _file_columns(rows.model):
            yield from files_of(list(rows))


def _file_columns(model: type[models.Model]) -> list[models.FileField]:
    return [one for one in model._meta.concrete_fields if isinstance(one, models.FileField)]


def _delete_files(files: Sequence[File]) -> None:
    for one in files:
        if one.model._base_manager.filter(**{one.column: one.name}).exists():
            continue
        try:
            one.storage.delete(one.name)
        except OSError:
            log.exception("file not deleted", extra={"model": one.model._meta.label})
