"""How many tickets are not finished: by state, priority, school (and queue, where there are queues), in two queries.

Schools are counted by themselves: together with all else each ticket would soon be a group of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from fleet.people.models import User
from helpdesk.tickets.models import Ticket

DIMENSIONS = ("state", "priority")


@dataclass(frozen=True)
class Counts:
    total: int
    by: Mapping[str, Mapping[Any, int]]
    """{dimension: {value: how many}}; `site` and `queue` by id."""


def unfinished(user: User) -> Counts:
    few = summed(dimensions(), _counted(user, *dimensions()))
    return Counts(few.total, {**few.by, "site": dict(_counted(user, "site"))})


def by_state(user: User) -> Mapping[str, int]:
    """One query."""
    return dict(_counted(user, "state"))


def _counted(user: User, *names: str) -> Any:
    return Ticket.objects.visible_to(user).open().order_by().values_list(*names).annotate(number=Count("pk"))


def dimensions() -> tuple[str, ...]:
    known = {field.name for field in Ticket._meta.get_fields()}
    return (*DIMENSIONS, *({"queue"} & known))


def summed(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Counts:
    """`rows`: one value for each name, then how many."""
    by: dict[str, Counter[Any]] = {name: Counter() for name in names}
    total = 0
    for *values, count in rows:
        total += count
        for name, value in zip(names, values, strict=True):
            by[name][value] += count
    return Counts(total, by)
