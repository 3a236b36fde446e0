"""The last day of a fault's device, out of hours that are rolled up and polls that are not yet."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.monitoring import services, sparks
from fleet.monitoring.models import Alert, RollupDue
from fleet.monitoring.rules.rollup import HOUR, hour_of
from fleet.monitoring.services import history
from fleet.monitoring.services.history import NewSample
from tests.conftest import City
from tests.web.monitoring.test_pages import silence

pytestmark = pytest.mark.django_db
NAMES = ("clients", "clients.1", "traffic_in_bps")


def record(device: Device, hours_ago: float, clients: float) -> None:
    at = timezone.now() - timedelta(hours=hours_ago)
    history.record(samples=[NewSample(device.pk, at, NAMES, [clients, 0, 2e6])])


def test_rolled_up_hours_and_the_latest_polls_make_one_line(city: City) -> None:
    for hours_ago in (30, 20, 10, 3):
        record(city.access_point_a, hours_ago, hours_ago)
    services.roll_up()
    assert not RollupDue.objects.filter(grain="hour", begin__lt=hour_of(timezone.now())).exists()
    record(city.access_point_a, 0, 7)
    alert = silence(city.access_point_a)

    day = sparks.of([alert], now := timezone.now())[alert.pk]

    begin = hour_of(now) - sparks.HOURS * HOUR
    expected = {int((hour_of(now - timedelta(hours=ago)) - begin) / HOUR): ago for ago in (20, 10, 3)} | {sparks.HOURS: 7}
    assert {hour: value for hour, value in enumerate(day.values) if value is not None} == expected
    assert day.said == "Verbundene Geräte, letzte 24 Stunden: 3 bis 20"


def test_what_an_alert_is_about_is_shown_and_nothing_where_nothing_is_known(
    city: City, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for device in (city.access_point_a, city.switch_a):
        record(device, 5, 9)
        record(device, 3, 9)
    services.roll_up()
    about = silence(city.access_point_a)
    Alert.objects.filter(pk=about.pk).update(kind="traffic_in_bps")
    about.kind = "traffic_in_bps"
    alerts = [silence(city.access_point_a), silence(city.switch_a), silence(city.printer_a)]

    with django_assert_num_queries(3):
        found = sparks.of([about, *alerts], timezone.now())

    assert {pk: said.said.partition(",")[0] for pk, said in found.items()} == {
        about.pk: "Empfangen",
        alerts[0].pk: "Verbundene Geräte",
        alerts[1].pk: "Empfangen",
    }
