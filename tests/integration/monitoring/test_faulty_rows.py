"""One row that is not as it should be, or a worker that died in its middle, spoils nothing else."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.services import storing
from fleet.monitoring.services.alerts import judge_sites
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
