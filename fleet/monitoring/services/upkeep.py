"""What keeps monitoring in step with the devices: who is polled, what is kept."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Doubt, Health, Outage, Shard, Trap
from fleet.monitoring.rules import polling
from fleet.monitoring.rules.kinds import GATHERED
from fleet.monitoring.services import (
    actions,
    alerts,
    claims,
    discovery,
    doubts,
    judging,
    lifecycle,
    outages,
    partitions,
    pulse,
    quiet,
    ranking,
    unasked,
    unsaid,
)
from fleet.monitoring.services.lifecycle import NOT_MEASURED

KEEP_TRAPS = timedelta(days=30)
AT_ONCE = 2000


def tend(*, now: datetime | None = None) -> None:
    moment = now or timezone.now()
    partitions.make_ahead(now=moment)
    come_back_to_now(now=moment)
    watch_new()
    forget_retired(now=moment)
    unasked.stop_asking(now=moment)
    unsaid.close_unsaid(now=moment)
    discovery.tend(now=moment)
    judge_what_was_left(now=moment)
    drop_old(now=moment)
    pulse.fold_ended(now=moment)


def look_around(*, now: datetime | None = None) -> None:
    """What no poll tells by itself: who stands out among their neighbours, what the hour makes of it, whose rest is over."""
    moment = now or timezone.now()
    quiet.look(now=moment)
    ranking.weigh(now=moment)
    actions.wake_due(now=moment)


@transaction.atomic
def come_back_to_now(*, now: datetime) -> None:
    """What a clock that went ahead, and was set back, has planned: nobody plans so far ahead."""
    paces = [settings.POLL_INTERVAL_S, *settings.POLL_INTERVALS.values()]
    health, leased = Health.objects, now + 2 * claims.LEASE
    health.filter(next_poll_at__gt=now + polling.farthest(max(paces))).in_order().update(next_poll_at=now)
    health.filter(walk_due_at__gt=now + polling.FARTHEST_WALK).in_order().update(walk_due_at=now)
    health.filter(claimed_until__gt=leased).in_order().update(claimed_until=now + claims.LEASE)
    Shard.objects.filter(claimed_until__gt=leased).update(claimed_until=now + claims.LEASE)


def watch_new() -> int:
    """Devices in service that nobody watches yet, or could ask until now, are polled from now on."""
    Health.objects.polled().filter(next_poll_at__isnull=True).update(next_poll_at=timezone.now())
    unwatched = Device.objects.polled().filter(health__isnull=True)[:AT_ONCE]
    rows = [Health(device=device, authority_id=device.authority_id, site_id=device.site_id) for device in unwatched]
    return len(Health.objects.bulk_create(rows, ignore_conflicts=True))


def forget_retired(*, now: datetime) -> int:
    """Devices that are no longer in service are not polled, and nothing is wrong with them any more."""
    gone = Health.objects.exclude(device__lifecycle=Device.Lifecycle.ACTIVE)
    with transaction.atomic():
        outages.end(device_ids=list(gone.values_list("pk", flat=True)), at=now)
        over = Alert.objects.open().filter(device__in=gone.values("device"))
        lifecycle.close_many(evidence={alert: {**NOT_MEASURED} for alert in over}, at=now)
        return gone.delete()[0]


def judge_what_was_left(*, now: datetime) -> None:
    """Whatever is in doubt, and what nobody has doubted although it is not as it should be: a worker that dies between
    writing a state and judging it must not leave an alert open, or none where one should be."""
    doubts.add(site_ids=_overlooked(now), at=now)
    judging.judge_due(now=now)


def _overlooked(now: datetime) -> set[int]:
    """Sites with a silence that has no outage, an outage or an alert without its silence, and those with trouble that nobody
    will look at again. Five queries; whose turn comes anyway is not among them."""
    down, up = Health.Status.DOWN, Health.Status.UP
    silent = Health.objects.judged().filter(status=down)
    told = Alert.objects.open().filter(kind__in=[alerts.UNREACHABLE, *GATHERED])
    ended = Outage.objects.open().filter(device__health__status=up)
    well = told.filter(kind=alerts.UNREACHABLE, quiet_since__isnull=True, device__health__status=up)
    new = silent.exclude(device__in=Outage.objects.open().values("device"))
    wrong = {site for rows in (ended, well, new) for site in rows.values_list("site_id", flat=True).distinct()}
    troubled = {site for rows in (silent, told) for site in rows.values_list("site_id", flat=True).distinct()}
    due_at = dict(Doubt.objects.values_list("site_id").annotate(Min("due_at")))
    return {site for site in wrong if site not in due_at or due_at[site] > now} | (troubled - due_at.keys())


def drop_old(*, now: datetime) -> None:
    """Traps are written in the order of time, so the oldest stand first."""
    partitions.drop_old(now=now)
    traps = Trap.objects.order_by("pk").values_list("pk", "received_at")[:AT_ONCE]
    Trap.objects.filter(pk__in=[pk for pk, at in traps if at < now - KEEP_TRAPS]).delete()
