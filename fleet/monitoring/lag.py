"""How polling keeps up, in a fixed number of cheap queries: for /metrics, and for whoever wonders.

How long writing takes is counted elsewhere (services.pulse): over all workers, and without end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from fleet.monitoring.models import Health
from fleet.monitoring.rules import exposition as rules


@dataclass(frozen=True)
class PollLag:
    waiting_s: Sequence[float]
    """How long devices that are due have been waiting, at `rules.exposition.QUANTILES`; empty while none is due."""
    due: int
    """Devices that are due and that nobody is asking: the depth of the queue."""
    overdue: int
    """Those that have been due for longer than a poll interval."""
    asked: int
    """Devices in the hands of a worker."""

    @property
    def longest_s(self) -> float:
        return max(0.0, *self.waiting_s, 0.0)


def poll_lag(*, now: datetime | None = None) -> PollLag:
    """Four queries. What only a controller tells of is never asked, and so never late."""
    moment = now or timezone.now()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=moment)
    late = moment - timedelta(seconds=settings.POLL_INTERVAL_S)
    counted = (
        Health.objects.polled()
        .filter(Q(next_poll_at__lte=moment) | ~free)
        .aggregate(
            due=Count("pk", filter=free),
            overdue=Count("pk", filter=free & Q(next_poll_at__lt=late)),
            asked=Count("pk", filter=~free),
        )
    )
    return PollLag(_waiting_s(moment, counted["due"]), **counted)


def _waiting_s(now: datetime, count: int) -> list[float]:
    waiting = Health.objects.due(now).polled().order_by("next_poll_at").values_list("next_poll_at", flat=True)
    places = rules.quantile_places(count)
    found = [(now - at).total_seconds() for place in places for at in waiting[place : place + 1] if at]
    return found if len(found) == len(places) else []  # others were asked between two queries
