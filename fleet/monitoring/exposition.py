"""What monitoring says to Prometheus: about itself, and the latest values of devices. Each in a fixed number of queries."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.db.models import Count, F, Sum
from django.utils import timezone
from kombu import Connection
from kombu.transport import virtual
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fleet.devices.models import DeviceQuerySet
from fleet.monitoring import metrics
from fleet.monitoring.lag import poll_lag
from fleet.monitoring.models import Alert, Health, Layout, Pulse, RollupDue, Sample
from fleet.monitoring.rules import exposition as rules
from fleet.monitoring.rules import packing
from fleet.web.exposition import gauge

STALE = timedelta(hours=1)
"""Values older than this are no longer given: Prometheus shall see a gap, not a line drawn on."""


def ourselves() -> Iterator[Metric]:
    """About polling and alerts. Eight queries."""
    now = timezone.now()
    yield from _polling(now)
    yield from _states()
    yield from _keeping(now)


def _polling(now: datetime) -> Iterator[Metric]:
    lag = poll_lag(now=now)
    help_text = "How long devices that are due have been waiting to be asked; quantile 1 is the longest."
    yield gauge("fleetdesk_poll_lag_seconds", help_text, ["quantile"], rules.lags(lag.waiting_s))
    yield gauge("fleetdesk_devices_due", "Devices that are due to be asked.", [], [([], lag.due)])
    yield gauge("fleetdesk_devices_asked", "Devices that a worker is asking.", [], [([], lag.asked)])
    overdue = "Devices that have been due for longer than a poll interval."
    yield gauge("fleetdesk_devices_overdue", overdue, [], [([], lag.overdue)])


def _states() -> Iterator[Metric]:
    states = dict.fromkeys(Health.Status.values, 0)
    states |= dict(Health.objects.order_by().values_list("status").annotate(Count("pk")))
    yield gauge("fleetdesk_devices", "Watched devices by state.", ["state"], [([one], n) for one, n in states.items()])
    found: dict[tuple[str, str], int] = {(one, told): 0 for one in Alert.Severity.values for told in ("no", "yes")}
    rows = Alert.objects.open().order_by().values_list("severity").annotate(Count("pk"), Count("suppressed_by"))
    for severity, count, suppressed in rows:
        found[severity, "no"], found[severity, "yes"] = count - suppressed, suppressed
    help_text = "Open alerts; suppressed ones have their cause in another one."
    yield gauge("fleetdesk_alerts_open", help_text, ["severity", "suppressed"], found.items())


def _keeping(now: datetime) -> Iterator[Metric]:
    last_minute = Sample.objects.filter(polled_at__gt=now - timedelta(minutes=1), polled_at__lte=now).count()
    yield gauge("fleetdesk_samples_last_minute", "Polls kept in the last minute.", [], [([], last_minute)])
    due = RollupDue.objects.filter(begin__lt=now - timedelta(hours=2)).order_by().values_list("grain").annotate(Count("pk"))
    waiting = {"hour": 0, "day": 0} | dict(due)
    help_text = "Hours and days that still have to be rolled up, without those that just ended."
    yield gauge("fleetdesk_rollups_waiting", help_text, ["grain"], [([one], n) for one, n in waiting.items()])
    yield from _batches()


def _batches() -> Iterator[Metric]:
    sums = Pulse.objects.aggregate(batches=Sum("batches"), polls=Sum("polls"), seconds=Sum("seconds"))
    for name, key, help_text in (
        ("fleetdesk_poll_batches", "batches", "Batches of polls written down."),
        ("fleetdesk_polls_stored", "polls", "Polls written down, answered or not."),
        ("fleetdesk_poll_batch_seconds", "seconds", "Time spent on writing batches: state, history and alerts."),
    ):
        yield CounterMetricFamily(name, help_text, value=sums[key] or 0)


def queues() -> Iterator[Metric]:
    """How many tasks wait for a worker, where the broker can tell (it counts; nothing is taken)."""
    family = GaugeMetricFamily("fleetdesk_queue_tasks", "Tasks that wait for a worker.", labels=["queue"])
    with current_app.connection_for_read(connect_timeout=2) as connection:
        for name, queue in settings.QUEUES.items():
            try:
                family.add_metric([name], _waiting(connection, queue))
            except connection.channel_errors:
                continue
    yield family


def _waiting(connection: Connection, queue: str) -> int:
    """In a channel of its own: a broker closes the one in which a queue was not found.

    Where queues are made up by kombu (Redis, files), one that is empty does not exist.
    """
    channel: Any
    with connection.channel() as channel:
        try:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except connection.channel_errors:
            if isinstance(connection.transport, virtual.Transport):
                return 0
            raise


LABELS = ("site", "device", "kind", "id")


def devices(found: DeviceQuerySet) -> Iterator[Metric]:
    """The latest values of these, `up` and when each answered last. Three queries.

    Units are Prometheus' own. `id` keeps apart what two authorities call the same.
    """
    watched = found.in_service().filter(health__isnull=False).select_related("site", "health")
    rows = list(watched.defer("health__reading").order_by("pk"))
    labels = {row.pk: [row.site.slug, row.name, row.kind, str(row.pk)] for row in rows}
    up = [(labels[row.pk], float(row.health.status == Health.Status.UP)) for row in rows]
    yield gauge("fleetdesk_device_up", "1 if the device answers.", LABELS, up)
    answered = [(labels[row.pk], row.health.answered_at.timestamp()) for row in rows if row.health.answered_at]
    help_text = "When the device answered last; its values below are of that instant."
    yield gauge("fleetdesk_device_answered_timestamp_seconds", help_text, LABELS, answered)
    yield from _values(labels, timezone.now())


def _values(labels: dict[int, list[str]], now: datetime) -> Iterable[Metric]:
    known = metrics.known()
    families = {
        name: GaugeMetricFamily(rules.name(metric), f"{metric.title.en} ({metric.unit} in metrics.toml).", labels=LABELS)
        for name, metric in known.items()
    }
    for device_id, said in _latest(list(labels), now):
        for name, value in said.items():
            if name in families:
                families[name].add_metric(labels[device_id], rules.value(known[name], value))
    return families.values()


def _latest(device_ids: Sequence[int], now: datetime) -> Iterator[tuple[int, dict[str, float]]]:
    """Of each device the sample of the instant at which it answered last."""
    last = Sample.objects.filter(polled_at=F("device__health__answered_at"), polled_at__gte=now - STALE)
    rows = list(last.filter(device_id__in=device_ids).values_list("device_id", "layout_id", "values"))
    names = dict(Layout.objects.filter(pk__in={layout_id for _d, layout_id, _v in rows}).values_list("pk", "names"))
    for device_id, layout_id, values in rows:
        yield device_id, packing.said(names[layout_id], bytes(values))
