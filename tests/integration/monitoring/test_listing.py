"""A controller's access points become devices, once, and are as it says as long as it says something."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device, DeviceType
from fleet.monitoring.models import Alert, Health, Outage, Sample
from fleet.monitoring.rules.listing import Listed
from fleet.monitoring.services import judge_sites, listing
from tests.conftest import City

NOW = timezone.now()
ONE = Listed("AP Aula", "00:21:86:b5:6e:10", "S-1", "W6", connected=True, clients=3)
OTHER = Listed("AP Mensa", "00:21:86:b5:6e:11", "S-2", "W6", connected=True, clients=0)


@pytest.fixture
def controller(city: City) -> Device:
    kind = devices.ensure_type(manufacturer="Muster", model="WLC", kind=DeviceType.Kind.CONTROLLER)
    details = devices.DeviceDetails(kind, "WLC-A", address="127.20.1.90", snmp_credential=city.snmp)
    return devices.create_device(site=city.school_a, details=details)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def states(controller: Device) -> dict[str, tuple[str, str]]:
    rows = Health.objects.filter(device__controller=controller).select_related("device")
    return {row.device.name: (row.status, row.reason) for row in rows}


def test_who_is_listed_becomes_a_device_once(controller: Device) -> None:
    first = listing.take(controller=controller, said=[ONE, OTHER], at=at(0))
    second = listing.take(controller=controller, said=[OTHER, ONE], at=at(1))

    assert (len(first.created), second.created) == (2, ())
    made = Device.objects.get(name="AP Aula")
    assert (made.site, made.serial, made.type.model, made.controller) == (controller.site, "S-1", "W6", controller)
    assert made.interfaces.get().mac == ONE.mac
    assert made.health.reading == {"wireless": {"clients": 3}}
    assert states(controller) == {"AP Aula": ("up", ""), "AP Mensa": ("up", "")}


def test_one_that_was_retired_is_passed_over_and_stops_no_other(controller: Device) -> None:
    listing.take(controller=controller, said=[ONE], at=at(0))
    devices.retire(device=Device.objects.get(name="AP Aula"))

    taken = listing.take(controller=controller, said=[ONE, OTHER], at=at(1))

    assert [Device.objects.get(pk=pk).name for pk in taken.created] == ["AP Mensa"]
    assert Device.objects.get(name="AP Aula").lifecycle == Device.Lifecycle.RETIRED


def test_a_count_that_the_controller_says_no_more_is_not_kept(controller: Device) -> None:
    listing.take(controller=controller, said=[ONE], at=at(0))
    listing.take(controller=controller, said=[replace(ONE, clients=None)], at=at(1))
    assert Device.objects.get(name="AP Aula").health.reading == {}


def test_one_that_is_known_by_its_mac_is_not_made_again_and_keeps_its_own_word(controller: Device, city: City) -> None:
    devices.add_interface(device=city.access_point_a, details=devices.InterfaceDetails("radio", mac=ONE.mac))

    taken = listing.take(controller=controller, said=[ONE], at=at(0))

    assert taken.created == ()
    city.access_point_a.refresh_from_db()
    assert city.access_point_a.controller == controller
    assert Health.objects.get(pk=city.access_point_a.pk).status == Health.Status.UNKNOWN, "it is asked itself"


def test_who_is_no_longer_listed_is_not_connected_once_that_is_confirmed(controller: Device) -> None:
    listing.take(controller=controller, said=[ONE, OTHER], at=at(0))
    judged = [listing.take(controller=controller, said=[OTHER], at=at(n)).sites_to_judge for n in (1, 2, 3)]

    assert states(controller)["AP Aula"] == ("down", "controller")
    assert judged == [frozenset(), frozenset(), frozenset({controller.site_id})]
    back = listing.take(controller=controller, said=[ONE, OTHER], at=at(4))
    assert states(controller)["AP Aula"] == ("up", "")
    assert back.sites_to_judge == {controller.site_id}


def test_a_silent_controller_says_nothing_of_its_access_points(controller: Device) -> None:
    listing.take(controller=controller, said=[ONE], at=at(0))
    assert listing.lose(controller_ids=[controller.pk], at=at(1)) == 1
    assert states(controller)["AP Aula"] == ("unknown", "controller")


def test_what_the_controller_counts_of_them_is_kept_and_judged(controller: Device) -> None:
    crowded = replace(ONE, clients=70)
    listing.take(controller=controller, said=[crowded, replace(OTHER, connected=False)], at=at(0))
    for minute in (3, 6, 9, 12, 15):
        listing.take(controller=controller, said=[crowded, OTHER], at=at(minute))

    aula = Device.objects.get(name="AP Aula")
    assert [one.said for one in Sample.objects.filter(device=aula).order_by("polled_at")] == [{"clients": 70}] * 6
    assert Sample.objects.filter(device__name="AP Mensa").count() == 5, "nothing is counted of one that is not connected"
    assert Alert.objects.open().filter(device=aula, kind="clients").exists()


def test_a_name_of_the_site_is_not_taken_twice(controller: Device, city: City) -> None:
    twin = Listed("AP-204-A", "00:21:86:b5:6e:12", connected=True)
    listing.take(controller=controller, said=[twin], at=at(0))
    listing.take(controller=controller, said=[twin], at=at(1))
    assert Device.objects.get(controller=controller).name == "AP-204-A b56e12"


def test_one_that_people_have_retired_is_not_made_anew(controller: Device) -> None:
    nameless = Listed("AP Keller", "00:21:86:b5:6e:13", connected=True)
    listing.take(controller=controller, said=[nameless], at=at(0))
    devices.retire(device=Device.objects.get(name="AP Keller"))

    assert listing.take(controller=controller, said=[nameless], at=at(1)).created == ()


def test_the_silence_of_a_controller_ends_no_outage_of_its_access_points(controller: Device) -> None:
    """Nothing is known of them then; an outage ends with an answer."""

    def say(*listed: Listed, minute: int) -> None:
        listing.take(controller=controller, said=listed, at=at(minute))
        judge_sites(site_ids=[controller.site_id], now=at(minute))

    def outages() -> list[tuple[datetime, datetime | None]]:
        return list(Outage.objects.filter(device__name="AP Aula").order_by("pk").values_list("started_at", "ended_at"))

    say(ONE, OTHER, minute=0)
    for minute in (1, 2, 3):
        say(OTHER, minute=minute)
    assert outages() == [(at(1), None)]

    listing.lose(controller_ids=[controller.pk], at=at(10))
    judge_sites(site_ids=[controller.site_id], now=at(10))
    assert outages() == [(at(1), None)]
    for minute in (20, 21, 22):
        say(OTHER, minute=minute)
    assert outages() == [(at(1), None)]

    say(ONE, OTHER, minute=30)
    assert outages() == [(at(1), at(30))]
