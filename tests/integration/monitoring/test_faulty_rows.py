"""One row that is not as it should be, or a worker that died in its middle, spoils nothing else."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health, Shard
from fleet.monitoring.rules import polling
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.services import claims, storing
from fleet.monitoring.services.alerts import judge_sites
from fleet.monitoring.services.ticks import ensure_shards
from fleet.monitoring.services.working import Work
from tests.conftest import City

pytestmark = pytest.mark.django_db


def poll(device: Device, reading: dict[str, Any] | None, *, killed: bool = False) -> None:
    """A poll of that device; a killed worker has stored and not judged."""
    token, now = uuid.uuid4(), timezone.now()
    Health.objects.filter(pk=device.pk).update(claim=token, claimed_until=now + timedelta(seconds=20))
    batch = [Measurement(device.pk, now, reading, "" if reading else "timeout")]
    stored = storing.store(storing.Fence(token, now), batch, Pace(30, 5))
    if not killed:
        judge_sites(site_ids=stored.sites_to_judge)


def alerts_of(device: Device) -> int:
    return Alert.objects.open().filter(device=device, kind="unreachable").count()


def test_a_recovery_is_not_forgotten_when_its_worker_is_killed(city: City) -> None:
    for _ in range(7):
        poll(city.switch_a, None)
    assert alerts_of(city.switch_a) == 1

    poll(city.switch_a, {"uptime_s": 5}, killed=True)
    poll(city.switch_a, {"uptime_s": 35})
    services.tend()

    assert alerts_of(city.switch_a) == 0


def test_a_clock_that_is_set_back_stops_nobody_from_being_asked(city: City) -> None:
    now = timezone.now()
    ahead = now + timedelta(hours=4)
    ensure_shards()
    Health.objects.update(next_poll_at=ahead, walk_due_at=ahead, claimed_until=ahead, claim=uuid.uuid4())
    Shard.objects.update(claimed_until=ahead)

    services.tend(now=now)

    later = now + timedelta(minutes=1)
    assert Health.objects.due(later).filter(walk_due_at__lte=now).count() == Health.objects.count() > 0
    assert Shard.objects.free(later).count() == Shard.objects.count()


def test_what_is_planned_as_far_ahead_as_one_plans_stays(city: City) -> None:
    now = timezone.now()
    silent = polling.Availability(polling.Status.DOWN, now, failures=100)
    pace = Pace(max(settings.POLL_INTERVAL_S, *settings.POLL_INTERVALS.values(), 0), 5)
    planned = polling.next_poll_at(silent, now, pace, 0.99), polling.next_walk_at(now, 0)
    Health.objects.update(next_poll_at=planned[0], walk_due_at=planned[1], claimed_until=None)

    services.tend(now=now)

    assert set(Health.objects.filter(pk=city.switch_a.pk).values_list("next_poll_at", "walk_due_at")) == {planned}


@pytest.mark.parametrize("said", [{"interfaces": [{"ifIndex": 2**31}]}, {"sysName": "\0"}])
def test_what_cannot_be_stored_of_one_device_costs_no_other_its_poll(city: City, said: dict[str, Any]) -> None:
    odd, well = city.switch_a.pk, city.printer_a.pk
    claim = claims.take_these([odd, well])
    told = [{"uptime_s": 5, "interfaces": [{"ifIndex": 1}]}, {"uptime_s": 5, **said}]
    with Work() as work:
        work.add(claims.Claim(claim.token, claim.taken_at, []))
        stored = work._write(
            claim, [Measurement(pk, timezone.now(), one) for pk, one in zip((well, odd), told, strict=True)]
        )

    assert {one.device_id for one in stored} == {odd, well}
    assert Health.objects.get(pk=well).status == "up"
    assert Health.objects.get(pk=odd).reason in {"", "protocol"}


def test_nor_is_a_fault(city: City) -> None:
    poll(city.switch_a, {"uptime_s": 5})
    for _ in range(7):
        poll(city.switch_a, None, killed=True)

    services.tend()

    assert alerts_of(city.switch_a) == 1


def test_a_credential_that_no_key_opens_stops_no_other_device(city: City, settings: LazySettings) -> None:
    settings.SNMP_TIMEOUT_S = 0.1
    kind = Credential.Kind.SNMP_V2C
    lost = devices.create_credential(authority=city.authority, name="Alt", kind=kind, secret={"community": "x"})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE devices_credential SET secret = 'gAAAAAnonsense' WHERE id = %s", [lost.pk])
    Device.objects.filter(pk=city.printer_a.pk).update(snmp_credential_id=lost.pk)

    services.poll_due()

    assert not Health.objects.polled().filter(polled_at__isnull=True).exists()
    assert Health.objects.get(pk=city.printer_a.pk).reason == Health.Reason.CREDENTIAL
    assert Health.objects.get(pk=city.switch_a.pk).reason == Health.Reason.TIMEOUT
