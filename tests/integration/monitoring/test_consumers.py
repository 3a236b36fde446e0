"""A new device, and one that is to be asked in another way, is asked at once."""

from datetime import timedelta

from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import SiteCredential
from fleet.events.services import deliver
from fleet.monitoring.models import Health
from tests.conftest import City


def quiet() -> None:
    """Everything told so far is heard, and nobody is due."""
    deliver()
    Health.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))


def test_a_new_device_is_watched_and_due(city: City) -> None:
    details = devices.DeviceDetails(city.printer_a.type, "DR-2", address="127.20.1.50", snmp_credential=city.snmp)
    made = devices.create_device(site=city.school_a, details=details)

    deliver()

    assert Health.objects.due(timezone.now()).filter(pk=made.pk).exists()


def test_a_device_that_is_asked_in_another_way_is_due(city: City) -> None:
    quiet()
    devices.set_snmp(device=city.printer_a, access=devices.SnmpAccess("127.20.1.60", credential=city.snmp))

    deliver()

    assert list(Health.objects.due(timezone.now())) == [Health.objects.get(pk=city.printer_a.pk)]


def test_who_follows_a_site_is_due_when_the_site_changes(city: City) -> None:
    devices.set_snmp(device=city.printer_a, access=devices.SnmpAccess(city.printer_a.address, follows_site=True))
    devices.set_site_credential(site=city.school_a, use=SiteCredential.Use.SNMP, credential=city.snmp)
    quiet()

    devices.set_site_credential(site=city.school_a, use=SiteCredential.Use.SNMP, credential=city.snmp)
    deliver()

    assert [row.pk for row in Health.objects.due(timezone.now())] == [city.printer_a.pk]
