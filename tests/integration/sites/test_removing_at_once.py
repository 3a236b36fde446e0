"""A room or a building is removed while something is put there: one of the two is told why not (PostgreSQL)."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.sites import services as sites
from fleet.sites.models import Building, Room
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.integration.sites.conftest import Meanwhile

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time"),
]


@pytest.fixture
def room(city: City) -> Room:
    return sites.create_room(building=city.building_a, details=sites.RoomDetails("999"))


def add(city: City, room: Room) -> object:
    details = devices.DeviceDetails(city.printer_a.type, "Neu", room)
    return devices.create_device(site=city.school_a, details=details)


def move(city: City, room: Room) -> object:
    return devices.move(device=city.printer_a, room=room)


def report(city: City, room: Room) -> object:
    return tickets.open_ticket(opening=tickets.Opening(city.school_a, "Drucker", room=room))


@pytest.mark.parametrize("put", [add, move, report])
def test_a_room_stays_into_which_something_has_just_come(
    city: City, room: Room, meanwhile: Meanwhile, put: Callable[[City, Room], object]
) -> None:
    with transaction.atomic():
        put(city, room)
        removed = meanwhile(lambda: sites.remove_room(room=room))

    with pytest.raises(sites.InUseError):
        removed.result(timeout=30)


@pytest.mark.parametrize("put", [add, move])
def test_no_device_comes_into_a_room_that_has_just_gone(
    city: City, room: Room, meanwhile: Meanwhile, put: Callable[[City, Room], object]
) -> None:
    with transaction.atomic():
        sites.remove_room(room=Room.objects.get(pk=room.pk))
        came = meanwhile(lambda: put(city, room))

    with pytest.raises(devices.DeviceError) as refused:
        came.result(timeout=30)
    assert refused.value.field == "room"
    assert not Device.objects.filter(room=room.pk).exists()


def test_a_report_of_a_room_that_has_just_gone_is_heard_without_it(city: City, room: Room, meanwhile: Meanwhile) -> None:
    with transaction.atomic():
        sites.remove_room(room=Room.objects.get(pk=room.pk))
        heard = meanwhile(lambda: report(city, room))

    heard.result(timeout=30)
    assert Ticket.objects.get().room is None


def fill(house: Building) -> object:
    return sites.create_room(building=house, details=sites.RoomDetails("1"))


def fill_with_several(house: Building) -> object:
    return sites.create_rooms(building=house, rooms=[sites.RoomDetails("1")])


@pytest.mark.parametrize("put", [fill, fill_with_several])
def test_a_building_is_empty_or_stays(city: City, meanwhile: Meanwhile, put: Callable[[Building], object]) -> None:
    kept, gone = (sites.create_building(site=city.school_a, name=name) for name in ("Haus 1", "Haus 2"))

    with transaction.atomic():
        put(kept)
        removed = meanwhile(lambda: sites.remove_building(building=kept))
    with transaction.atomic():
        sites.remove_building(building=Building.objects.get(pk=gone.pk))
        came = meanwhile(lambda: put(gone))

    with pytest.raises(sites.InUseError):
        removed.result(timeout=30)
    with pytest.raises(sites.ChangedMeanwhileError):
        came.result(timeout=30)
