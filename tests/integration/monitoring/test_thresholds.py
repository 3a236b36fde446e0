"""From numbers to alerts on the database: how often it is asked, what opens, what is held, what opens again."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.monitoring import metrics
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.models import Alert, Health, ThresholdOverride
from fleet.monitoring.rules.limits import Level, Place
from fleet.monitoring.services import actions, limits
from fleet.monitoring.services.thresholds import Judged, judge, kinds_of
from tests.conftest import City

pytestmark = pytest.mark.django_db
FIRST_LESSON = datetime(2026, 11, 25, 7, 10, tzinfo=UTC)
COOL, HOT = {"temperature_c": 40.0}, {"temperature_c": 80.0}


def say(device: Device, values: dict[str, float], after_min: float = 0) -> Health:
    """One poll, stored as the poller does it."""
    row = Health.objects.get(pk=device.pk)
    with transaction.atomic():
        judge(batch=[Judged(row, values, FIRST_LESSON + timedelta(minutes=after_min))])
        row.save(update_fields=["beyond"])
    return row


def told() -> list[str]:
    return list(Event.objects.filter(name__startswith="alert.").order_by("pk").values_list("name", flat=True))


def test_where_all_is_well_the_database_is_not_asked(city: City, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    healths = list(Health.objects.all())
    judge(batch=[Judged(row, COOL, FIRST_LESSON) for row in healths])
    with django_assert_num_queries(0):
        judge(batch=[Judged(row, COOL | {"uptime_s": 5}, FIRST_LESSON) for row in healths])


def test_what_a_device_is_said_to_be_is_looked_up_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> str:
        row = Health.objects.get(pk=city.switch_a.pk)
        return kinds_of([Judged(row, COOL, FIRST_LESSON)])[row.pk]

    assert look() == "switch"
    Device.objects.filter(pk=city.switch_a.pk).update(kind="router")
    assert look() == "switch"
    monkeypatch.setattr("fleet.monitoring.services.thresholds.KEEP_KINDS_S", 0.0)
    assert look() == "router"


def test_it_opens_once_it_has_lasted_and_closes_with_the_evidence(city: City) -> None:
    say(city.switch_a, HOT)
    say(city.switch_a, HOT, 9)
    assert not Alert.objects.exists()

    say(city.switch_a, HOT, 10)
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.evidence_opened["value"]) == ("temperature_c", "warning", 80)

    say(city.switch_a, {"temperature_c": 70}, 11)
    say(city.switch_a, {}, 12)  # says nothing of it: no evidence for anything
    assert Alert.objects.open().exists()
    assert say(city.switch_a, COOL, 13).beyond == {}
    alert.refresh_from_db()
    assert alert.closed_at == FIRST_LESSON + timedelta(minutes=13)
    assert alert.evidence_closed["values"] == COOL
    assert told() == ["alert.opened", "alert.closed"]


def test_back_within_the_hour_it_is_the_same_alert_with_its_history(city: City) -> None:
    for minute in (0, 10):
        say(city.switch_a, HOT, minute)
    say(city.switch_a, COOL, 11)
    for minute in (40, 50):
        say(city.switch_a, HOT, minute)

    alert = Alert.objects.get()
    assert alert.closed_at is None
    assert alert.opened_at == FIRST_LESSON + timedelta(minutes=50)
    past = alert.episodes.get()
    assert (past.opened_at, past.closed_at) == (FIRST_LESSON + timedelta(minutes=10), FIRST_LESSON + timedelta(minutes=11))
    assert told() == ["alert.opened", "alert.closed", "alert.reopened"]

    say(city.switch_a, COOL, 51)
    for minute in (200, 210):
        say(city.switch_a, HOT, minute)
    assert Alert.objects.count() == 2


def test_nobody_looks_after_what_is_back_until_somebody_says_so_again(city: City) -> None:
    for minute in (0, 10):
        say(city.switch_a, HOT, minute)
    actions.acknowledge(alert=Alert.objects.get(), by=city.technician)
    say(city.switch_a, COOL, 11)
    assert Alert.objects.get().acknowledged_by == city.technician

    for minute in (40, 50):
        say(city.switch_a, HOT, minute)

    alert = Alert.objects.open().get()
    assert (alert.acknowledged_by, alert.acknowledged_at) == (None, None)
    assert [note.author for note in alert.notes.all()] == [city.technician]
    assert actions.acknowledge(alert=alert, by=city.administrator)


def test_what_comes_and_goes_stays_open_and_disturbs_once(city: City) -> None:
    limits.set_limit(
        place=limits.place_of(city.switch_a),
        level=Level.DEVICE,
        metric="temperature_c",
        threshold=Threshold(open=75, clear=68, hold_s=0, severity="warning"),
        by=None,
    )
    for minute in range(0, 20, 2):
        say(city.switch_a, HOT, minute)
        say(city.switch_a, COOL, minute + 1)

    alert = Alert.objects.get()
    assert (alert.closed_at, alert.flapping) == (None, True)
    assert told() == ["alert.opened", "alert.closed", "alert.reopened", "alert.flapping"]

    say(city.switch_a, COOL, 40)
    assert Alert.objects.open().exists()
    assert say(city.switch_a, COOL, 90).beyond == {}
    alert.refresh_from_db()
    assert (alert.closed_at, alert.flapping) == (FIRST_LESSON + timedelta(minutes=90), False)
    assert told()[-1] == "alert.closed"


@pytest.mark.parametrize("said", [HOT, {}], ids=["still hot", "not said any more"])
def test_a_limit_that_is_taken_away_ends_its_alert(city: City, said: dict[str, float]) -> None:
    for minute in (0, 10):
        say(city.switch_a, HOT, minute)
    limits.set_limit(
        place=limits.place_of(city.switch_a), level=Level.DEVICE, metric="temperature_c", threshold=None, by=None
    )
    say(city.switch_a, said, 11)
    assert not Alert.objects.open().exists()


def test_another_process_hears_of_a_change(city: City) -> None:
    """The row is written without the service, as if by another process; the cheap look finds it."""
    say(city.switch_a, HOT)
    ThresholdOverride.objects.create(
        level="device", authority=city.authority, site=city.school_a, device=city.switch_a, metric="temperature_c", off=True
    )
    place = limits.place_of(city.switch_a)
    assert "temperature_c" in limits.book().thresholds(place)
    limits._kept.look_at = 0.0
    assert "temperature_c" not in limits.book().thresholds(place)


def test_a_site_can_say_the_usual_where_a_kind_says_something_else(city: City) -> None:
    """Temperature as delivered is 75 °C, but 45 °C for a UPS: a site that wants 75 °C for all of them has to say so."""
    usual = metrics.known()["temperature_c"].threshold
    site = Place(city.authority.pk, site_id=city.school_a.pk)
    limits.set_limit(place=site, level=Level.SITE, metric="temperature_c", threshold=usual, by=None)
    ups = Place(city.authority.pk, "ups", city.school_a.pk, 10**6)
    assert limits.book().thresholds(ups)["temperature_c"] == usual

    limits.back_to_default(place=site, level=Level.SITE, metric="temperature_c")
    assert limits.book().thresholds(ups)["temperature_c"].open == 45
    limits.set_limit(
        place=site, level=Level.SITE, metric="cpu_percent", threshold=metrics.known()["cpu_percent"].threshold, by=None
    )
    assert not ThresholdOverride.objects.exists()
