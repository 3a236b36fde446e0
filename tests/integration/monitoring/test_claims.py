"""Workers share devices: none is polled twice at once, and a dead worker's devices come back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.devices import services as devices
from fleet.monitoring import services
from fleet.monitoring.models import Health, Sample
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.services import polling, storing
from tests.integration.monitoring.conftest import School

pytestmark = pytest.mark.django_db
PACE = Pace(30, 5)


def claim() -> polling.Claim:
    return polling._claim_these(list(Health.objects.values_list("pk", flat=True)))


def test_what_one_worker_holds_another_does_not_get(school: School) -> None:
    first, second = claim(), claim()
    assert len(first.rows) == 5
    assert second.rows == []
    assert services.poll_due() == 0
    assert not Sample.objects.exists()


def test_the_claim_of_a_dead_worker_runs_out(school: School) -> None:
    dead = claim()
    later = timezone.now() + polling.LEASE + timedelta(seconds=1)

    assert services.poll_due(now=later) == 5

    assert Sample.objects.count() == 5
    late = Measurement(dead.rows[0].pk, timezone.now(), None, "timeout")
    stored = storing.store(storing.Fence(dead.token, dead.taken_at), [late], PACE)
    assert stored.device_ids == set()  # the fence: it no longer holds what it measured
    assert Health.objects.filter(failures__gt=0).count() == 0


def test_after_a_poll_nothing_is_held_and_nothing_is_due(school: School) -> None:
    assert services.poll_due() == 5
    assert not Health.objects.filter(claim__isnull=False).exists()
    assert services.poll_due() == 0


def test_who_asks_while_a_poll_is_under_way_gets_another_one(school: School) -> None:
    held = claim()
    one = held.rows[0]
    services.poll_soon(device_ids=[one.pk])

    answer = Measurement(one.pk, timezone.now(), {"reachable": True, "uptime_s": 5})
    storing.store(storing.Fence(held.token, held.taken_at), [answer], PACE)

    assert Health.objects.due(timezone.now()).filter(pk=one.pk).exists()


def test_a_silent_device_delays_nobody(school: School) -> None:
    """The silent one is asked in a lane of its own; the others are stored before it is given up."""
    services.poll_due()
    school.kill("ap-101")
    services.poll_now(device_ids=[school.device("Access Point 101").pk])
    Health.objects.update(next_poll_at=timezone.now())

    assert services.poll_due() == 5

    silent = school.health("Access Point 101").polled_at
    others = Health.objects.exclude(device__name="Access Point 101")
    assert all(health.polled_at < silent for health in others)


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
    devices.set_snmp(device=device, address=device.address, port=device.snmp_port, credential=None)
    measured = services.measure(devices=[device])[device.pk]
    assert (measured.reading, measured.reason) == (None, "credential")


def test_a_retired_device_is_forgotten_and_its_alert_closed(school: School) -> None:
    school.kill("ap-101")
    school.poll_until(lambda: bool(school.open_alerts()))
    devices.retire(device=school.device("Access Point 101"))

    services.tend()

    assert not Health.objects.filter(device__name="Access Point 101").exists()
    assert school.open_alerts() == {}


def test_a_tick_costs_the_same_number_of_queries_however_many_answer(
    school: School, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    services.poll_due()
    Health.objects.update(next_poll_at=timezone.now())
    with django_assert_max_num_queries(20):
        assert services.poll_due() == 5
