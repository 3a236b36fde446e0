"""Devices come into being by these rules, and no other way."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices import services
from fleet.devices.models import Credential, Device, Interface, Prefix
from fleet.devices.services import DeviceDetails, DeviceError, InterfaceDetails
from fleet.sites.models import Site
from tests.conftest import City


def details(city: City, **changed: Any) -> DeviceDetails:
    usual: dict[str, Any] = {
        "type": city.access_point_a.type,
        "name": "AP-300",
        "address": "127.20.1.99",
        "snmp_credential": city.snmp,
    }
    return DeviceDetails(**(usual | changed))


def test_a_community_does_not_leave_the_management_prefix(city: City) -> None:
    with pytest.raises(DeviceError) as caught:
        services.create_device(site=city.school_a, details=details(city, address="127.20.2.99"))
    assert caught.value.field == "snmp_credential"
    assert "127.20.2.99" in caught.value.reason
    assert not Device.objects.filter(name="AP-300").exists()


def test_version_three_may_go_anywhere(city: City) -> None:
    keys = {"auth_protocol": "sha256", "auth_key": "x" * 12, "priv_protocol": "aes128", "priv_key": "y" * 12}
    v3 = services.create_credential(
        authority=city.authority, name="v3", kind=Credential.Kind.SNMP_V3, secret={"user": "fleet", **keys}
    )
    made = services.create_device(site=city.school_a, details=details(city, address="192.0.2.5", snmp_credential=v3))
    assert made.address == "192.0.2.5"


def test_nothing_comes_into_service_at_a_closed_school(city: City) -> None:
    retired = services.create_device(site=city.school_a, details=details(city, lifecycle=Device.Lifecycle.RETIRED))
    Site.objects.filter(pk=city.school_a.pk).update(closed_at=timezone.now())  # after the request looked for the school

    for lifecycle in (Device.Lifecycle.ACTIVE, Device.Lifecycle.PLANNED):
        with pytest.raises(DeviceError):
            services.create_device(site=city.school_a, details=details(city, name="AP-301", lifecycle=lifecycle))
        with pytest.raises(DeviceError) as caught:
            services.change_device(device=retired, details=details(city, lifecycle=lifecycle))
        assert caught.value.field == "lifecycle"

    assert Device.objects.get(name="AP-300").lifecycle == Device.Lifecycle.RETIRED
    assert not Device.objects.filter(name="AP-301").exists()
    services.change_device(device=retired, details=details(city, name="AP-302", lifecycle=Device.Lifecycle.RETIRED))


@pytest.mark.parametrize(
    ("field", "changed"),
    [("address", {"address": "nonsense"}), ("room", {"room": "room_b"}), ("snmp_credential", {"snmp_credential": "ssh"})],
)
def test_what_does_not_fit_is_named_by_its_field(city: City, field: str, changed: dict[str, str]) -> None:
    fitted = {name: getattr(city, value, value) for name, value in changed.items()}
    with pytest.raises(DeviceError) as caught:
        services.create_device(site=city.school_a, details=details(city, **fitted))
    assert caught.value.field == field


def test_a_credential_must_be_whole_and_is_never_stored_in_clear(city: City) -> None:
    with pytest.raises(DeviceError):
        services.create_credential(authority=city.authority, name="half", kind=Credential.Kind.SNMP_V2C, secret={})
    stored = Credential.objects.extra(select={"raw": "secret"}).get(pk=city.snmp.pk)
    assert "planted-community" not in stored.raw


def test_addresses_are_handed_out_from_below_and_freed_by_retiring(city: City) -> None:
    prefix = Prefix.objects.get(site=city.school_a)
    assert services.next_address(prefix=prefix) == "127.20.1.4"
    assert services.retire(device=city.access_point_a)
    assert not services.retire(device=city.access_point_a)
    assert services.next_address(prefix=prefix) == "127.20.1.2"


def test_prefixes_do_not_overlap(city: City) -> None:
    with pytest.raises(DeviceError):
        services.create_prefix(site=city.school_a, cidr="127.20.0.0/16", purpose=Prefix.Purpose.USERS)


def test_nothing_hangs_on_itself(city: City, port_a: Interface) -> None:
    own = services.add_interface(device=city.access_point_a, details=InterfaceDetails("lan"))
    with pytest.raises(DeviceError):
        services.connect(device=city.access_point_a, port=own)
    with pytest.raises(DeviceError):
        services.connect(device=city.switch_a, port=own)
    assert services.connect(device=city.access_point_a, port=port_a) == city.access_point_a.uplinks.get()


def test_a_device_that_numbers_its_ports_anew_keeps_their_names_and_cables(city: City, port_a: Interface) -> None:
    mac, other = "00:21:86:b5:6e:10", "00:21:86:b5:6e:11"
    services.learn_interfaces(said={city.switch_a.pk: [InterfaceDetails("port1", 1, mac=mac)]})
    anew = [InterfaceDetails("port0", 1, mac=other), InterfaceDetails("port1", 2, mac=mac)]

    services.learn_interfaces(said={city.switch_a.pk: anew})

    said = dict(city.switch_a.interfaces.values_list("name", "mac"))
    assert said == {"port0": other, "port1": mac}
    port_a.refresh_from_db()
    assert port_a.if_index == 2


def test_ports_of_many_devices_are_learnt_with_as_few_statements_as_of_one(
    city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ports = [InterfaceDetails(f"1/{n}", n) for n in range(1, 49)]
    many = (city.switch_a, city.switch_b, city.access_point_a, city.access_point_b)

    with django_assert_max_num_queries(6):  # a savepoint around who is known and one insertion, in parts on SQLite
        services.learn_interfaces(said={one.pk: ports for one in many})
    with django_assert_max_num_queries(3):  # nothing differs, nothing is written
        services.learn_interfaces(said={one.pk: ports for one in many})

    assert Interface.objects.filter(device=city.switch_b, if_index=48).count() == 1


def test_what_a_device_says_of_its_ports_is_taken_over_and_cables_stay(city: City, port_a: Interface) -> None:
    said = [InterfaceDetails("1/1", 1, alias="AP 204", mac="0021.86b5.6e10"), InterfaceDetails("1/2", 2)]
    services.learn_interfaces(said={city.switch_a.pk: said})
    services.learn_interfaces(said={city.switch_a.pk: said})
    port_a.refresh_from_db()
    assert (port_a.name, port_a.mac, port_a.alias, port_a.poe) == ("port1", "00:21:86:b5:6e:10", "AP 204", True)
    assert city.switch_a.interfaces.count() == 2
    assert port_a.downlinks.get().device == city.access_point_a
