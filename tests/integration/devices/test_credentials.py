"""Credentials as profiles: an authority's, a site's, a device's own; in clear only where somebody answers for it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fleet.devices import services
from fleet.devices.models import Credential, Device, SiteCredential
from fleet.devices.rules import ClearText
from fleet.devices.services import DeviceDetails, DeviceError, SnmpAccess
from fleet.events.models import Event
from tests.conftest import City

V3 = {
    "user": "fleet",
    "auth_protocol": "sha256",
    "auth_key": "planted-auth-key",
    "priv_protocol": "aes128",
    "priv_key": "planted-priv-key",
}
SNMP = SiteCredential.Use.SNMP
OUTSIDE = "192.0.2.5"


@pytest.fixture
def v3(city: City) -> Credential:
    return services.create_credential(authority=city.authority, name="v3", kind=Credential.Kind.SNMP_V3, secret=V3)


def outside(city: City, days: int) -> SnmpAccess:
    until = timezone.localdate() + timedelta(days=days)
    return SnmpAccess(OUTSIDE, credential=city.snmp, clear_text=ClearText("It speaks nothing else.", until))


def test_a_device_that_follows_its_site_is_asked_with_what_the_site_says(city: City, v3: Credential) -> None:
    services.set_site_credential(site=city.school_a, use=SNMP, credential=city.snmp)
    details = DeviceDetails(city.access_point_a.type, "AP-300", address="127.20.1.99", snmp_follows_site=True)
    made = services.create_device(site=city.school_a, details=details)
    assert made.snmp_credential == city.snmp

    followers = services.set_site_credential(site=city.school_a, use=SNMP, credential=v3, by=city.administrator)

    made.refresh_from_db()
    city.access_point_a.refresh_from_db()
    assert (followers, made.snmp_credential) == (1, v3)
    assert city.access_point_a.snmp_credential == city.snmp, "it has one of its own"


def test_a_site_without_a_credential_leaves_its_followers_unasked(city: City) -> None:
    services.set_site_credential(site=city.school_a, use=SNMP, credential=city.snmp)
    access = SnmpAccess(city.access_point_a.address, follows_site=True)
    services.set_snmp(device=city.access_point_a, access=access)
    assert Device.objects.polled().filter(pk=city.access_point_a.pk).exists()

    services.set_site_credential(site=city.school_a, use=SNMP, credential=None)

    assert not Device.objects.polled().filter(pk=city.access_point_a.pk).exists()


def test_a_community_for_a_whole_site_names_who_stands_outside(city: City, v3: Credential) -> None:
    services.set_site_credential(site=city.school_a, use=SNMP, credential=v3)
    services.set_snmp(device=city.printer_a, access=SnmpAccess(OUTSIDE, follows_site=True))

    with pytest.raises(DeviceError, match=city.printer_a.name):
        services.set_site_credential(site=city.school_a, use=SNMP, credential=city.snmp)

    city.printer_a.refresh_from_db()
    assert city.printer_a.snmp_credential == v3


def test_clear_text_outside_ends_with_its_last_day(city: City) -> None:
    services.set_snmp(device=city.printer_a, access=outside(city, days=0), by=city.administrator)
    assert Device.objects.polled().filter(pk=city.printer_a.pk).exists()

    Device.objects.filter(pk=city.printer_a.pk).update(clear_text_until=timezone.localdate() - timedelta(days=1))

    assert not Device.objects.polled().filter(pk=city.printer_a.pk).exists()
    assert Event.objects.get(name="device.snmp_changed").actor_id == city.administrator.pk


def test_a_permission_that_is_not_needed_is_not_kept(city: City, v3: Credential) -> None:
    services.set_snmp(device=city.printer_a, access=outside(city, days=30))
    services.set_snmp(device=city.printer_a, access=SnmpAccess(OUTSIDE, credential=v3))

    city.printer_a.refresh_from_db()
    assert (city.printer_a.clear_text_reason, city.printer_a.clear_text_until) == ("", None)


@pytest.mark.parametrize("use", ["snmp", "ssh"])
def test_each_credential_is_for_its_own_use(city: City, use: str) -> None:
    wrong = {"snmp": city.ssh, "ssh": city.snmp}[use]
    with pytest.raises(DeviceError) as caught:
        services.set_site_credential(site=city.school_a, use=SiteCredential.Use(use), credential=wrong)
    assert caught.value.field == f"{use}_credential"


def test_what_is_used_is_not_deleted(city: City, v3: Credential) -> None:
    with pytest.raises(DeviceError):
        services.delete_credential(credential=city.snmp)
    services.delete_credential(credential=v3)
    assert list(Credential.objects.filter(kind__in=Credential.SNMP_KINDS)) == [city.snmp]
    assert not Event.objects.filter(name="credential.deleted", subject_id=city.snmp.pk).exists()


def test_a_replaced_secret_is_told_of_and_not_told(city: City) -> None:
    services.replace_secret(credential=city.snmp, secret={"community": "planted-community-2"}, by=city.administrator)
    event = Event.objects.get(name="credential.secret_replaced")
    assert "planted" not in str(event.payload)


def test_the_same_name_twice_is_said_at_the_name(city: City) -> None:
    with pytest.raises(DeviceError) as caught:
        services.create_credential(
            authority=city.authority, name="SNMP", kind=Credential.Kind.SNMP_V2C, secret={"community": "x"}
        )
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    ("field", "changed"),
    [("name", {"name": "AP-204-A"}), ("serial", {"serial": "A0002"}), ("address", {"address": "127.20.1.2"})],
)
def test_what_somebody_else_has_is_named_by_its_field(city: City, field: str, changed: dict[str, str]) -> None:
    usual: dict[str, Any] = {"name": "AP-300", "address": "127.20.1.99"} | changed
    with pytest.raises(DeviceError) as caught:
        services.create_device(site=city.school_a, details=DeviceDetails(city.access_point_a.type, **usual))
    assert caught.value.field == field


def test_a_device_whose_permission_is_over_can_still_be_named_anew(city: City) -> None:
    services.set_snmp(device=city.printer_a, access=outside(city, days=1))
    over = timezone.localdate() - timedelta(days=1)
    Device.objects.filter(pk=city.printer_a.pk).update(clear_text_until=over)
    city.printer_a.refresh_from_db()

    services.change_device(device=city.printer_a, details=DeviceDetails(city.printer_a.type, "DR-neu", serial="A0003"))

    city.printer_a.refresh_from_db()
    assert (city.printer_a.name, city.printer_a.clear_text_until) == ("DR-neu", over)
