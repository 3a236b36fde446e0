"""Maintenance windows in the database: whom they cover, and that nothing impossible is kept."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices import services as devices
from fleet.monitoring.models import MaintenanceWindow
from fleet.monitoring.services.maintenance import covered
from tests.conftest import City

NOW = timezone.now()
HOUR = timedelta(hours=1)


def window(city: City, **changes: Any) -> MaintenanceWindow:
    values: dict[str, Any] = {
        "authority": city.authority,
        "site": city.school_a,
        "covers": "site",
        "starts_at": NOW - HOUR,
        "ends_at": NOW + HOUR,
        "over_at": NOW + HOUR,
        "reason": "Umbau",
    }
    return MaintenanceWindow.objects.create(**values | changes)


def names(city: City, at: datetime = NOW) -> set[str]:
    everything = (city.switch_a, city.access_point_a, city.printer_a, city.switch_b, city.access_point_b)
    found = covered(device_ids=[device.pk for device in everything], at=at)
    return {device.name for device in everything if device.pk in found}


def test_a_whole_site(city: City) -> None:
    window(city)

    assert names(city) == {"SW-1-A", "AP-204-A", "DR-204-A"}
    assert names(city, NOW + HOUR) == set()
    assert names(city, NOW - 2 * HOUR) == set()


def test_a_kind_everywhere_and_at_one_site(city: City) -> None:
    everywhere = window(city, site=None, covers="kind", kind="access-point")
    assert names(city) == {"AP-204-A", "AP-204-B"}

    everywhere.delete()
    window(city, covers="kind", kind="printer")
    assert names(city) == {"DR-204-A"}


def test_single_devices_and_what_hangs_behind_them(city: City) -> None:
    window(city, covers="devices").devices.add(city.switch_a)

    assert names(city) == {"SW-1-A", "AP-204-A"}
    assert covered(device_ids=[city.access_point_a.pk], at=NOW) == {city.access_point_a.pk}


def test_a_second_way_up_keeps_a_device_out_of_it(city: City) -> None:
    other = devices.create_device(site=city.school_a, details=devices.DeviceDetails(city.switch_a.type, "SW-2-A"))
    port = devices.add_interface(device=other, details=devices.InterfaceDetails("port1", 1))
    devices.connect(device=city.access_point_a, port=port)
    chosen = window(city, covers="devices")
    chosen.devices.add(city.switch_a)
    assert names(city) == {"SW-1-A"}

    chosen.devices.add(other)
    assert names(city) == {"SW-1-A", "AP-204-A"}


def test_asking_costs_one_query_while_nothing_is_maintained(
    city: City, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        names(city)
    window(city, covers="devices").devices.add(city.switch_a)
    window(city, site=city.school_b)
    with django_assert_num_queries(6):
        names(city)
    with django_assert_num_queries(0):
        assert covered(device_ids=[], at=NOW) == set()


@pytest.mark.parametrize(
    "impossible",
    [
        {"ends_at": NOW - HOUR},
        {"covers": "kind"},
        {"covers": "site", "site": None},
        {"covers": "devices", "site": None},
        {"over_at": None},
        {"reason": ""},
    ],
)
def test_what_makes_no_sense_is_not_kept(city: City, impossible: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        window(city, **impossible)
