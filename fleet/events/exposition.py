"""What the outbox says to Prometheus about itself."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from fleet.events.models import Refusal
from fleet.events.services import backlog
from fleet.web.exposition import gauge


def ourselves() -> Iterator[Metric]:
    """A query for each consumer, and two."""
    waiting = [([consumer], count) for consumer, count in backlog().items()]
    yield gauge("fleetdesk_outbox_waiting", "Events that a consumer has not had yet.", ["consumer"], waiting)
    yield gauge("fleetdesk_outbox_refused", "Events that are tried again.", [], [([], Refusal.objects.count())])
