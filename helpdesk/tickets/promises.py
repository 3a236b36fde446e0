"""Whether promises were kept, for each ticket and counted.

The deadlines of a ticket are worked out from its history, so that waiting for others and closing hours do not count, and one
that was met stays where it was (`rules.sla`): compared with when it was met, it says whether it was kept.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import TruncMonth

from helpdesk.tickets import schools
from helpdesk.tickets.models import Article, Category, Ticket


class Outcome(StrEnum):
    KEPT = "kept"
    BROKEN = "broken"
    RUNNING = "running"
    """Promised, and neither met nor overdue."""
    NOTHING = ""
    """Nothing was promised, or it could not be reckoned (a school that never opens)."""


PROMISES = ("response", "resolution")
COUNTED = (Outcome.KEPT, Outcome.BROKEN, Outcome.RUNNING)


def asked() -> Q:
    """Tickets that somebody waits for an answer to: all but what monitoring alone has reported."""
    by_mail = Article.objects.filter(ticket=OuterRef("pk"), author=None, channel=Article.Channel.MAIL, internal=False)
    return Q(requester__isnull=False) | Q(alert__isnull=True) | Q(Exists(by_mail))


def judged(rows: QuerySet[Ticket], now: datetime) -> QuerySet[Ticket]:
    """Each ticket with `response` and `resolution`, an Outcome."""
    promised = Q(agreement__first_response_min__isnull=False) & asked()
    return rows.annotate(
        response=_outcome("response_due_at", "answered_at", promised, now),
        resolution=_outcome("resolution_due_at", "resolved_at", Q(agreement__resolution_min__isnull=False), now),
    )


def _outcome(due: str, met: str, promised: Q, now: datetime) -> Case:
    return Case(
        When(Q(**{f"{met}__lte": F(due)}), then=Value(Outcome.KEPT.value)),
        When(
            Q(**{f"{met}__gt": F(due)}) | Q(**{f"{due}__lte": now, f"{met}__isnull": True}), then=Value(Outcome.BROKEN.value)
        ),
        When(Q(**{f"{met}__isnull": True}) & promised, then=Value(Outcome.RUNNING.value)),
        default=Value(Outcome.NOTHING.value),
        output_field=CharField(),
    )


@dataclass(frozen=True)
class Tally:
    """How many were kept, broken, and are still running."""

    kept: int = 0
    broken: int = 0
    running: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.kept + other.kept, self.broken + other.broken, self.running + other.running)

    @property
    def decided(self) -> int:
        return self.kept + self.broken

    @property
    def percent(self) -> float | None:
        """Kept of those that are decided."""
        return 100 * self.kept / self.decided if self.decided else None


@dataclass(frozen=True)
class Line:
    """What was promised for tickets of one school and category that were opened in one month (`2026-03`)."""

    month: str
    site: str
    category: str
    response: Tally
    resolution: Tally


def counted(rows: QuerySet[Ticket], now: datetime) -> list[Line]:
    """Ordered by month, school and category; tickets without any promise are not among them. Three queries.

    Schools and categories of the same name are told apart by their labels.
    """
    counts = {
        f"{promise}_{outcome.value}": Count("pk", filter=Q(**{promise: outcome.value}))
        for promise in PROMISES
        for outcome in COUNTED
    }
    grouped: Any = judged(rows.filter(merged_into=None).order_by(), now).annotate(month=TruncMonth("created_at"))
    found: list[dict[str, Any]] = list(grouped.values("month", "site_id", "category_id").annotate(**counts))
    called = schools.labels(one["site_id"] for one in found)
    names = categories({one["category_id"] for one in found})
    lines = [
        Line(
            f"{one['month']:%Y-%m}",
            called[one["site_id"]],
            names.get(one["category_id"], ""),
            *(Tally(*(one[f"{promise}_{outcome.value}"] for outcome in COUNTED)) for promise in PROMISES),
        )
        for one in found
    ]
    promised = (one for one in lines if one.response != Tally() or one.resolution != Tally())
    return sorted(promised, key=lambda one: (one.month, one.site, one.category))


def categories(ids: Collection[int | None]) -> dict[int, str]:
    """{category: its name in the reader's language}; of several of the same name with their authority. One query."""
    rows = Category.objects.filter(pk__in={one for one in ids if one is not None}).select_related("authority")
    return schools.told_apart({row.pk: (str(row), row.authority.name) for row in rows})


def summed(lines: Iterable[Line], by: str) -> list[tuple[str, Tally, Tally]]:
    """[(month, school or category, its answers, its solutions)]; `by` names the member of Line."""
    sums: dict[str, tuple[Tally, Tally]] = {}
    for line in lines:
        response, resolution = sums.get(getattr(line, by), (Tally(), Tally()))
        sums[getattr(line, by)] = (response + line.response, resolution + line.resolution)
    return [(name, *tallies) for name, tallies in sorted(sums.items())]
