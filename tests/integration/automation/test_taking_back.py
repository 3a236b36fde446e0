"""Taking back by itself, in bad weather: the last step goes wrong, devices are not reached, workers are killed at it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.automation import services
from fleet.automation.catalogue import SWITCH_SETTLES_S
from fleet.automation.models import BoxEnd, Change, DeviceLock, HostResult, LogLine, Run
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services.claiming import claim
from fleet.automation.services.rollouts.taking_back import left_over
from fleet.automation.services.tending import look_after_loss
from fleet.events.models import Event
from fleet.lab.faults import Fault
from fleet.monitoring.models import Health
from fleet.monitoring.services import poll_now
from tests.integration.automation.conftest import soon, wait_until
from tests.integration.automation.test_boxes import over
from tests.integration.automation.test_rollouts import Two, city, city_wire
from tests.integration.automation.workers import alive, start_worker, working
from tests.unit.automation.conftest import messages

__all__ = ["city", "city_wire"]

AT_ONCE = Strategy(rings=(), spread="none", rollback_on_halt=True)
PILOT_AND_REST = Strategy(rings=("pilot",), spread="none")
LONG = "/tmp/long"  # noqa: S108  (a path on the device)
SLEEPS = f"\n    - name: Take long\n      ansible.builtin.raw: touch {LONG}; sleep 60\n"


def confirmed(city: Two, strategy: Strategy = PILOT_AND_REST) -> Change:
    change = city.rollout(strategy)
    while city.step(change):
        pass
    assert change.state == Change.State.CONFIRMED, told(change)
    return change


def rolled_back(city: Two, change: Change) -> None:
    """Somebody asks for it, and a colleague agrees."""
    services.roll_back(change=change, by=city.asker)
    for proposal in change.proposals.filter(over_at__isnull=True):
        services.agree_to(proposal=proposal, by=city.approvers[0])


def on_air(city: Two) -> list[str]:
    return [device.name for device in city.aps if "Neu" in city.on_air(device)]


def told(change: Change) -> str:
    """What each run that was not all well says of its devices."""
    rows = HostResult.objects.filter(run__change=change).exclude(run__kind=Run.Kind.PREVIEW).exclude(verdict="confirmed")
    runs = Run.objects.filter(change=change).exclude(state=Run.State.SUCCEEDED)
    said = rows.values_list("run", "device__name", "state", "problem", "message", "verdict")
    return "\n".join(map(str, [*runs.values_list("pk", "state", "problem", "error"), *said]))


@contextmanager
def slow(city: Two) -> Iterator[None]:
    """The playbook goes on for long when its device is changed."""
    source = city.playbooks / "ssid" / "playbook.yml"
    was = source.read_text()
    source.write_text(was + SLEEPS)
    yield
    source.write_text(was)


def killed(city: Two, change: Change, kind: Run.Kind) -> Run:
    """The change's next run, whose worker is killed when its devices are changed and its playbook still goes on."""
    for device in city.aps:
        city.machine(device).files.pop(LONG, None)
    messages()
    services.tend(now=soon(20))
    worker = start_worker(city.playbooks)
    try:
        services.tend(now=soon(40))  # sent again
        run = change.runs.get(kind=kind, state__in=[Run.State.QUEUED, Run.State.RUNNING])
        machines = [city.machine(row.device) for row in run.hosts.select_related("device")]
        wait_until(lambda: all(LONG in one.files for one in machines), 90, what="the devices are changed")
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        wait_until(lambda: not alive(run), 20)
    finally:
        worker.kill()
        worker.wait(10)
    messages()
    services.tend(now=soon(60))
    change.refresh_from_db()
    run.refresh_from_db()
    assert run.state == Run.State.LOST
    settled()
    return run


def settled() -> None:
    """What a run was cut off on writes no more by itself, and is free."""
    services.tend(now=soon(SWITCH_SETTLES_S + 1))


@pytest.mark.parametrize("strategy", [AT_ONCE, Strategy(rings=("pilot",), spread="none", rollback_on_halt=True)])
def test_what_goes_wrong_in_the_last_step_is_taken_back_by_itself(city: Two, strategy: Strategy) -> None:
    change = city.rollout(strategy)
    last = change.targets.filter(ring=change.rings.last()).select_related("device")
    keys = [city.machine(target.device).device.key for target in last]
    city.wire.world.set_faults([Fault("config-does-not-take", key) for key in keys])

    while city.step(change):
        pass

    assert change.state == Change.State.ROLLED_BACK
    assert not on_air(city)
    assert set(city.states(change)) == {"rolled-back"}
    assert city.told(change)[-3:] == ["refuted", "rolling-back", "rolled-back"]
    assert change.rings.last().state == "halted"


def test_without_the_option_it_stays_for_a_person(city: Two) -> None:
    change = city.rollout(Strategy(rings=(), spread="none"))
    city.wire.world.set_faults([Fault("config-does-not-take", "*")])

    while city.step(change):
        pass

    assert (change.state, set(city.states(change))) == (Change.State.REFUTED, {"refuted"})


def test_a_lost_step_that_left_harm_is_taken_back_by_itself_once_it_was_looked_at(city: Two) -> None:
    with slow(city):
        change = city.rollout(AT_ONCE)
        run = killed(city, change, Run.Kind.APPLY)
    assert change.state == Change.State.LOST
    city.wire.world.set_faults([Fault("dead", city.machine(city.aps[0]).device.key)])

    look_after_loss(run_id=run.pk)

    change.refresh_from_db()
    assert change.state == Change.State.ROLLING_BACK
    city.wire.world.set_faults([])
    while city.step(change):
        pass
    assert (change.state, on_air(city)) == (Change.State.ROLLED_BACK, []), told(change)


def test_a_wish_to_roll_back_outlives_the_worker_of_the_step(city: Two) -> None:
    change = city.rollout(PILOT_AND_REST)
    services.tend()
    run = claim(change.runs.get(kind=Run.Kind.APPLY).pk)
    assert run is not None
    LogLine.objects.create(run=run, sequence=1, event="runner_on_ok", device=run.hosts.get().device)
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    rolled_back(city, change)
    services.tend()
    settled()
    change.refresh_from_db()
    assert (change.state, change.wish) == (Change.State.LOST, Change.Wish.ROLL_BACK)

    look_after_loss(run_id=run.pk)
    while city.step(change):
        pass

    assert (change.state, change.wish, on_air(city)) == (Change.State.ROLLED_BACK, "", [])


def test_a_worker_killed_while_rolling_back_costs_no_other_ring_its_way_back(city: Two) -> None:
    change = confirmed(city)
    rolled_back(city, change)
    with slow(city):
        run = killed(city, change, Run.Kind.REVERT)
    assert change.state == Change.State.ROLLING_BACK, "what it has left behind is looked at first"
    assert run.ring is not None
    assert run.ring.number == 2

    while city.step(change):
        pass
    assert change.state == Change.State.ROLLING_BACK, "the pilot is done, the lost step not looked at"
    look_after_loss(run_id=run.pk)
    services.tend()

    change.refresh_from_db()
    assert (change.state, on_air(city), set(city.states(change))) == (Change.State.ROLLED_BACK, [], {"rolled-back"})
    assert not DeviceLock.objects.exists()


def test_of_a_lost_way_back_only_its_own_devices_need_a_person(city: Two) -> None:
    change = confirmed(city)
    rolled_back(city, change)
    services.tend()
    run = change.runs.get(kind=Run.Kind.REVERT)
    Run.objects.filter(pk=run.pk).update(
        state="running", started_at=timezone.now(), lease_until=timezone.now() - timedelta(hours=1)
    )

    services.tend()
    settled()
    look_after_loss(run_id=run.pk)
    while city.step(change):
        pass

    assert change.state == Change.State.FAILED
    pilot = change.targets.get(ring__number=1).device
    assert sorted(on_air(city)) == sorted(device.name for device in city.aps if device != pilot)
    assert city.told(change)[-1] == "revert-failed"
    rolled_back(city, change)
    while city.step(change):
        pass
    assert (change.state, on_air(city)) == (Change.State.ROLLED_BACK, [])


def test_a_worker_killed_at_the_end_of_a_box_is_settled_by_what_is_measured(city: Two) -> None:
    change = confirmed(city)
    now = timezone.now()
    Change.objects.filter(pk=change.pk).update(
        starts_at=now - timedelta(hours=1), ends_at=now - timedelta(seconds=1), box="pending"
    )
    with slow(city):
        run = killed(city, change, Run.Kind.REVERT)
    assert (change.box, run.hosts.filter(verdict="").count()) == (Change.Box.REVERTING, run.hosts.count())

    look_after_loss(run_id=run.pk)
    look_after_loss(run_id=run.pk)
    while city.step(change):
        pass

    assert (change.box, on_air(city)) == (Change.Box.REVERTED, [])
    assert set(BoxEnd.objects.filter(change=change).values_list("state", flat=True)) == {"reverted"}
    assert "revert-failed" not in city.told(change)


def stands_still(change: Change, state: Change.State) -> None:
    """Its rollout does, and its time is over."""
    now = timezone.now()
    Change.objects.filter(pk=change.pk).update(
        state=state, box="pending", starts_at=now - timedelta(hours=1), ends_at=now - timedelta(seconds=1)
    )


@pytest.mark.parametrize("state", [Change.State.HALTED, Change.State.PAUSED])
def test_stopping_what_stands_still_does_not_stop_its_time_box_from_ending(city: Two, state: Change.State) -> None:
    change = confirmed(city)
    stands_still(change, state)
    source = city.playbooks / "ssid" / "playbook.yml"
    was = source.read_text()
    source.write_text(was + SLEEPS.replace("sleep 60", "sleep 5"))
    for device in city.aps:
        city.machine(device).files.pop(LONG, None)
    services.tend()
    run = change.runs.get(kind=Run.Kind.REVERT, state=Run.State.QUEUED)
    machines = [city.machine(row.device) for row in run.hosts.select_related("device")]
    with working(run) as worker:
        wait_until(lambda: all(LONG in one.files for one in machines), 60)
        services.cancel(change=change, by=city.asker)
        worker.join(60)
    source.write_text(was)
    run.refresh_from_db()
    change.refresh_from_db()
    assert (run.state, change.state, change.box) == (Run.State.SUCCEEDED, Change.State.CANCELLED, Change.Box.PENDING)

    while city.step(change):
        pass

    assert (change.state, change.box, on_air(city)) == (Change.State.CANCELLED, Change.Box.REVERTED, []), told(change)


def test_stopping_what_stands_still_leaves_the_end_of_its_time_box_queued(city: Two) -> None:
    change = confirmed(city)
    stands_still(change, Change.State.HALTED)
    services.tend()

    services.cancel(change=change, by=city.asker)

    assert change.runs.filter(kind=Run.Kind.REVERT, state=Run.State.QUEUED).exists()


def test_a_device_that_ansible_does_not_get_into_has_another_turn(city: Two) -> None:
    change = confirmed(city)
    Change.objects.filter(pk=change.pk).update(ends_at=soon(7200), box="pending")
    locked = city.aps[0]
    port, closed = locked.ssh_port, 9
    locked.ssh_port = closed
    locked.save(update_fields=["ssh_port"])

    rolled_back(city, change)
    while city.step(change):
        pass

    assert (change.state, change.box, on_air(city)) == (Change.State.ROLLING_BACK, Change.Box.PENDING, [locked.name])
    assert city.told(change).count("revert-waits") == 1
    row = HostResult.objects.get(run__kind=Run.Kind.REVERT, device=locked)
    assert row.state == HostResult.State.UNREACHABLE
    poll_now(device_ids=[locked.pk])
    assert city.step(change) is None, "SNMP has answered all the time: its next turn is when the pause is over"

    locked.ssh_port = port
    locked.save(update_fields=["ssh_port"])
    Run.objects.filter(pk=row.run_id).update(finished_at=timezone.now() - timedelta(hours=1))
    while city.step(change):
        pass
    assert (change.state, change.box, on_air(city)) == (Change.State.ROLLED_BACK, Change.Box.REVERTED, [])


def test_a_device_that_only_snmp_gets_no_answer_from_is_taken_back_at_the_end(city: Two) -> None:
    """Somebody has changed its community by hand: the exam's Wi-Fi ends all the same, and a person is told."""
    change = confirmed(city)
    deaf = city.aps[0]
    city.break_("wrong-community", deaf)
    poll_now(device_ids=[deaf.pk])
    Health.objects.filter(device=deaf).update(status="down")

    Change.objects.filter(pk=change.pk).update(ends_at=soon(60), box="pending")
    over(city, change)

    assert "Neu" not in city.on_air(deaf)
    assert (change.box, on_air(city)) == (Change.Box.FAILED, []), "nobody knows for certain without measuring"
    assert Health.objects.get(device=deaf).status == "down"


def test_who_is_never_reached_is_left_to_people_after_the_declared_time(city: Two) -> None:
    change = confirmed(city)
    last = city.aps[-1]
    city.wire.world.set_faults([Fault("dead", city.machine(last).device.key)])
    rolled_back(city, change)
    while city.step(change):
        pass
    assert change.state == Change.State.ROLLING_BACK, "it may come back"

    waited(change, hours=71)
    assert change.state == Change.State.ROLLING_BACK
    waited(change, hours=73)

    assert change.state == Change.State.FAILED
    event = Event.objects.filter(subject_id=change.pk, name="change.revert-failed").get()
    said = {name: event.payload[name] for name in ("not_reached", "names", "taken_back", "waited_h")}
    assert said == {"not_reached": [last.pk], "names": [last.name], "taken_back": 5, "waited_h": 72}
    assert [target.device for target in left_over(change)] == [last]
    assert not DeviceLock.objects.exists()
    assert not change.runs.filter(state__in=Run.LIVE).exists()

    city.wire.world.set_faults([])
    rolled_back(city, change)
    while city.step(change):
        pass
    assert (change.state, on_air(city)) == (Change.State.ROLLED_BACK, []), "people have it taken back when it is there again"


@pytest.mark.parametrize("again", [services.check_and_retry, services.retry_failed])
def test_what_a_rolling_back_has_left_is_taken_back_when_tried_again(city: Two, again: Callable[..., Change]) -> None:
    change = confirmed(city, Strategy(rings=(), spread="none"))
    away = city.aps[0]
    city.break_("dead", away)
    rolled_back(city, change)
    while city.step(change):
        pass
    waited(change, hours=73)
    assert (change.state, [target.device for target in left_over(change)]) == (Change.State.FAILED, [away])
    city.wire.world.set_faults([])

    again(change=change, by=city.asker)
    while city.step(change):
        pass

    assert (change.state, on_air(city), set(city.states(change))) == (Change.State.ROLLED_BACK, [], {"rolled-back"})
    assert city.told(change)[-4:] == ["revert-failed", "rolling-back", "retried", "rolled-back"]


def test_after_a_standstill_it_is_tried_once_more_before_it_is_given_up(city: Two) -> None:
    change = confirmed(city)
    city.wire.world.set_faults([Fault("dead", city.machine(city.aps[-1]).device.key)])
    rolled_back(city, change)
    while city.step(change):
        pass
    long_ago = timezone.now() - timedelta(hours=70)
    change.runs.filter(kind=Run.Kind.REVERT).update(finished_at=long_ago)

    waited(change, hours=73)

    assert change.state == Change.State.ROLLING_BACK
    assert change.runs.filter(kind=Run.Kind.REVERT, state=Run.State.QUEUED).exists()
    while city.step(change):
        pass
    assert change.state == Change.State.FAILED


def waited(change: Change, *, hours: int) -> None:
    """So long ago its rolling back began."""
    Change.objects.filter(pk=change.pk).update(taking_back_since=timezone.now() - timedelta(hours=hours))
    services.tend()
    change.refresh_from_db()
