"""Workers share devices: none is polled twice at once, and a dead worker's devices come back."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.monitoring import services, wire
from fleet.monitoring.models import Health, Latest, Sample
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.rules.rollup import HOUR, hour_of
from fleet.monitoring.services import claims, history, limits, planning, pulse, storing, ticks, upkeep
from fleet.monitoring.services.working import Work
from tests.integration.monitoring.conftest import School

pytestmark = pytest.mark.django_db
PACE = Pace(30, 5)
MOST_QUERIES = 26
"""Of a tick, savepoints included, and of a look whether any site is to be judged."""


def claim() -> claims.Claim:
    return claims.take_these(list(Health.objects.values_list("pk", flat=True)))


def test_what_one_worker_holds_another_does_not_get(school: School) -> None:
    first, second = claim(), claim()
    assert len(first.rows) == 5
    assert second.rows == []
    assert services.poll_due() == 0
    assert not Sample.objects.exists()


def test_the_claim_of_a_dead_worker_runs_out(school: School, settings: LazySettings) -> None:
    settings.POLL_INTERVAL_S = 3600  # else what is polled now may be due at that later instant
    dead = claim()
    later = timezone.now() + claims.LEASE + timedelta(seconds=1)

    assert services.poll_due(now=later) == 5

    assert Sample.objects.count() == 5
    late = Measurement(dead.rows[0].device_id, timezone.now(), None, "timeout")
    stored = storing.store(dead.fence, [late], PACE)
    assert stored.device_ids == set()  # the fence: it no longer holds what it measured
    assert Health.objects.filter(failures__gt=0).count() == 0


def test_after_a_poll_nothing_is_held_and_nothing_is_due(school: School) -> None:
    assert services.poll_due() == 5
    assert not Health.objects.filter(claim__isnull=False).exists()
    assert services.poll_due() == 0


def test_what_nobody_can_ask_stands_in_nobodys_way_and_comes_back(school: School) -> None:
    switch = school.device("Switch 1")
    Device.objects.filter(pk=switch.pk).update(snmp_credential=None)
    services.poll_due()
    assert school.health("Switch 1").next_poll_at is None
    assert not Health.objects.filter(claim__isnull=False).exists()

    Device.objects.filter(pk=switch.pk).update(snmp_credential=switch.snmp_credential)
    upkeep.watch_new()
    services.poll_due()
    assert school.health("Switch 1").answered_at is not None


def test_who_asks_while_a_poll_is_under_way_gets_another_one(school: School) -> None:
    held = claim()
    one = held.rows[0]
    services.poll_soon(device_ids=[one.device_id])

    answer = Measurement(one.device_id, timezone.now(), {"reachable": True, "uptime_s": 5})
    storing.store(held.fence, [answer], PACE)

    assert Health.objects.due(timezone.now()).filter(pk=one.device_id).exists()


def test_a_silent_device_delays_nobody(school: School, settings: LazySettings) -> None:
    """The silent one is asked in a lane of its own; the others are stored before it is given up."""
    services.poll_due()
    school.kill("ap-101")
    services.poll_now(device_ids=[school.device("Access Point 101").pk])
    settings.SNMP_TIMEOUT_S = 60.0  # whoever waited for it would have to see it given up first
    stored: list[Measurement] = []

    with Work() as work:
        work.add(claim())
        while len(stored) < 4:
            stored += work.write_what_came()

    assert school.device("Access Point 101").pk not in {one.device_id for one in stored}
    assert Sample.objects.count() == 5 + 4
    assert Health.objects.due(timezone.now()).get().device.name == "Access Point 101", "handed back"


def test_measure_is_fresh_and_stored(school: School) -> None:
    services.poll_due()
    before = timezone.now()
    access_point, dead = school.device("Access Point 101"), school.device("Access Point 102")
    school.kill("ap-102")

    measured = services.measure(devices=[access_point, dead])

    assert measured[access_point.pk].measured_at > before
    assert measured[access_point.pk].reading["wireless"]["ssids"]
    assert (measured[dead.pk].reading, measured[dead.pk].reason) == (None, "timeout")
    assert school.health("Access Point 101").answered_at == measured[access_point.pk].measured_at
    assert Sample.objects.filter(device=access_point).count() == 2


def test_measure_watches_a_device_that_nobody_watched(school: School) -> None:
    device = school.device("Access Point 101")
    Health.objects.filter(device=device).delete()
    assert services.measure(devices=[device])[device.pk].reading is not None


def test_measure_says_why_it_could_not(school: School) -> None:
    device = school.device("Access Point 101")
    devices.set_snmp(device=device, access=devices.SnmpAccess(device.address, device.snmp_port))
    measured = services.measure(devices=[device])[device.pk]
    assert (measured.reading, measured.reason) == (None, "credential")


def test_a_retired_device_is_forgotten_and_its_alert_closed(school: School) -> None:
    school.kill("ap-101")
    school.poll_until(lambda: bool(school.open_alerts()))
    devices.retire(device=school.device("Access Point 101"))

    services.tend()

    assert not Health.objects.filter(device__name="Access Point 101").exists()
    assert school.open_alerts() == {}


@pytest.fixture
def by_the_clock(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a tick does now and then falls into this test, what earlier tests left in this process is forgotten, and
    on a slow machine no answer comes too late, or so late that it needs a batch of its own: each is a few queries more."""
    an_hour = timedelta(hours=1)
    settings.SNMP_TIMEOUT_S = wire.BATCH_S * 20
    monkeypatch.setattr(wire, "BATCH_S", an_hour.total_seconds())
    monkeypatch.setattr(ticks, "LOOK_AGAIN_S", an_hour.total_seconds())
    monkeypatch.setattr(limits, "LOOK_EVERY_S", an_hour.total_seconds())
    monkeypatch.setattr(pulse, "WRITTEN_EVERY", an_hour)
    for room in (planning, history, limits, pulse):
        room.forget()
    hour = hour_of(timezone.now())
    monkeypatch.setattr(history, "_noted", {hour, hour + HOUR})


def cost_of_a_tick(due: int) -> int:
    """In queries, of one that tells rates: half a minute has passed."""
    earlier = timezone.now() - timedelta(seconds=30)
    Latest.objects.update(at=earlier, counted_at=earlier)
    first = Health.objects.order_by("pk")[:due]
    Health.objects.filter(pk__in=first.values("pk")).update(next_poll_at=timezone.now())
    with CaptureQueriesContext(connection) as asked:
        assert services.poll_due() == due
    return len(asked)


@pytest.mark.usefixtures("by_the_clock")
def test_a_tick_costs_the_same_number_of_queries_however_many_answer(school: School) -> None:
    services.poll_due()  # as a whole
    cost_of_a_tick(5)  # by plans that this process has not read yet
    assert cost_of_a_tick(1) == cost_of_a_tick(5) <= MOST_QUERIES
