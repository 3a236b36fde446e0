"""What automation says to Prometheus about itself."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import Metric

from fleet.automation.models import Run
from fleet.web.exposition import gauge


def ourselves() -> Iterator[Metric]:
    """One query."""
    states = dict.fromkeys(Run.State.values, 0) | dict(Run.objects.order_by().values_list("state").annotate(Count("pk")))
    yield gauge("fleetdesk_runs", "Runs of playbooks by state.", ["state"], [([one], n) for one, n in states.items()])
