"""A number that no column can hold is no error: it names nothing."""

import pytest

from fleet.devices.models import Device
from fleet.sites.models import Room, Site
from tests.conftest import City

LARGEST = 2**63 - 1


@pytest.mark.parametrize("number", [LARGEST, LARGEST + 1, -(LARGEST + 1), -(LARGEST + 2), 10**30, -(10**30)])
def test_a_number_without_a_row_finds_nothing(city: City, number: int) -> None:
    assert not Site.objects.filter(pk=number).exists()
    assert not Room.objects.filter(site=number).exists()
    assert not Room.objects.filter(site__in=[number]).exists()
    assert not Device.objects.filter(pk__in=[number]).exists()


def test_beside_such_a_number_others_are_found(city: City) -> None:
    assert Device.objects.filter(pk__in=[10**30, city.switch_a.pk]).get() == city.switch_a
    assert Room.objects.filter(site__in=[10**30, city.school_a.pk]).get() == city.room_a
    assert Room.objects.exclude(site=10**30).count() == Room.objects.count()
