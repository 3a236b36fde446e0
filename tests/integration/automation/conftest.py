"""A small school whose devices answer SNMP and SSH for real, people, and playbooks beside the product's."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Approval, Change, Run
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.lab.city import City, LabPorts
from fleet.lab.faults import Fault
from fleet.lab.mib import agents
from fleet.lab.server import ssh_devices
from fleet.lab.services import Surroundings, load_city
from fleet.lab.ssh import uci
from fleet.lab.ssh.keys import Keys, ensure
from fleet.lab.ssh.server import serve
from fleet.lab.world import AccessPoint, Switch, World
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from fleet.snmp.agent import Responder
from tests.conftest import let_changes_happen_at_any_time
from tests.integration.lab_ssh.conftest import free_port
from tests.integration.monitoring.conftest import small_city
from tests.remembered import Remembered

PSK = "gepflanzt-7Kx2-9mQw"
TEXTS = '{de = "Probe", en = "Trial"}'
MANIFEST = """title = {texts}
summary = {texts}
platforms = ["openwrt"]
risk = "low"
check_mode = "{check_mode}"
expected_duration_s = 2
timeout_s = {timeout_s}
max_targets = 10
settles_s = 0
[arguments]
{labels}
[verification]
within_s = {within_s}
[[verification.expect]]
holds = "reachable"
"""


def wait_until(holds: Callable[[], Any], limit_s: float = 30, *, what: str = "") -> float:
    """Seconds until it held; fails after the deadline."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < limit_s, what or "not in time"
        time.sleep(0.02)
    return time.monotonic() - began


@dataclass(frozen=True)
class Wire:
    """The simulated school on loopback."""

    world: World
    snmp: int
    ssh: int
    keys: Keys
    fresh: Path
    """What its devices had before anybody changed them."""
    city: City

    @cached_property
    def load(self) -> Remembered[None]:
        """Writes the school into the database."""
        return Remembered(lambda: load_city(city=self.city, around=Surroundings(LabPorts(self.snmp, self.ssh), self.keys)))


@contextmanager
def on_loopback(city: City, home: Path) -> Iterator[Wire]:
    """Its devices answer SNMP and SSH until the end."""
    world, keys = World(city), ensure(home / "keys", ssh_devices(city))
    world.save(home / "fresh.json")
    loop, ready, stop, port = asyncio.new_event_loop(), threading.Event(), asyncio.Event(), free_port()
    made: list[Wire] = []

    async def run() -> None:
        async with serve(world, port, keys), Responder(agents(world), 0) as responder:
            made.append(Wire(world, responder.port, port, keys, home / "fresh.json", city))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(20)
    yield made[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with on_loopback(small_city(), tmp_path_factory.mktemp("lab")) as made:
        yield made


class School:
    """The product in front of that school: its devices, its people, and what they do."""

    def __init__(self, wire: Wire, playbooks: Path) -> None:
        self.wire = wire
        self.playbooks = playbooks
        self.aps = list(Device.objects.filter(type__platform="openwrt").order_by("name"))
        self.ap = self.aps[0]
        self.switch = Device.objects.get(kind="switch")
        site = self.ap.site
        let_changes_happen_at_any_time(site.authority)
        self.asker = self._person("Alma", Role.TECHNICIAN, site.pk)
        self.approvers = [self._person(name, Role.APPROVER, site.authority_id) for name in ("Franka", "Frieda")]

    @staticmethod
    def _person(name: str, role: Role, scope_id: int) -> User:
        user = User.objects.create_user(f"{name.lower()}@eichstadt.example", name=name)
        people.grant(user=user, role=role, scope_id=scope_id)
        return user

    def machine(self, device: Device) -> AccessPoint:
        found = next(one for one in self.wire.world.machines if one.device.address == device.address)
        assert isinstance(found, AccessPoint)
        return found

    def switch_machine(self) -> Switch:
        found = next(one for one in self.wire.world.machines if one.device.address == self.switch.address)
        assert isinstance(found, Switch)
        return found

    def configured(self) -> tuple[object, ...]:
        """What the devices themselves have, whatever anybody says: sections of access points, lines of the switch."""
        files = [self.machine(ap).files for ap in self.aps]
        parsed = [{path: uci.parse(text) for path, text in one.items() if path.startswith("/etc/config/")} for one in files]
        banners = [one.get("/etc/banner", "") for one in files]
        return parsed, banners, deepcopy(self.switch_machine().running_config)

    def on_air(self, device: Device) -> set[str]:
        """Names of the Wi-Fis that the device itself sends, whatever anybody says."""
        return {name for names in self.machine(device).active_ssids.values() for name in names}

    def break_(self, kind: Any, device: Device) -> None:
        self.wire.world.set_faults([Fault(kind, self.machine(device).device.key)])

    def playbook(
        self,
        slug: str,
        tasks: str,
        *,
        options: str = "{}",
        timeout_s: int = 60,
        check_mode: str = "honest",
        within_s: int = 5,
    ) -> str:
        """Write a playbook folder. `tasks` and `options` are YAML in flow style or indented by the caller."""
        folder = self.playbooks / slug
        (folder / "meta").mkdir(parents=True)
        names = [line.split(":")[0].strip() for line in options.splitlines() if line.strip() and line.strip() != "{}"]
        labels = "\n".join(f"{name} = {{label = {TEXTS}}}" for name in names)
        body = {"texts": TEXTS, "labels": labels, "timeout_s": timeout_s, "check_mode": check_mode, "within_s": within_s}
        (folder / "manifest.toml").write_text(MANIFEST.format(**body))
        indented = "\n".join(f"        {line.strip()}" for line in options.splitlines() if line.strip())
        (folder / "meta" / "argument_specs.yml").write_text(
            f"argument_specs:\n  main:\n    options:\n{indented if names else '        {}'}\n"
        )
        (folder / "playbook.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}\n")
        return slug

    def order(self, playbook: str, devices: list[Device] | None = None, /, **more: Any) -> Change:
        arguments = more.pop("arguments", {})
        wish = services.Order(
            playbook=playbook,
            arguments=arguments,
            device_ids=[device.pk for device in devices or [self.ap]],
            requested_by=more.pop("requested_by", self.asker),
            **more,
        )
        return services.request_change(order=wish)

    def exam(self, ssid: str = "Exam", **more: Any) -> Change:
        return self.order("ssid", arguments={"ssid": ssid, "psk": PSK}, **more)

    def work(self, change: Change) -> Change:
        """What a worker and the tender do until nothing is left to do now, each delivery made twice."""
        for _ in range(10):
            services.tend()
            queued = list(Run.objects.filter(change=change, state=Run.State.QUEUED))
            if not queued:
                break
            for run in queued:
                services.execute(run_id=run.pk)
                services.execute(run_id=run.pk)
        change.refresh_from_db()
        return change

    def approved(self, change: Change) -> Change:
        self.work(change)
        for approver in self.approvers[: change.approvals_needed]:
            services.decide(change=change, approver=approver, decision=Approval.Decision.APPROVED, digest=change.digest)
        return self.work(change)

    def run(self, change: Change, kind: Run.Kind = Run.Kind.APPLY) -> Run:
        return change.runs.filter(kind=kind).latest("attempt")

    def told(self, change: Change) -> list[str]:
        events = Event.objects.filter(subject_id=change.pk, name__startswith="change.").order_by("pk")
        return [event.name.removeprefix("change.") for event in events]


@pytest.fixture
def school(wire: Wire, transactional_db: None, settings: LazySettings, tmp_path: Path) -> Iterator[School]:
    settings.SNMP_TIMEOUT_S = 0.3
    own = Path(settings.PLAYBOOKS_DIR)
    settings.PLAYBOOKS_DIR = tmp_path / "playbooks"
    shutil.copytree(own, settings.PLAYBOOKS_DIR, ignore=shutil.ignore_patterns("__pycache__"))
    wire.load()
    yield School(wire, settings.PLAYBOOKS_DIR)
    wire.world.set_faults([])
    wire.world.load(wire.fresh)  # a radio sends eight names at most; what one test switched on is not the next one's
    assert not private_dirs(), "a private directory was left behind"


def private_dirs() -> list[Path]:
    return list(Path(settings.RUN_DIR).glob("run-*"))


def soon(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)
