"""Having devices asked sooner than their turn, by workers that do nothing else."""

from collections.abc import Collection, Mapping

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring.models import GroupedSite, Health

AT_ONCE = 200
"""Devices per task, so that several workers share a long list."""


@transaction.atomic
def poll_soon(*, device_ids: Collection[int], whole: bool = False) -> None:
    """Makes these due now and wakes a worker once the caller's transaction is through. `whole`: also what seldom changes."""
    ids = sorted(device_ids)
    if not ids:
        return
    now = timezone.now()
    due = {"next_poll_at": now, "walk_due_at": now} if whole else {"next_poll_at": now}
    Health.objects.filter(pk__in=ids).in_order().update(**due)
    transaction.on_commit(lambda: _wake(ids), robust=True)


def _wake(device_ids: list[int]) -> None:
    for queue, ids in _by_queue(device_ids).items():
        for start in range(0, len(ids), AT_ONCE):
            current_app.send_task(
                "fleet.monitoring.poll_now", args=[ids[start : start + AT_ONCE]], queue=queue_name("asking", queue)
            )


def _by_queue(device_ids: Collection[int]) -> Mapping[str, list[int]]:
    """{queue of the device's site: devices}; in one query."""
    groups = dict(GroupedSite.objects.values_list("site_id", "group__queue"))
    if not groups:
        return {"": sorted(device_ids)}
    found: dict[str, list[int]] = {}
    for pk, site_id in Device.objects.filter(pk__in=device_ids).order_by("pk").values_list("pk", "site_id"):
        found.setdefault(groups.get(site_id, ""), []).append(pk)
    return found


def queue_name(purpose: str, queue: str) -> str:
    """`polling`, `asking` or `searching`, of the house or of a group of sites."""
    house: str = settings.QUEUES[purpose]
    return f"{house}.{queue}" if queue else house
