"""Changes that wait (for their hour, for devices): asked again in turn, so that a tick costs the same for any number."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from fleet.automation.models import Change
from fleet.automation.services.turns import even_without_cache

ASK_AGAIN_S = 60
"""What changes without anybody telling us (a calendar, a maintenance window) is noticed after so long."""
AT_MOST = 50
"""Changes that are asked about in one tick."""
GENERATION = "automation.holding"


def hold(change: Change, now: datetime) -> None:
    """It may not go on now: there is no use in asking again at once."""
    with even_without_cache():
        cache.set(_key(_generation(), change.pk), now.timestamp(), timeout=ASK_AGAIN_S)


def let_go(change: Change) -> None:
    """What it waited for may have come."""
    with even_without_cache():
        cache.delete(_key(_generation(), change.pk))


def let_all_go() -> None:
    """What may happen when has changed: all are asked about anew once this is committed."""
    transaction.on_commit(partial(cache.set, GENERATION, uuid.uuid4().hex, timeout=None), robust=True)


def next_to_ask(changes: QuerySet[Change], now: datetime) -> list[int]:
    """AT_MOST of those in question: first whose time has ended since, then who was not asked about for the longest."""
    ends = dict(changes.order_by("starts_at", "pk").values_list("pk", "ends_at"))
    asked, at = _asked(ends), now.timestamp()
    over = [pk for pk, end in ends.items() if end is not None and asked.get(pk, 0.0) < end.timestamp() <= at]
    left = [pk for pk in ends if pk not in set(over) and abs(at - asked.get(pk, 0.0)) >= ASK_AGAIN_S]
    return (over + sorted(left, key=lambda pk: asked.get(pk, 0.0)))[:AT_MOST]


@contextmanager
def held_if_it_fails(change: Change, now: datetime) -> Iterator[None]:
    """What goes wrong each time is asked about as seldom as what waits, and keeps no other from its turn."""
    try:
        yield
    except Exception:
        hold(change, now)
        raise


def _asked(ids: Iterable[int]) -> dict[int, float]:
    found: dict[int, float] = {}
    with even_without_cache():
        generation = _generation()
        keys = {_key(generation, pk): pk for pk in ids}
        found.update((keys[key], at) for key, at in cache.get_many(keys).items())
    return found


def _generation() -> str:
    return str(cache.get(GENERATION, ""))


def _key(generation: str, change_id: int) -> str:
    return f"automation.held.{generation}.{change_id}"
