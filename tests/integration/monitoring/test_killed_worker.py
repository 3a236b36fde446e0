"""A poll worker killed in the middle of its work: real processes, a real database file, kill -9."""

import signal

from fleet.lab.faults import Fault
from fleet.lab.world import World
from tests.integration.monitoring.conftest import Machine, small_city

POLL = "from fleet.monitoring import services; services.poll_due()"
DEVICES = len(small_city().devices)
CLAIMED = "SELECT count(*) FROM monitoring_health WHERE claim IS NOT NULL"
SAMPLES = "SELECT count(*) FROM monitoring_sample"


def test_two_workers_at_once_poll_each_device_once(machine: Machine, answering: tuple[World, int]) -> None:
    answering[0].set_faults([Fault("slow", "*", 0.2)])
    workers = [machine.start("shell", "-v0", "-c", POLL) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    per_device = machine.read("SELECT device_id, count(*) FROM monitoring_sample GROUP BY device_id")
    assert [count for _device, count in per_device] == [1] * DEVICES


def test_what_a_killed_worker_held_is_polled_by_the_next_once_its_claim_has_run_out(
    machine: Machine, answering: tuple[World, int]
) -> None:
    world, _port = answering
    world.set_faults([Fault("slow", "*", 1.0)])
    worker = machine.start("shell", "-v0", "-c", POLL)
    machine.wait_for(CLAIMED, lambda count: count == DEVICES)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    world.set_faults([])

    machine.run("shell", "-v0", "-c", POLL)
    assert machine.read(SAMPLES) == [(0,)]  # still the dead worker's

    later = POLL.replace("poll_due()", "poll_due(now=timezone.now() + timedelta(minutes=1))")
    machine.run("shell", "-v0", "-c", f"from datetime import timedelta; from django.utils import timezone; {later}")
    assert machine.read(SAMPLES) == [(DEVICES,)]
    assert machine.read(CLAIMED) == [(0,)]
