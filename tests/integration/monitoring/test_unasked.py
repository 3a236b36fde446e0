"""How a device is that nobody asks any more is not known, rather than as it was."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health, Outage
from fleet.monitoring.services import tend
from tests.conftest import City
from tests.web.monitoring.test_pages import silence

Reason, Status = Health.Reason, Health.Status


def test_when_the_permission_ends_the_state_is_unknown_and_says_why(city: City) -> None:
    now = timezone.now()
    Health.objects.filter(pk=city.printer_a.pk).update(status=Status.UP)
    yesterday = timezone.localdate(now) - timedelta(days=1)
    Device.objects.filter(pk=city.printer_a.pk).update(clear_text_reason="Old.", clear_text_until=yesterday)

    tend(now=now)
    tend(now=now + timedelta(hours=1))

    health = Health.objects.get(pk=city.printer_a.pk)
    assert (health.status, health.reason) == (Status.UNKNOWN, Reason.CLEAR_TEXT)
    assert health.status_since == now
    assert not Device.objects.polled().filter(pk=city.printer_a.pk).exists()


def test_who_lost_its_credential_is_unknown(city: City) -> None:
    Health.objects.update(status=Status.UP)
    devices.set_snmp(device=city.printer_a, access=devices.SnmpAccess(city.printer_a.address))

    tend()

    states = dict(Health.objects.values_list("device__name", "status"))
    assert states.pop(city.printer_a.name) == Status.UNKNOWN
    assert set(states.values()) == {Status.UP}, "the others are asked as before"
    assert Health.objects.get(pk=city.printer_a.pk).reason == Reason.CREDENTIAL


@pytest.mark.parametrize("asked", [True, False])
def test_a_controllers_word_holds_as_long_as_the_controller_is_asked(city: City, asked: bool) -> None:
    Device.objects.filter(pk=city.access_point_a.pk).update(address=None, controller=city.switch_a)
    Health.objects.update(status=Status.UP)
    if not asked:
        Device.objects.filter(pk=city.switch_a.pk).update(snmp_credential=None)

    tend()

    health = Health.objects.get(pk=city.access_point_a.pk)
    assert (health.status, health.reason) == ((Status.UP, "") if asked else (Status.UNKNOWN, Reason.CONTROLLER))


def test_what_nobody_can_see_the_end_of_ends(city: City) -> None:
    now = timezone.now()
    silence(city.printer_a)
    rows = Health.objects.filter(pk=city.printer_a.pk)
    rows.update(status=Status.DOWN, status_since=now - timedelta(hours=1), beyond={"cpu_percent": ""})
    scope = {"authority": city.authority, "site": city.school_a}
    Outage.objects.create(device=city.printer_a, started_at=now - timedelta(hours=1), **scope)
    devices.set_snmp(device=city.printer_a, access=devices.SnmpAccess(city.printer_a.address))

    tend(now=now)

    assert not Alert.objects.open().exists()
    assert Outage.objects.get().ended_at == now
    assert rows.get().beyond == {}
