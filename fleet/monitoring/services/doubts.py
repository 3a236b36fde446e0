"""Saying that a site is to be judged; who judges is told at once, and looks anyway every other second."""

import threading
import time
from collections.abc import Collection
from datetime import datetime

from celery import current_app
from django.db import transaction

from fleet.monitoring.models import Doubt

WAKE_EVERY_S = 1.0
WAKE_EXPIRES_S = 4
_lock = threading.Lock()
_woken = {"at": 0.0}
"""Of this process: a storm of doubts is one call a second."""


def add(*, site_ids: Collection[int], at: datetime) -> None:
    """Inside the caller's transaction, which also writes what has changed there: so neither is ever without the other."""
    if site_ids:
        Doubt.objects.bulk_create([Doubt(site_id=site_id, due_at=at) for site_id in sorted(site_ids)])
        transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    with _lock:
        if time.monotonic() - _woken["at"] < WAKE_EVERY_S:
            return
        _woken["at"] = time.monotonic()
    current_app.send_task("fleet.monitoring.judge", expires=WAKE_EXPIRES_S)
