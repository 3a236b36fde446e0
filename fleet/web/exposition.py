"""What this installation says about itself to Prometheus. Rooms register theirs in `AppConfig.ready`.

Everything is reckoned from the database (and the broker) when it is asked for: web threads and workers are many processes,
and a counter in one of them would know a part only.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.http import HttpResponse
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

Measure = Callable[[], Iterable[Metric]]
_measures: dict[str, Measure] = {}


def register(room: str, measure: Measure) -> None:
    """`measure` gives a room's families in a fixed number of queries."""
    _measures[room] = measure


def gauge(name: str, help_text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """`gauge("fleetdesk_runs", "…", ["state"], [(["queued"], 3)])`"""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for said, value in values:
        family.add_metric(said, value)
    return family


class Families(Collector):
    """Families as prometheus-client's encoders want them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def ourselves() -> Iterator[Metric]:
    """What all rooms say. One that cannot be asked (its broker is away) is left out and named as failed."""
    failed: list[tuple[list[str], float]] = []
    for room, measure in sorted(_measures.items()):
        try:
            found = list(measure())
        except Exception:
            log.exception("measure failed", extra={"room": room})
            failed.append(([room], 1))
        else:
            failed.append(([room], 0))
            yield from found
    yield gauge("fleetdesk_measure_failed", "1 where what a room says about itself could not be had.", ["room"], failed)


def response(families: Iterable[Metric], accept: str) -> HttpResponse:
    """In the format that the scraper asks for: OpenMetrics, or Prometheus' own text."""
    encode, content_type = choose_encoder(accept)
    body = encode(Families(families))
    return HttpResponse(body, content_type=content_type, headers={"Cache-Control": "no-store"})
