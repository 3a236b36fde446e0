"""Many queued runs over the same devices, workers killed at random, every message delivered again and again.

Small here. The big one: `REDELIVERED_RUNS=500 REDELIVERED_KILLS=60 pytest tests/integration/automation/test_redelivery.py`.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest
from django.conf import LazySettings
from django.db.models import QuerySet

from fleet.automation import services
from fleet.automation.models import Change, DeviceLock, HostResult, Run
from fleet.automation.services.telling import send
from fleet.devices.models import Device
from tests.integration.automation.conftest import School
from tests.integration.automation.workers import start_worker
from tests.unit.automation.conftest import messages

RUNS = int(os.environ.get("REDELIVERED_RUNS", "4"))
KILLS = int(os.environ.get("REDELIVERED_KILLS", "1"))
AGAIN = 4
"""Messages delivered again in each round: fewer than workers can read, or what is new would wait behind them for long."""
BUSY = 2
"""Workers at once."""
ENDS = {Run.State.SUCCEEDED, Run.State.FAILED, Run.State.LOST}
WRITES = "    - raw: 'echo {{ mark }} >> /tmp/marks; sleep 1'\n    - raw: 'echo {{ mark }} >> /tmp/seconds'"


def marks(school: School, device: Device, path: str) -> Counter[str]:
    return Counter(str(school.machine(device).files.get(path, "")).split())


@pytest.mark.timeout(180 + RUNS * 20)
def test_no_device_is_changed_by_two_attempts_and_every_run_ends_in_truth(
    school: School, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUN_LEASE_S = 6
    monkeypatch.setenv("RUN_LEASE_S", "6")
    messages()
    chance = random.Random(4)  # noqa: S311  (when to kill)
    slug = school.playbook("write", WRITES, options="mark: {type: str}", check_mode="none")
    changes = [
        school.order(slug, chance.choice([school.aps, school.aps[:1], school.aps[1:]]), arguments={"mark": f"m{number}"})
        for number in range(RUNS)
    ]
    for change in changes:
        services.execute(run_id=change.runs.get().pk)
    services.tend()
    workers = [start_worker(school.playbooks) for _ in range(BUSY)]
    kills, kill_after = 0, chance.randrange(RUNS // KILLS)
    deadline = time.monotonic() + 60 + RUNS * 15
    try:
        while _open(changes).exists():
            assert time.monotonic() < deadline, list(_open(changes).values("pk", "state", "runs__state", "runs__waits_for"))
            services.tend()
            for run in Run.objects.filter(kind=Run.Kind.APPLY).order_by("?")[:AGAIN]:
                send(run.pk)  # a broker that delivers again what was acknowledged long ago
            over = RUNS - _open(changes).count()
            if kills < KILLS and over >= kill_after and (victim := _at_work(workers)):
                time.sleep(chance.uniform(0, 3))
                _kill(victim)
                workers[workers.index(victim)] = start_worker(school.playbooks)
                kills, kill_after = kills + 1, over + chance.randrange(1, 1 + RUNS // KILLS)
            time.sleep(0.5)
    finally:
        for worker in workers:
            _kill(worker)
    messages()
    _judge(school, changes)


def _open(changes: list[Change]) -> QuerySet[Change]:
    return Change.objects.filter(pk__in=[one.pk for one in changes], state__in=["approved", "running", "verifying"])


def _at_work(workers: "list[subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes] | None":
    """A worker that carries a run out now."""
    running = Run.objects.filter(kind=Run.Kind.APPLY, state=Run.State.RUNNING).values_list("worker", flat=True)
    busy = {int(name.rpartition(":")[2]) for name in running}
    return next((worker for worker in workers if worker.pid in busy), None)


def _kill(worker: "subprocess.Popen[bytes]") -> None:
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)


def _judge(school: School, changes: list[Change]) -> None:
    runs = list(Run.objects.filter(kind=Run.Kind.APPLY).select_related("change"))
    assert {run.attempt for run in runs} == {1}, "no run was repeated by itself"
    assert {run.state for run in runs} <= ENDS
    assert not DeviceLock.objects.exists()
    first = {device.pk: marks(school, device, "/tmp/marks") for device in school.aps}  # noqa: S108
    second = {device.pk: marks(school, device, "/tmp/seconds") for device in school.aps}  # noqa: S108
    assert {count for counter in [*first.values(), *second.values()] for count in counter.values()} <= {1}
    for run in runs:
        mark = run.change.arguments["mark"]
        for row in run.hosts.all():
            done = (first[row.device_id][mark], second[row.device_id][mark])
            assert row.state != HostResult.State.PENDING
            if row.state == HostResult.State.CHANGED:
                assert done == (1, 1)
            elif row.state == HostResult.State.NOT_STARTED:
                assert done == (0, 0)
    states = Counter(run.state for run in runs)
    assert states[Run.State.LOST] >= min(KILLS, 1), states
    print(states)  # noqa: T201
