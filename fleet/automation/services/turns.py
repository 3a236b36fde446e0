"""Rows that a tick works on: so many at a time, in turn, each by itself, and none that another tick has in hand."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import models, transaction
from django.db.models import QuerySet

log = logging.getLogger(__name__)
AT_MOST = 50
"""Rows of one step in one tick."""
Row = TypeVar("Row", bound=models.Model)


@contextmanager
def apart(step: str, **about: Any) -> Iterator[None]:
    """Whatever goes wrong, the others have their turn, and this one has its next."""
    try:
        yield
    except Exception:
        log.exception("tending failed", extra={"step": step} | about)


def each(step: str, rows: QuerySet[Row], act: Callable[[Row], object], *, numbers: Iterable[int] | None = None) -> None:
    """`act` on each row whose turn it is, in a transaction of its own that holds the row.

    A row that another transaction holds is left to it (`SKIP LOCKED`; SQLite has one writer at a time anyway), and so is one
    that `rows` does not name any more when it is held. `numbers`: whose turn it is, where the caller knows better.
    """
    for pk in in_turn(step, rows) if numbers is None else numbers:
        with apart(step, row=pk), transaction.atomic():
            mine = rows.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if mine is not None:
                act(mine)


def in_turn(step: str, rows: QuerySet[Any], at_most: int | None = None) -> list[int]:
    """Numbers of the next rows after those of the last tick, AT_MOST unless told, from the first again after the last one.

    So a row that fails each time, or waits for long, keeps none behind it from its turn.
    """
    key = f"automation.turn.{step.replace(' ', '-')}"
    after, limit = 0, AT_MOST if at_most is None else at_most
    with even_without_cache():
        after = int(cache.get(key) or 0)
    numbers = rows.order_by("pk").values_list("pk", flat=True)
    found = list(numbers.filter(pk__gt=after)[:limit])
    if after and len(found) < limit:
        found += numbers.filter(pk__lte=after)[: limit - len(found)]
    with even_without_cache():
        cache.set(key, found[-1] if found else 0, timeout=None)
    return found


@contextmanager
def even_without_cache() -> Iterator[None]:
    """What is remembered there saves work, no more: where it is away everything has its turn anew."""
    try:
        yield
    except Exception:
        log.warning("cache away, turns begin anew", exc_info=True)
