"""Rooms as a coordinator sees them."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.monitoring import exposition, selectors, surroundings
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules import State
from fleet.sites import services as sites
from tests.conftest import City


def test_a_room_is_as_its_worst_device(city: City, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    empty = sites.create_room(building=city.building_a, details=sites.RoomDetails("205"))
    Health.objects.filter(device=city.switch_a).update(status="up")
    Health.objects.filter(device=city.access_point_a).update(status="down")

    with django_assert_num_queries(3):
        rooms = {room.room_id: room for room in selectors.room_states(city.school_a)}

    physics = rooms[city.room_a.pk]
    assert physics.state is State.DOWN
    assert [device.state for device in physics.devices] == [State.DOWN, State.UNKNOWN, State.OK]
    assert physics.affected == 1
    assert (rooms[empty.pk].state, list(rooms[empty.pk].devices)) == (State.OK, [])


def test_devices_without_a_room_stand_last(city: City) -> None:
    assert None not in [room.room_id for room in selectors.room_states(city.school_a)]
    Device.objects.filter(pk=city.printer_a.pk).update(room=None)

    last = selectors.room_states(city.school_a)[-1]

    assert (last.room_id, last.slug, [device.device_id for device in last.devices]) == (None, "none", [city.printer_a.pk])


def test_an_exceeded_limit_is_to_be_watched(city: City) -> None:
    Health.objects.filter(device=city.printer_a).update(status="up")
    Alert.objects.create(
        authority=city.authority,
        site=city.school_a,
        device=city.printer_a,
        kind="supply_percent",
        severity="warning",
        opened_at=timezone.now(),
    )
    states = {device.device_id: device.state for device in selectors.device_states(city.school_a)}
    assert states[city.printer_a.pk] is State.WATCH


def test_no_list_reads_what_devices_said(city: City) -> None:
    with CaptureQueriesContext(connection) as asked:
        selectors.room_states(city.school_a)
        list(exposition.devices(Device.objects.all()))
        around = surroundings.of(city.switch_a, Device.objects.all(), {"neighbours": [{"name": "elsewhere"}]})
    assert "reading" not in str([one["sql"].split(" FROM ")[0] for one in asked if "sysName" not in one["sql"]])
    assert [one.device for one in around.neighbours] == [None]


def test_a_neighbour_is_known_by_what_it_calls_itself(city: City, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    Health.objects.filter(device=city.access_point_a).update(reading={"sysName": "ap-physik"})
    said = {"neighbours": [{"name": "ap-physik", "local_ifIndex": 7}, {"name": "", "local_ifIndex": 8}]}
    with django_assert_num_queries(5):
        around = surroundings.of(city.switch_a, Device.objects.all(), said)
    assert [one.device and one.device.name for one in around.neighbours] == ["AP-204-A", None]


def test_a_spare_or_retired_device_is_no_part_of_the_picture(city: City) -> None:
    devices.retire(device=city.printer_a)
    assert city.printer_a.pk not in {device.device_id for device in selectors.device_states(city.school_a)}
