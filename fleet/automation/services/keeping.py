"""How long the words of a run are kept. What was asked, agreed, changed and measured stays."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet.automation.models import LogLine, Run
from fleet.automation.rules.lifecycle import RUN_ENDS

BATCH = 5000
"""Lines that go in one transaction: on SQLite nobody else writes meanwhile."""


def forget_old_logs(*, now: datetime | None = None) -> int:
    """Delete the log lines of runs that ended more than KEEP_RUN_LOGS_DAYS ago; returns how many those were.

    Runs, results of devices, differences and evidence are the record, and stay.
    """
    before = (now or timezone.now()) - timedelta(days=settings.KEEP_RUN_LOGS_DAYS)
    over = Run.objects.filter(state__in=RUN_ENDS, finished_at__lt=before)
    gone = 0
    while True:
        with transaction.atomic():
            batch = list(LogLine.objects.filter(run__in=over).order_by("pk").values_list("pk", flat=True)[:BATCH])
            LogLine.objects.filter(pk__in=batch).delete()
        gone += len(batch)
        if len(batch) < BATCH:
            return gone
