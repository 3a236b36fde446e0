"""Polling under trouble: lost datagrams, dead devices and sites, restarts, garbage, version 3, and what plans are for."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from fleet.lab.faults import Fault
from fleet.monitoring import metrics, services, wire
from fleet.monitoring.lag import PollLag, poll_lag
from fleet.monitoring.models import Alert, GroupedSite, Health, Latest, PollGroup, PollPlan, Sample, Shard
from fleet.monitoring.rules.measurement import Followed, Measurement
from fleet.monitoring.rules.polling import Pace
from fleet.monitoring.schemas import ReadingOut
from fleet.monitoring.services import asking, claims, planning, storing, ticks, unsaid
from fleet.monitoring.services.working import Work
from fleet.monitoring.wire import Job
from fleet.snmp.errors import SnmpTooLong
from fleet.snmp.plan import Plan, Recorder
from fleet.snmp.types import Target, V2cCredential
from tests.integration.monitoring.conftest import School

pytestmark = pytest.mark.django_db
NAMES = ("Access Point 101", "Access Point 102", "Drucker 101", "Gateway", "Switch 1")


def numbers(sample: Sample) -> dict[str, float]:
    return getattr(sample, "said", None) or sample.values


def due_again() -> None:
    Health.objects.update(next_poll_at=timezone.now())


def half_a_minute_passes() -> None:
    """Since all were asked last."""
    earlier = timezone.now() - timedelta(seconds=30)
    Latest.objects.update(at=earlier, counted_at=earlier)


def test_after_its_walk_a_device_is_asked_for_what_its_plan_says(school: School) -> None:
    services.poll_due()
    walked = {row.pk: row.walked_at for row in Latest.objects.all()}
    due_again()

    assert services.poll_due() == 5

    assert {row.pk: row.walked_at for row in Latest.objects.all()} == walked
    assert all(row.at > row.walked_at for row in Latest.objects.all())
    assert Sample.objects.count() == 10


def test_devices_of_one_build_share_a_plan(school: School) -> None:
    services.poll_due()
    plans = dict(Latest.objects.values_list("health__device__name", "plan_id"))
    assert plans["Access Point 101"] == plans["Access Point 102"]
    assert PollPlan.objects.count() == 4


def test_the_next_walk_keeps_a_plan_that_still_says_what_the_device_says(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.poll_due()
    walked = {row.pk: (row.plan_id, row.walked_at) for row in Latest.objects.all()}
    monkeypatch.delattr(wire, "make")
    half_a_minute_passes()
    Health.objects.update(walk_due_at=timezone.now())
    due_again()

    services.poll_due()

    again = {row.pk: (row.plan_id, row.walked_at) for row in Latest.objects.all()}
    assert all(again[pk][0] == plan and again[pk][1] > at for pk, (plan, at) in walked.items())
    assert "traffic_in_bps" in numbers(Sample.objects.filter(device__name="Switch 1").latest("polled_at"))


def test_a_reading_is_as_of_the_last_poll_although_the_last_walk_was_earlier(school: School) -> None:
    services.poll_due()
    health = school.health("Switch 1")
    due_again()
    services.poll_due()

    latest = Latest.objects.get(pk=health.pk)
    now = services.reading_now(school.health("Switch 1"))

    uptime = planning.current([latest.plan_id])[latest.plan_id].series.names.index("uptime_s")
    sample = Sample.objects.filter(device=health.pk).latest("polled_at")
    assert uptime == 0
    assert now["uptime_s"] == numbers(sample)["uptime_s"] >= health.reading["uptime_s"]
    assert now["neighbours"] == health.reading["neighbours"]
    assert ReadingOut.from_orm(school.health("Switch 1")).reading == now, "the API says no older numbers"


def test_a_walk_that_gives_no_plan_counts_since_the_last_walk_and_outdates_the_old_plan(school: School) -> None:
    services.poll_due()
    now, switch = timezone.now(), school.health("Switch 1")
    before = switch.reading | {"uptime_s": 100, "interfaces": [{"ifIndex": 1, "in_octets": 0}]}
    Health.objects.filter(pk=switch.pk).update(reading=before)
    Latest.objects.filter(pk=switch.pk).update(walked_at=now - timedelta(hours=1), at=now)
    after = before | {"uptime_s": 3700, "interfaces": [{"ifIndex": 1, "in_octets": 3600}]}
    held = claims.take_these([switch.pk])

    storing.store(held.fence, [Measurement(switch.pk, now, after)], Pace(30, 5))

    sample = Sample.objects.filter(device=switch.pk).latest("polled_at")
    assert numbers(sample)["traffic_in_bps"] == pytest.approx(8)
    assert services.reading_now(school.health("Switch 1")) == after


def test_what_a_plan_leaves_out_is_kept_and_judged_as_of_each_walk(school: School) -> None:
    services.poll_due()
    switch, latest = school.health("Switch 1"), Latest.objects.select_related("plan").get(health__device__name="Switch 1")
    plan = planning.current([latest.plan_id])[latest.plan_id].plan
    cells = tuple(cell for cell in plan.cells if not cell.path.startswith(("cpu", "interfaces.in_octets")))
    less = replace(plan, cells=cells, left_out=("cpu_percent", "interfaces.in_octets"))
    begun = timezone.now()
    for minutes, load, octets in ((60, 20, 0), (120, 99, 3600 * 1000), (180, 99, 7200 * 1000), (240, 99, 10800 * 1000)):
        now = begun + timedelta(minutes=minutes)
        said = switch.reading | {
            "uptime_s": minutes * 60,
            "cpu_percent": [load],
            "interfaces": [{"ifIndex": 1, "in_octets": octets}],
        }
        walk = Measurement(switch.pk, now, said, followed=Followed(less, [None] * len(cells)))
        storing.store(claims.take_these([switch.pk]).fence, [walk], Pace(30, 5))
        unsaid.close_unsaid(now=now)
        Health.objects.filter(pk=switch.pk).update(answered_at=now + timedelta(minutes=59))  # polls in between

    first, *later = [numbers(one) for one in Sample.objects.filter(device=switch.pk).order_by("polled_at")[1:]]
    assert (first["cpu_percent"], "traffic_in_bps" in first) == (20, False)
    assert [(one["cpu_percent"], one["traffic_in_bps"], one["traffic_in_bps.1"]) for one in later] == [(99, 8000, 8000)] * 3
    assert Alert.objects.open().filter(device=switch.pk, kind="cpu_percent").exists()


def test_rates_begin_with_the_second_poll(school: School) -> None:
    services.poll_due()
    half_a_minute_passes()
    due_again()
    services.poll_due()
    first, second = Sample.objects.filter(device__name="Switch 1").order_by("polled_at")
    assert "traffic_in_bps" not in numbers(first)
    assert numbers(second)["traffic_in_bps"] >= 0
    assert any(name.startswith("traffic_in_bps.") for name in numbers(second))


def test_who_asks_at_once_again_hears_all_but_rates(school: School) -> None:
    services.poll_due()
    half_a_minute_passes()
    switch = school.health("Switch 1").pk
    for _ in range(2):
        services.poll_now(device_ids=[switch])

    latest = Latest.objects.get(pk=switch)
    _walk, first, second = map(numbers, Sample.objects.filter(device=switch).order_by("polled_at"))
    assert {name.partition(".")[0] for name in first.keys() - second.keys()} == {
        name for name, metric in metrics.known().items() if metric.kind == "counter"
    }
    assert latest.counted_at == Sample.objects.filter(device=switch).order_by("polled_at")[1].polled_at < latest.at
    assert services.reading_now(school.health("Switch 1"))["uptime_s"] == second["uptime_s"]


def test_a_restart_is_followed_by_a_walk_and_gives_no_rate(school: School) -> None:
    for _ in range(2):
        due_again()
        services.poll_due()
    switch = school.health("Switch 1")
    Latest.objects.filter(pk=switch.pk).update(walked_at=timezone.now() - timedelta(hours=1))
    machine = next(one for one in school.world.machines if one.device.key == "eiche-sw-1")
    machine.reboot(0.0)
    due_again()
    services.poll_due()

    latest = Latest.objects.get(pk=switch.pk)
    assert latest.health.walk_due_at <= timezone.now()
    assert "traffic_in_bps" not in numbers(Sample.objects.filter(device=switch.pk).latest("polled_at"))

    due_again()
    services.poll_due()
    assert Latest.objects.get(pk=switch.pk).walked_at > latest.walked_at


def test_a_restart_in_the_middle_of_a_walk_leaves_nothing_of_the_life_before(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = next(one for one in school.world.machines if one.device.key == "eiche-sw-1")
    machine.booted_at -= timedelta(days=3)
    services.poll_due()
    switch = school.health("Switch 1")
    walks = itertools.count()

    class Restarting(Recorder):
        async def walk(self, target: Target, columns: Sequence[str]) -> dict[str, Any]:
            if next(walks) == 4:
                machine.reboot(0.0)
            return await super().walk(target, columns)

    monkeypatch.setattr(wire, "Recorder", Restarting)
    Health.objects.filter(pk=switch.pk).update(walk_due_at=timezone.now())
    services.poll_now(device_ids=[switch.pk])
    monkeypatch.undo()
    half_a_minute_passes()
    services.poll_now(device_ids=[switch.pk])

    walked, polled = Sample.objects.filter(device=switch.pk).order_by("polled_at")[1:]
    assert next(walks) > 8, "asked anew, from the beginning"
    assert numbers(walked)["uptime_s"] < 10
    assert "traffic_in_bps" not in numbers(walked)
    assert 0 <= numbers(polled)["traffic_in_bps"] < 48 * 10**9


def test_a_device_too_slow_for_its_first_walk_is_known_as_far_as_it_was_read(
    school: School, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.world.set_faults([Fault("slow", "eiche-sw-1", 0.1)])
    settings.SNMP_TIMEOUT_S = 5.0
    monkeypatch.setattr(wire, "WALK_BUDGET_S", 1.0)

    services.poll_now(device_ids=[school.health("Switch 1").pk])

    switch = school.health("Switch 1")
    assert (switch.status, switch.reading["kind"]) == ("up", "switch")
    assert "took too long" in switch.reading["problems"][0]
    assert Latest.objects.filter(pk=switch.pk).exists()


def test_one_that_answers_too_slowly_is_not_called_silent() -> None:
    job = Job(1, 1, Target("127.0.0.1", 9, V2cCredential("none")))
    assert wire._unanswered(job, SnmpTooLong("too long")).reason == "too-slow"


def test_a_plan_of_another_version_of_the_profile_is_void(school: School) -> None:
    services.poll_due()
    PollPlan.objects.update(content={**PollPlan.objects.all()[0].content, "digest": "older"})
    planning.forget()
    assert planning.current(PollPlan.objects.values_list("pk", flat=True)) == {}


def test_one_that_no_plan_fits_waits_behind_those_whose_walk_is_due(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "make", lambda *_: Plan("none", "", None, ()))
    services.poll_due()
    switch = school.health("Switch 1")
    assert not Latest.objects.exists()
    assert switch.answered_at == switch.walk_due_at < timezone.now(), "at its next poll it is walked again"


def test_a_third_of_all_datagrams_lost_is_no_outage(school: School, settings: LazySettings) -> None:
    settings.SNMP_TIMEOUT_S = 0.5  # a busy machine's slowness is not to be added to the loss
    services.poll_due()
    school.world.set_faults([Fault("loss", "*", 0.3)])
    for _ in range(6):
        due_again()
        services.poll_due()
    assert not Health.objects.filter(status="down").exists()
    assert Sample.objects.count() > 5 + 0.4 * 30


def test_what_is_hard_to_walk_on_a_bad_line_is_known_all_the_same(school: School) -> None:
    services.poll_due()
    Health.objects.update(walk_due_at=timezone.now())
    school.world.set_faults([Fault("loss", "eiche-sw-1", 0.25)])
    switch = school.health("Switch 1")
    for _ in range(12):
        due_again()
        services.poll_due()
    assert school.health("Switch 1").answered_at > switch.answered_at


def test_one_that_dies_unexpectedly_holds_up_no_other(school: School, settings: LazySettings) -> None:
    """It answered last time, so it is asked among the living."""
    school.poll_until(lambda: Latest.objects.count() == 5 and not Health.objects.filter(failures__gt=0).exists())
    school.kill("ap-102")
    settings.SNMP_TIMEOUT_S = 60.0  # whoever waited for it would have to see it given up first
    stored: list[Measurement] = []

    with Work() as work:
        work.add(claims.take_these(list(Health.objects.values_list("pk", flat=True))))
        while len(stored) < 4:
            stored += work.write_what_came()

    assert school.device("Access Point 102").pk not in {one.device_id for one in stored}


def test_a_walk_that_takes_too_long_leaves_time_for_a_poll(
    school: School, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.poll_due()
    switch, walked = school.health("Switch 1"), Latest.objects.get(pk=school.health("Switch 1").pk)
    Health.objects.filter(pk=switch.pk).update(walk_due_at=timezone.now())
    school.world.set_faults([Fault("slow", "eiche-sw-1", 0.1)])  # every answer is late, and a walk is dozens of them
    settings.SNMP_TIMEOUT_S = 5.0
    monkeypatch.setattr(wire, "WALK_BUDGET_S", 11.0)
    monkeypatch.setattr(wire, "DEVICE_BUDGET_S", 10.0)

    services.poll_now(device_ids=[switch.pk])

    latest = Latest.objects.get(pk=switch.pk)
    assert school.health("Switch 1").answered_at > switch.answered_at
    assert (latest.walked_at, latest.at > walked.at) == (walked.walked_at, True)
    assert latest.health.walk_due_at > timezone.now(), "the walk is tried another time"


def test_a_whole_conversation_ends_within_its_tick() -> None:
    assert wire.WALK_BUDGET_S <= ticks.TICK_S + ticks.DRAIN_S


# A shard and a tick


def test_a_tick_is_claimed_once(school: School) -> None:
    ticks.ensure_shards()
    assert services.run_tick(queue="", number=0, tick=1) == 5
    due_again()
    assert services.run_tick(queue="", number=0, tick=1) == 0  # the same message, delivered again
    assert services.run_tick(queue="", number=0, tick=2) == 5


@pytest.mark.parametrize("walk_due_for_s", [30, 3700])
def test_a_poll_that_is_late_does_without_its_walk_for_an_hour_at_most(school: School, walk_due_for_s: float) -> None:
    services.poll_due()
    walked = Latest.objects.get(health__device__name="Switch 1").walked_at
    now = timezone.now()
    late, walk_due_at = now - timedelta(seconds=30), now - timedelta(seconds=walk_due_for_s)
    Health.objects.update(next_poll_at=late, walk_due_at=walk_due_at)

    assert services.run_tick(queue="", number=0, tick=Shard.objects.get(number=0).tick + 1) == 5

    latest = Latest.objects.get(health__device__name="Switch 1")
    assert latest.at > walked
    assert (latest.walked_at > walked) is (walk_due_for_s > 3600)
    assert (latest.health.walk_due_at == walk_due_at) is (walk_due_for_s < 3600), "walked another time"


def test_a_shard_that_a_worker_is_at_is_left_to_it(school: School, settings: LazySettings) -> None:
    settings.POLL_INTERVAL_S = 3600  # else what is polled now may be due at that later instant
    ticks.ensure_shards()
    Shard.objects.update(claimed_until=timezone.now() + timedelta(seconds=20))
    assert services.run_tick(queue="", number=0, tick=1) == 0
    later = timezone.now() + timedelta(seconds=22)  # that worker has died
    assert services.run_tick(queue="", number=0, tick=1, now=later) == 5


def test_shards_share_the_devices_out(school: School, settings: pytest.FixtureRequest) -> None:
    settings.POLL_SHARDS = 3
    polled = [services.run_tick(queue="", number=shard.number, tick=1) for shard in ticks.ensure_shards()]
    assert sorted(polled) == [1, 2, 2]
    assert Sample.objects.count() == 5


def test_a_site_of_a_group_is_left_to_the_workers_of_its_queue(school: School) -> None:
    group = PollGroup.objects.create(name="Insel", queue="insel")
    GroupedSite.objects.create(site=school.device("Gateway").site, group=group)
    ticks.ensure_shards()

    assert services.run_tick(queue="", number=0, tick=1) == 0
    assert services.run_tick(queue="insel", number=0, tick=1) == 5
    assert asking._by_queue([school.device("Gateway").pk]) == {"insel": [school.device("Gateway").pk]}
    assert asking.queue_name("asking", "insel").endswith(".asking.insel")


def test_how_polling_keeps_up_can_be_read(school: School) -> None:
    now = timezone.now()
    Health.objects.update(next_poll_at=now - timedelta(seconds=40))
    behind = poll_lag(now=now)
    assert (behind.waiting_s, behind.longest_s) == ([40, 40, 40], 40)
    assert (behind.due, behind.overdue, behind.asked) == (5, 5, 0)

    services.poll_due()

    assert poll_lag() == PollLag([], due=0, overdue=0, asked=0)
