"""A power-cycle that is cut off between off and on leaves no port dark, on a switch that is told off and on by itself."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Change, DeviceLock, Run
from fleet.automation.services.mending import for_people
from fleet.devices.models import DeviceType, Interface
from fleet.events.models import Event
from fleet.lab.city import Platform
from fleet.lab.faults import Fault
from fleet.lab.world import Switch
from tests.integration.automation.conftest import School, Wire, on_loopback, soon, wait_until
from tests.integration.automation.workers import alive, start_worker, working
from tests.integration.monitoring.conftest import small_city
from tests.unit.automation.conftest import messages

SETTLED_S = 80
"""After this a lost run is known as lost, and what it was cut off on has settled."""
Aftermath = Run.Aftermath


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """The small school with a switch whose power goes off by one command and on by another."""
    city = small_city()
    sites = (
        replace(site, devices=tuple(replace(one, platform=ios(one.platform)) for one in site.devices)) for site in city.sites
    )
    with on_loopback(replace(city, sites=tuple(sites)), tmp_path_factory.mktemp("lab")) as made:
        yield replace(made, city=city)


def ios(platform: Platform) -> Platform:
    return "ios" if platform == "labswitch" else platform


class Cutting:
    """The school, and the port on which its first access point hangs."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.port = Interface.objects.get(downlinks__device=school.ap).if_index
        DeviceType.objects.filter(platform="labswitch").update(platform="ios")
        for interface in Interface.objects.filter(device=school.switch, if_index__lte=24):
            interface.name = f"Gi1/0/{interface.if_index}"
            interface.save(update_fields=["name"])
        self.machine = next(one for one in school.wire.world.machines if one.device.address == school.switch.address)

    @property
    def powered(self) -> bool:
        assert isinstance(self.machine, Switch)
        return self.machine.running_config.ports[self.port].poe

    def ordered(self) -> Change:
        change = self.school.order("poe-cycle", [self.school.switch], arguments={"port": self.port})
        services.execute(run_id=change.runs.get().pk)
        services.tend()
        return change

    def killed(self) -> Run:
        """The run of a power-cycle whose worker was killed while the port was dark."""
        messages()
        change = self.ordered()
        run = change.runs.get(kind=Run.Kind.APPLY)
        worker = start_worker(self.school.playbooks)
        try:
            wait_until(lambda: not self.powered, 90, what="the port is dark")
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)
            wait_until(lambda: not alive(run), 20)
        finally:
            worker.kill()
            worker.wait(10)
        messages()
        return run

    def mended(self, change: Change, after_s: float = SETTLED_S) -> list[Run]:
        """What the tender does so long later, and what a worker does with it."""
        for _ in range(3):
            services.tend(now=soon(after_s))
            for run in change.runs.filter(kind=Run.Kind.MEND, state=Run.State.QUEUED):
                services.execute(run_id=run.pk)
        return list(change.runs.filter(kind=Run.Kind.MEND))


@pytest.fixture
def cutting(school: School) -> Cutting:
    return Cutting(school)


def test_a_port_that_a_killed_worker_left_dark_has_its_power_again_by_itself(cutting: Cutting) -> None:
    run = cutting.killed()
    assert not cutting.powered, "the playbook was cut off between off and on"

    (mend,) = cutting.mended(run.change)

    run.refresh_from_db()
    assert cutting.powered
    assert (run.state, run.aftermath, mend.state) == (Run.State.LOST, Aftermath.MADE_GOOD, Run.State.SUCCEEDED)
    (power,) = mend.hosts.get().evidence
    assert (power["before"], power["after"], power["verdict"]) == ("off", "on", "confirmed")
    assert Event.objects.get(name="change.made-good").payload["run_id"] == run.pk
    assert not DeviceLock.objects.exists()
    assert len(cutting.mended(run.change, SETTLED_S + 60)) == 1, "once is enough"


def test_a_stop_in_the_middle_leaves_no_port_dark(cutting: Cutting) -> None:
    change = cutting.ordered()
    run = change.runs.get(kind=Run.Kind.APPLY)
    with working(run) as worker:
        wait_until(lambda: not cutting.powered, 60, what="the port is dark")
        services.cancel(change=change, by=cutting.school.asker)
        worker.join(30)
    change.refresh_from_db()
    assert change.state == Change.State.CANCELLED
    assert not cutting.powered
    assert DeviceLock.objects.filter(run=run).exists(), "nobody else has the switch before it has settled"

    assert cutting.mended(change)

    run.refresh_from_db()
    assert (cutting.powered, run.aftermath) == (True, Aftermath.MADE_GOOD)


def test_a_switch_that_does_not_answer_is_left_to_people_and_stays_to_be_seen(cutting: Cutting) -> None:
    run = cutting.killed()
    cutting.school.wire.world.set_faults([Fault("dead", cutting.machine.device.key)])

    for later_s in (SETTLED_S, SETTLED_S + 300, SETTLED_S + 900, SETTLED_S + 1800):
        tries = cutting.mended(run.change, later_s)

    run.refresh_from_db()
    assert (len(tries), run.aftermath) == (3, Aftermath.FOR_PEOPLE)
    told = Event.objects.get(name="change.not-made-good")
    assert (told.payload["run_id"], told.payload["device_ids"]) == (run.pk, [cutting.school.switch.pk])
    assert not DeviceLock.objects.exists()
    asker = cutting.school.asker
    assert [row.run for row in for_people(asker, timezone.now())] == [run]
    cutting.school.wire.world.set_faults([])

    again = cutting.school.work(cutting.school.order("poe-on", [cutting.school.switch], arguments={"port": cutting.port}))

    assert (again.state, cutting.powered) == (Change.State.CONFIRMED, True)
    assert for_people(asker, timezone.now()) == []


@pytest.mark.parametrize(("before", "tries"), [("off", 0), ("on", 1), (None, 1)])
def test_what_people_had_switched_off_stays_off(cutting: Cutting, before: str | None, tries: int) -> None:
    change, now = cutting.ordered(), timezone.now() - timedelta(minutes=5)
    run = change.runs.get(kind=Run.Kind.APPLY)
    Run.objects.filter(pk=run.pk).update(state=Run.State.LOST, started_at=now, finished_at=now)
    Change.objects.filter(pk=change.pk).update(state=Change.State.LOST)
    reading = f"poe[ifIndex={cutting.port}].admin"
    evidence = {"device_id": cutting.school.switch.pk, "reading": reading, "holds": "equals", "before": before}
    run.hosts.update(state="unknown", verdict="unknown", evidence=[evidence | {"after": None, "verdict": "unknown"}])

    services.tend()

    assert change.runs.filter(kind=Run.Kind.MEND).count() == tries
    run.refresh_from_db()
    assert run.aftermath == ("" if tries else Aftermath.AS_BEFORE)
