"""Rollouts in bad weather: killed workers, hosts that are away or go away, a database that is gone for a while."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection, connections
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Change, DeviceLock, HostResult, LogLine, Run, Target
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services.claiming import claim
from fleet.automation.services.recording import Recorder
from fleet.automation.services.running import End, _finish
from fleet.automation.services.tending import look_after_loss
from fleet.automation.services.verifying import verify
from fleet.devices.models import Device
from fleet.lab.faults import Fault
from tests.integration.automation.conftest import soon, wait_until
from tests.integration.automation.test_rollouts import RINGS, Two, city, city_wire
from tests.integration.automation.workers import alive, start_worker, working
from tests.unit.automation.conftest import messages

__all__ = ["city", "city_wire"]

AWAY_S = float(os.environ.get("DATABASE_AWAY_S", "6"))
COUNTS = "    - raw: 'echo x >> /tmp/count; sleep {seconds}'"
LOCAL_SLEEP = """
    - ansible.builtin.command: sleep 4
      delegate_to: localhost
      connection: local
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""


def counted(city: Two, device: Device) -> int:
    """How often the device was changed, as it says itself."""
    return str(city.machine(device).files.get("/tmp/count", "")).count("x")  # noqa: S108  (a path on the device)


@pytest.fixture(autouse=True)
def _clean_devices(city: Two) -> None:
    for device in city.aps:
        city.machine(device).files.pop("/tmp/count", None)  # noqa: S108


def begun(city: Two, playbook: str, strategy: Strategy = RINGS) -> Change:
    """Asked for, looked at, and its first step queued. It needs no approval."""
    change = city.order(playbook, city.aps, strategy=strategy)
    services.execute(run_id=change.runs.get().pk)
    services.tend()
    change.refresh_from_db()
    return change


def test_a_worker_killed_in_the_pilot_ring_leaves_the_truth_and_nothing_is_done_twice(city: Two) -> None:
    messages()
    change = begun(city, city.playbook("count", COUNTS.format(seconds=5), check_mode="none"))
    run = change.runs.get(kind=Run.Kind.APPLY)
    pilot = run.hosts.get().device
    messages()  # the broker has lost them all
    worker = start_worker(city.playbooks)
    try:
        services.tend(now=soon(60))  # sent again
        wait_until(lambda: counted(city, pilot), 90, what="the first task")
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        wait_until(lambda: not alive(run), 20)
    finally:
        worker.kill()
        worker.wait(10)
    services.tend(now=soon(60))
    change.refresh_from_db()
    run.refresh_from_db()
    assert (run.state, change.state) == (Run.State.LOST, Change.State.LOST)
    assert city.states(change) == ["unknown", *["waiting"] * 5]
    assert not DeviceLock.objects.exists()
    assert city.step(change) is None, "a lost run is not repeated, and nothing goes beyond it"
    look_after_loss(run_id=run.pk)
    assert sum(counted(city, device) for device in city.aps) == 1

    services.retry_failed(change=change, by=city.asker)
    city.step(change)
    assert (change.state, city.states(change)) == (Change.State.RUNNING, ["confirmed", *["waiting"] * 5])
    assert [counted(city, device) for device in city.aps if device != pilot] == [0] * 5


def test_half_away_and_one_that_drops_afterwards_halt_and_exactly_the_undone_are_tried_again(city: Two) -> None:
    change = begun(city, city.playbook("count", COUNTS.format(seconds=0) + LOCAL_SLEEP, check_mode="none"))
    pilot = change.targets.get(ring__number=1).device
    with working(change.runs.get(kind=Run.Kind.APPLY)) as worker:
        wait_until(lambda: counted(city, pilot), 60)
        time.sleep(1)
        city.break_("dead", pilot)
        worker.join(60)
    change.refresh_from_db()
    assert change.state == Change.State.HALTED
    assert change.rings.get(number=1).reason == "canary"
    assert city.states(change)[0] in {"unknown", "refuted"}
    assert sum(counted(city, device) for device in city.aps) == 1

    city.wire.world.set_faults([])
    change.targets.filter(device=pilot).update(state=Target.State.CONFIRMED)
    away = list(Device.objects.filter(change_targets__change=change, change_targets__ring__number=2))
    others = [device for device in city.aps if device not in [pilot, *away]]
    city.wire.world.set_faults([Fault("dead", city.machine(device).device.key) for device in away])
    Change.objects.filter(pk=change.pk).update(state=Change.State.RUNNING)
    while city.step(change):
        pass
    assert (change.state, change.rings.get(number=2).reason) == (Change.State.HALTED, "threshold")
    assert not LogLine.objects.filter(run__change=change, host__in=[device.name for device in away]).exists()
    gone = HostResult.objects.filter(run__change=change, run__kind=Run.Kind.APPLY, device__in=away)
    assert set(gone.values_list("state", flat=True)) == {"offline"}
    assert sum(counted(city, device) for device in others) == 0

    states = dict(zip([pilot, *away, *others], ["refuted", "failed", "unreachable", "unknown", "confirmed"], strict=False))
    for device, state in states.items():
        change.targets.filter(device=device).update(state=state)
    expected = {device.pk for device, state in states.items() if state in {"failed", "unreachable", "unknown"}}
    left = set(change.targets.filter(state=Target.State.WAITING).values_list("device", flat=True))
    services.retry_failed(change=change, by=city.asker)
    waiting = set(change.targets.filter(state=Target.State.WAITING).values_list("device", flat=True))
    assert waiting - left == expected


@contextmanager
def database_away(seconds: float) -> Iterator[None]:
    """SQLite: somebody else holds it locked. PostgreSQL: every connection is broken as soon as it is made."""
    over, ready = threading.Event(), threading.Event()
    values = connection.settings_dict
    mine = connection.connection.info.backend_pid if connection.vendor == "postgresql" else 0

    def lock() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            ready.set()
            over.wait(seconds)
            cursor.execute("ROLLBACK")
        connections.close_all()

    def sever() -> None:
        parts = {"host": values["HOST"], "port": values["PORT"] or 5432, "user": values["USER"], "dbname": "postgres"}
        with psycopg.connect(**parts, autocommit=True) as own:
            ready.set()
            began = time.monotonic()
            while time.monotonic() - began < seconds and not over.wait(0.05):
                own.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                    [values["NAME"], mine],
                )

    thread = threading.Thread(target=sever if connection.vendor == "postgresql" else lock)
    thread.start()
    assert ready.wait(30)
    try:
        yield
        thread.join()
    finally:
        over.set()
        thread.join()


def test_a_database_that_is_away_for_a_while_costs_no_run_and_no_event(city: Two, settings: LazySettings) -> None:
    settings.RUN_LEASE_S = 60
    city.playbook("count", COUNTS.format(seconds=3), check_mode="none")
    change = begun(city, "count", Strategy(rings=()))
    run = change.runs.get(kind=Run.Kind.APPLY)
    with working(run) as worker:
        wait_until(lambda: any(counted(city, device) for device in city.aps), 60)
        with database_away(AWAY_S):
            pass
        worker.join(60)
    _measured_by_another_worker_if_need_be(run)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    sequence = list(run.log_lines.order_by("sequence").values_list("sequence", flat=True))
    assert len(sequence) == len(set(sequence))
    assert run.log_lines.filter(event="playbook_on_stats").count() == 1
    assert run.log_lines.filter(event="runner_on_ok").count() == run.hosts.count()
    assert {counted(city, row.device) for row in run.hosts.select_related("device")} == {1}
    change.refresh_from_db()
    assert set(change.targets.filter(step=1).values_list("state", flat=True)) == {"confirmed"}


def _measured_by_another_worker_if_need_be(run: Run) -> None:
    """Where the database went away while the run was being measured, its lease ends, and another measures anew."""
    left = Run.objects.filter(pk=run.pk, lease_until__isnull=False).exclude(state=Run.State.RUNNING)
    if left.update(lease_until=timezone.now() - timedelta(seconds=1)):
        services.verify(run_id=run.pk)


def test_what_people_wish_while_a_step_ends_by_itself_is_heeded(city: Two) -> None:
    city.playbook("count", COUNTS.format(seconds=0), check_mode="none")
    change = begun(city, "count")
    _end_by_itself(change, services.cancel, city)
    assert (change.state, city.states(change)) == (Change.State.CANCELLED, ["confirmed", *["skipped"] * 5])

    change = city.rollout(Strategy(rings=(), max_per_step=100, spread="none"))
    _end_by_itself(change, services.roll_back, city)
    assert change.state == Change.State.ROLLING_BACK, "although it was the last step"
    assert change.runs.filter(kind=Run.Kind.REVERT, state=Run.State.QUEUED).count() == 1


def _end_by_itself(change: Change, wish: Callable[..., object], city: Two) -> None:
    """Its child has done all in the very moment in which somebody wishes for something else."""
    services.tend()
    run = claim(change.runs.get(state=Run.State.QUEUED).pk)
    assert run is not None
    wish(change=change, by=city.asker)
    assert _finish(run, End(Run.State.SUCCEEDED, played=False), Recorder(run))
    verify(run_id=run.pk, token=run.token)
    change.refresh_from_db()
