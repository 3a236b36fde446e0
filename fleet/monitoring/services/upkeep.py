"""What keeps monitoring in step with the devices: who is polled, what is kept."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health, Sample, Trap
from fleet.monitoring.services import alerts

KEEP_SAMPLES = timedelta(days=30)
KEEP_TRAPS = timedelta(days=30)
AT_ONCE = 2000


def tend(*, now: datetime | None = None) -> None:
    moment = now or timezone.now()
    watch_new()
    forget_retired(now=moment)
    judge_what_was_left(now=moment)
    drop_old(now=moment)


def watch_new() -> int:
    """Devices in service that nobody watches yet are polled from now on."""
    unwatched = Device.objects.polled().filter(health__isnull=True)[:AT_ONCE]
    rows = [Health(device=device, authority_id=device.authority_id, site_id=device.site_id) for device in unwatched]
    return len(Health.objects.bulk_create(rows, ignore_conflicts=True))


def forget_retired(*, now: datetime) -> int:
    """Devices that are no longer in service are not polled, and nothing is wrong with them any more."""
    gone = Health.objects.exclude(device__lifecycle=Device.Lifecycle.ACTIVE)
    with transaction.atomic():
        for alert in Alert.objects.open().filter(device__in=gone.values("device")):
            alerts.close(alert=alert, at=now, evidence={"measured_at": None, "values": {}, "uptime_s": None})
        return gone.delete()[0]


def judge_what_was_left(*, now: datetime) -> None:
    """A worker that dies between writing a state and judging it leaves an alert open, or none where one should be."""
    told = Alert.objects.open().filter(kind=alerts.UNREACHABLE)
    well = told.filter(device__health__status=Health.Status.UP).values_list("site_id", flat=True)
    silent = Health.objects.polled().filter(status=Health.Status.DOWN).exclude(device__in=told.values("device"))
    alerts.judge_sites(site_ids={*well, *silent.values_list("site_id", flat=True)}, now=now)


def drop_old(*, now: datetime) -> None:
    """Looks at the first rows only: they are written in the order of time, so the oldest stand there."""
    samples = Sample.objects.order_by("pk").values_list("pk", "polled_at")[:AT_ONCE]
    Sample.objects.filter(pk__in=[pk for pk, at in samples if at < now - KEEP_SAMPLES]).delete()
    traps = Trap.objects.order_by("pk").values_list("pk", "received_at")[:AT_ONCE]
    Trap.objects.filter(pk__in=[pk for pk, at in traps if at < now - KEEP_TRAPS]).delete()
