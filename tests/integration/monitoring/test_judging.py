"""Polls say which sites are in doubt; one judge at a time takes them in turn; what nobody doubted is found all the same."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.events.services import Fact, emit, emit_all
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Doubt, Health, Judge, MaintenanceWindow, Outage
from fleet.monitoring.rules.doubts import ANYWAY
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import PATIENCE, Pace
from fleet.monitoring.services import alerts, doubts, judging, maintenance, storing
from tests.conftest import City

pytestmark = pytest.mark.django_db
BEGUN = timezone.now()


def poll(*devices: Device, answers: bool = False) -> storing.Stored:
    """As a worker of a tick stores it."""
    token, now = uuid.uuid4(), timezone.now()
    ids = [device.pk for device in devices]
    Health.objects.filter(pk__in=ids).update(claim=token, claimed_until=now + timedelta(seconds=20))
    said = {"uptime_s": 5} if answers else None
    batch = [Measurement(pk, now, said, "" if answers else "timeout") for pk in ids]
    return storing.store(storing.Fence(token, now), batch, Pace(30, 5))


def silence(*devices: Device, polls: int = PATIENCE) -> None:
    for _ in range(polls):
        poll(*devices)


def test_a_limit_is_not_exceeded_all_through_an_outage(city: City) -> None:
    """Twice 99 %, at the last poll before two hours of silence and at the first one after: the device has just started."""

    def busy(after: timedelta) -> bool:
        token, now = uuid.uuid4(), BEGUN + after
        Health.objects.filter(pk=city.switch_a.pk).update(claim=token, claimed_until=now)
        said = Measurement(city.switch_a.pk, now, {"cpu_percent": [99]})
        storing.store(storing.Fence(token, now), [said], Pace(30, 5))
        return Alert.objects.open().filter(kind="cpu_percent").exists()

    busy(timedelta())
    first = timedelta(hours=2)
    assert not busy(first)
    assert [busy(first + timedelta(minutes=n)) for n in (3, 6, 9, 12, 15)] == [False] * 4 + [True]


def doubted() -> dict[str, int]:
    """{site: its doubts that are due}"""
    names = list(Doubt.objects.due(timezone.now()).values_list("site__name", flat=True))
    return {name: names.count(name) for name in names}


def test_a_device_that_stays_down_brings_nothing_in_doubt(city: City) -> None:
    silence(city.switch_a)
    assert services.judge_due() == 1
    assert Alert.objects.open().get().device == city.switch_a

    assert [bool(poll(city.switch_a).sites_to_judge) for _ in range(5)] == [False] * 5

    assert doubted() == {}
    assert services.judge_due() == 0


def test_however_often_a_site_is_doubted_it_is_judged_once(city: City) -> None:
    silence(city.switch_a)
    silence(city.printer_a)
    assert doubted() == {"Schule A": 4}

    assert services.judge_due() == 1

    assert doubted() == {}
    assert Alert.objects.open().count() == 2


def test_a_doubt_that_comes_in_while_its_site_is_judged_stays(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    silence(city.switch_a)
    keep = alerts.outages.keep

    def meanwhile(**found: object) -> None:
        keep(**found)
        poll(city.switch_a, answers=True)

    monkeypatch.setattr(alerts.outages, "keep", meanwhile)
    services.judge_due()
    monkeypatch.undo()

    assert doubted() == {"Schule A": 1}
    services.judge_due()
    assert not Alert.objects.open().exists()


def test_one_judges_at_a_time_and_a_dead_one_is_replaced(city: City) -> None:
    silence(city.switch_a)
    judge = Judge.objects.create(pk=1, claim=uuid.uuid4(), claimed_until=timezone.now() + judging.LEASE)
    assert services.judge_due() == 0

    judge.claimed_until = timezone.now() - timedelta(seconds=1)
    judge.save()
    assert services.judge_due() == 1


def test_who_judges_for_too_long_leaves_the_rest_to_the_next(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    silence(city.switch_a, city.switch_b)
    monkeypatch.setattr(judging, "AT_ONCE", 1)
    monkeypatch.setattr(judging, "STRETCH_S", -1.0)
    assert services.judge_due() == 0
    assert doubted() == {"Schule A": 2, "Schule B": 2}


def test_a_site_that_cannot_be_judged_keeps_no_other_from_its_turn(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    silence(city.switch_a)
    silence(city.switch_b)
    judge = alerts.judge_site

    def failing(site_id: int, hours: object) -> None:
        if site_id == city.school_a.pk:
            raise RuntimeError("not this one")
        judge(site_id, hours)  # type: ignore[arg-type]

    monkeypatch.setattr(alerts, "judge_site", failing)
    assert services.judge_due() == 1

    assert doubted() == {}
    assert Alert.objects.open().get().device == city.switch_b
    monkeypatch.undo()
    services.judge_due(now=timezone.now() + judging.PUT_OFF)
    assert Alert.objects.open().count() == 2


def test_where_something_is_wrong_somebody_looks_again_and_where_all_is_well_nobody_does(city: City) -> None:
    silence(city.switch_a)
    services.judge_due()
    assert Doubt.objects.get().due_at <= timezone.now() + ANYWAY

    poll(city.switch_a, answers=True)
    services.judge_due()

    assert not Doubt.objects.exists()
    assert not Outage.objects.open().exists()


def test_tending_judges_no_site_where_nothing_has_changed(city: City) -> None:
    silence(city.switch_a, city.access_point_b)
    services.tend()
    before = set(Doubt.objects.values_list("pk", flat=True))
    assert len(before) == 2

    services.tend()

    assert set(Doubt.objects.values_list("pk", flat=True)) == before


@pytest.mark.parametrize("lost", ["a doubt", "a doubt for later"])
def test_tending_finds_what_nobody_doubts(city: City, lost: str) -> None:
    """A database from before there were doubts, or a state that was written by hand."""
    silence(city.switch_a)
    Doubt.objects.all().delete()
    if lost == "a doubt for later":
        Doubt.objects.create(site=city.school_a, due_at=timezone.now() + ANYWAY)

    services.tend()
    assert Alert.objects.open().get().device == city.switch_a

    Health.objects.filter(pk=city.switch_a.pk).update(
        status="up", failures=0, failing_since=None, answered_at=timezone.now(), status_since=timezone.now()
    )
    services.tend()
    assert not Alert.objects.open().exists()


def test_a_window_that_is_ended_early_brings_in_doubt_what_it_excused(city: City) -> None:
    now = timezone.now()
    planned = maintenance.Planned(
        MaintenanceWindow.Covers.DEVICES,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=1),
        reason="Umbau",
        site=city.school_a,
        device_ids=[city.switch_a.pk],
    )
    window = maintenance.plan(authority_id=city.authority.pk, planned=planned, by=None)
    silence(city.switch_a)
    services.judge_due()
    assert not Alert.objects.exists()
    assert not Doubt.objects.due(timezone.now()).exists()

    maintenance.end_early(window=window, at=timezone.now(), by=None)
    services.judge_due()

    assert Alert.objects.open().get().device == city.switch_a


def test_many_alerts_at_once_take_as_many_queries_as_one(city: City) -> None:
    """Of a site whose devices hang on nothing; its tidying up included."""
    like = city.printer_a

    def cost(count: int) -> int:
        made = Device.objects.bulk_create(
            Device(
                authority=like.authority,
                site=like.site,
                type=like.type,
                kind=like.kind,
                name=f"printer {count}.{number}",
                address=f"127.31.{count}.{number + 1}",
                snmp_credential=like.snmp_credential,
            )
            for number in range(count)
        )
        for device in made:
            services.watch(device=device)
        silence(*made)
        poll(city.switch_a, answers=True)  # else the school would have been switched off
        with CaptureQueriesContext(connection) as asked:
            services.judge_due()
        assert Alert.objects.open().filter(device__in=made).count() == count
        Health.objects.filter(device__in=made).update(status="up", failures=0, failing_since=None)
        Health.objects.filter(device__in=made).delete()
        Alert.objects.filter(device__in=made).delete()
        Outage.objects.filter(device__in=made).delete()
        return len(asked)

    cost(1)
    assert cost(2) == cost(8)


def test_many_alerts_that_end_at_once_take_as_many_queries_as_one(city: City) -> None:
    def cost(*devices: Device) -> int:
        silence(*devices)
        poll(city.switch_a, answers=True)  # else the school would have been switched off
        services.judge_due()
        assert Alert.objects.open().count() == len(devices)
        poll(*devices, answers=True)
        with CaptureQueriesContext(connection) as asked:
            services.judge_due()
        assert not Alert.objects.open().exists()
        assert Event.objects.filter(name="alert.closed").count() == Alert.objects.count()
        Event.objects.all().delete()
        Alert.objects.all().delete()
        return len(asked)

    cost(city.printer_a)
    assert cost(city.printer_a) == cost(city.printer_a, city.access_point_a)


def test_a_transaction_calls_for_delivery_once(city: City) -> None:
    """Whatever it tells; what a savepoint told that was taken back calls for nothing."""
    fact = Fact("test.happened", city.switch_a)
    waiting = len(connection.run_on_commit)
    with transaction.atomic():
        with transaction.atomic():
            emit(fact)
            transaction.set_rollback(True)
        assert len(connection.run_on_commit) == waiting
        emit(fact)
        assert [event.name for event in emit_all([fact, fact])] == ["test.happened"] * 2
        called = len(connection.run_on_commit) - waiting
    assert called <= 1
    assert Event.objects.filter(name="test.happened").count() == 3


def test_doubts_of_no_site_are_none() -> None:
    doubts.add(site_ids=[], at=timezone.now())
    assert not Doubt.objects.exists()
