"""Many judges and people at the same instant, on a real database with real transactions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.monitoring import services
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.models import Alert, Episode, Health, MaintenanceWindow, Outage, ThresholdOverride
from fleet.monitoring.rules.limits import Level
from fleet.monitoring.services import lifecycle, limits, maintenance
from fleet.monitoring.services.maintenance import Planned
from fleet.monitoring.services.thresholds import Judged, judge
from tests.conftest import City

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 6
Got = TypeVar("Got")
NOW = datetime(2026, 11, 25, 7, 10, tzinfo=UTC)


def at_once(act: Callable[[int], Got]) -> list[Got]:
    """What `act(0)` to `act(MANY - 1)` gave, all let go at the same instant, each on a connection of its own."""
    gate = Barrier(MANY)

    def one(number: int) -> Got:
        try:
            gate.wait(timeout=30)
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def silence(*devices: Device) -> None:
    since = NOW - timedelta(minutes=2)
    Health.objects.filter(device__in=devices).update(
        status="down", status_since=since, failures=9, failing_since=since, reason="timeout", polled_at=NOW
    )


def draft(device: Device, kind: str = "unreachable") -> Alert:
    return Alert(
        authority_id=device.authority_id, site_id=device.site_id, device=device, kind=kind, severity="critical",
        base_severity="critical", evidence_opened={"reason": "timeout"},
    )  # fmt: skip


def opened(device: Device) -> Alert:
    with transaction.atomic():
        alert = lifecycle.open_alert(draft(device), at=NOW)
    assert alert is not None
    return alert


def told(name: str) -> int:
    return Event.objects.filter(name=name).count()


def test_many_judges_of_a_site_give_one_judgement(city: City) -> None:
    silence(city.switch_a, city.access_point_a, city.printer_a)

    at_once(lambda _number: services.judge_sites(site_ids=[city.school_a.pk], now=NOW))

    causes = dict(Alert.objects.open().values_list("device__name", "suppressed_by__device__name"))
    assert causes["AP-204-A"] in {"SW-1-A", city.switch_a.name}
    assert Alert.objects.filter(kind="unreachable").count() == 3
    assert Outage.objects.open().count() == 3
    assert told("alert.opened") == Alert.objects.open().root_causes().count()


def test_judged_while_it_comes_back_it_ends_as_it_is(city: City) -> None:
    silence(city.switch_a)
    services.judge_sites(site_ids=[city.school_a.pk], now=NOW)
    later = NOW + timedelta(minutes=1)
    Health.objects.filter(device=city.switch_a).update(
        status="up", status_since=later, failures=0, failing_since=None, answered_at=later
    )

    at_once(lambda _number: services.judge_sites(site_ids=[city.school_a.pk], now=later))

    assert not Alert.objects.open().exists()
    assert told("alert.closed") == 1
    assert Outage.objects.get().ended_at == later


def test_one_fault_opens_one_alert(city: City) -> None:
    def act(_number: int) -> bool:
        with transaction.atomic():
            return lifecycle.open_alert(draft(city.switch_a), at=NOW) is not None

    assert at_once(act).count(True) == 1
    assert told("alert.opened") == 1


def test_and_reopens_once(city: City) -> None:
    alert = opened(city.switch_a)
    lifecycle.close(alert=alert, at=NOW + timedelta(minutes=1), evidence={})

    def act(_number: int) -> bool:
        with transaction.atomic():
            return lifecycle.open_alert(draft(city.switch_a), at=NOW + timedelta(minutes=5)) is not None

    assert at_once(act).count(True) == 1
    assert Alert.objects.count() == 1
    assert Episode.objects.count() == 1
    assert told("alert.reopened") == 1


def test_many_polls_of_one_device_open_one_alert(city: City) -> None:
    """The claim keeps pollers apart; where it should ever not, the database does."""
    since = (NOW - timedelta(hours=1)).isoformat()
    Health.objects.filter(device=city.switch_a).update(beyond={"temperature_c": since})

    def act(_number: int) -> None:
        with transaction.atomic():
            row = Health.objects.get(device=city.switch_a)
            judge(batch=[Judged(row, {"temperature_c": 90.0}, NOW)])

    at_once(act)
    assert Alert.objects.filter(kind="temperature_c").count() == 1


def test_closed_while_it_is_taken(city: City) -> None:
    """Whoever is first: the alert is over, and a note stands there only if somebody really took it."""
    alert = opened(city.switch_a)

    def act(number: int) -> bool:
        row = Alert.objects.get(pk=alert.pk)
        if number % 2:
            return services.acknowledge(alert=row, by=city.technician)
        return lifecycle.close(alert=row, at=timezone.now(), evidence={})

    won = at_once(act)
    row = Alert.objects.get(pk=alert.pk)
    assert row.closed_at is not None
    assert won[::2].count(True) == 1
    assert won[1::2].count(True) == row.notes.count() == int(row.acknowledged_at is not None)
    assert told("alert.closed") == 1


def test_put_off_and_over_at_once(city: City) -> None:
    alert = opened(city.switch_a)

    def act(number: int) -> bool:
        row = Alert.objects.get(pk=alert.pk)
        if number % 2:
            return services.snooze(alert=row, by=city.technician, until=timezone.now() + timedelta(hours=1))
        return lifecycle.close(alert=row, at=timezone.now(), evidence={})

    at_once(act)
    assert Alert.objects.get(pk=alert.pk).closed_at is not None
    assert told("alert.closed") == 1


@pytest.mark.parametrize("everywhere", [False, True])
def test_maintenance_that_many_clicks_plan_is_one(city: City, *, everywhere: bool) -> None:
    planned = Planned("kind", NOW, NOW + timedelta(hours=1), "Umbau", None if everywhere else city.school_a, "printer")

    windows = at_once(
        lambda _number: maintenance.plan(authority_id=city.authority.pk, planned=planned, by=city.administrator)
    )

    assert {window.pk for window in windows} == {MaintenanceWindow.objects.get().pk}
    assert told("maintenance.planned") == 1


def test_one_limit_set_by_many_is_one(city: City) -> None:
    place = limits.place_of(city.switch_a)

    def act(number: int) -> None:
        threshold = Threshold(open=80 + number, clear=70, hold_s=0, severity="warning")
        limits.set_limit(place=place, level=Level.DEVICE, metric="temperature_c", threshold=threshold, by=None)

    at_once(act)
    assert ThresholdOverride.objects.count() == 1
