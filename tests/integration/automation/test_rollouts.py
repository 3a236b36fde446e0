"""Rings over real devices: two schools with three access points each, one that takes nothing, one that is away."""

import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Approval, Change, DeviceLock, HostResult, LogLine, Run, Target
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services import boxes, holding
from fleet.automation.services.claiming import claim
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.rollouts.advancing import advance
from fleet.devices.models import Device
from fleet.lab.city import City, LabPorts
from fleet.lab.city.build import SitePlan
from fleet.lab.city.build import wire as wired
from fleet.lab.city.model import Building, Room
from fleet.lab.services import Surroundings, load_city
from fleet.monitoring.services import poll_now
from fleet.people.rules import Role
from tests.conftest import login
from tests.integration.automation.conftest import PSK, School, Wire, on_loopback

RINGS = Strategy(rings=("pilot", "site", "rest"))


def two_schools() -> City:
    """Three access points a school, each in a room of its own."""

    def plan(key: str, number: int, name: str) -> SitePlan:
        rooms = tuple(Room(f"{key}-{n.lower()}", n, f"Raum {n}", 1) for n in ("101", "102", "103", "T01"))
        building = Building(f"{key}-haus", "Haus", "Weg 1", rooms)
        taught = ("101", "102", "103")
        return SitePlan(
            key, number, name, "school", (building,), ap_rooms=(taught,), switch_rooms=("T01",), printer_rooms=()
        )

    return City(
        "eichstadt",
        "Eichstadt",
        (wired(plan("eiche", 77, "Schule an der Eiche")), wired(plan("linde", 78, "Schule an der Linde"))),
        (),
    )


@pytest.fixture(scope="module")
def city_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with on_loopback(two_schools(), tmp_path_factory.mktemp("lab")) as made:
        yield made


class Two(School):
    """Both schools, and people of their authority."""

    def __init__(self, wire: Wire, playbooks: Path) -> None:
        self.wire, self.playbooks = wire, playbooks
        self.aps = list(Device.objects.filter(type__platform="openwrt").order_by("site__name", "name"))
        self.ap = self.aps[0]
        self.asker = self._person("Theo", Role.TECHNICIAN, self.ap.authority_id)
        self.approvers = [self._person("Franka", Role.APPROVER, self.ap.authority_id)]
        self.coordinator = self._person("Lina", Role.COORDINATOR, self.aps[-1].site_id)

    def rollout(self, strategy: Strategy = RINGS, ssid: str = "Neu", **more: Any) -> Change:
        change = self.order("ssid", self.aps, arguments={"ssid": ssid, "psk": PSK}, strategy=strategy, **more)
        services.execute(run_id=change.runs.get().pk)
        change.refresh_from_db()
        approver = self.approvers[0]
        services.decide(change=change, approver=approver, decision=Approval.Decision.APPROVED, digest=change.digest)
        change.refresh_from_db()
        return change

    def step(self, change: Change) -> Run | None:
        """One step: what a worker does with the next queued run."""
        services.tend()
        run = change.runs.filter(state=Run.State.QUEUED).first()
        if run is not None:
            services.execute(run_id=run.pk)
        change.refresh_from_db()
        return run

    def states(self, change: Change) -> list[str]:
        return list(change.targets.order_by("ring__number", "step", "device__name").values_list("state", flat=True))


@pytest.fixture
def city(city_wire: Wire, transactional_db: None, settings: LazySettings, tmp_path: Path) -> Iterator[Two]:
    settings.SNMP_TIMEOUT_S = 0.3
    own = Path(settings.PLAYBOOKS_DIR)
    settings.PLAYBOOKS_DIR = tmp_path / "playbooks"
    shutil.copytree(own, settings.PLAYBOOKS_DIR, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = settings.PLAYBOOKS_DIR / "ssid" / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("within_s = 60", "within_s = 2"))
    load_city(city=city_wire.city, around=Surroundings(LabPorts(city_wire.snmp, city_wire.ssh), city_wire.keys))
    yield Two(city_wire, settings.PLAYBOOKS_DIR)
    city_wire.world.set_faults([])
    city_wire.world.load(city_wire.fresh)


def test_a_canary_without_effect_keeps_the_others_from_harm_and_is_tried_again_and_taken_back(city: Two) -> None:
    change = city.rollout()
    assert [ring.title for ring in change.rings.all()] == ["pilot", "site", "rest"]
    assert change.site is None
    pilot = change.targets.get(ring__number=1).device
    city.break_("config-does-not-take", pilot)

    city.step(change)
    assert change.state == Change.State.HALTED
    assert city.states(change) == ["refuted", *["waiting"] * 5]
    assert change.rings.get(number=1).reason == "canary"
    assert city.step(change) is None, "nothing goes on beyond a refuted canary"
    with pytest.raises(DecisionError, match="nothing-to-retry"):
        services.retry_failed(change=change, by=city.asker)  # refuted is neither failed, nor unreachable, nor unknown

    services.roll_back(change=change, by=city.asker)
    city.wire.world.set_faults([])
    while city.step(change):
        pass
    assert change.state == Change.State.ROLLED_BACK
    assert city.states(change) == ["rolled-back", *["skipped"] * 5]
    assert "Neu" not in city.on_air(pilot)
    assert city.told(change)[-3:] == ["halted", "rolling-back", "rolled-back"]
    assert not DeviceLock.objects.exists()


def test_rings_go_on_pause_wait_for_who_is_away_and_end(city: Two) -> None:
    until = timezone.now() + timedelta(hours=1)
    change = city.rollout(Strategy(rings=("pilot", "site", "rest"), offline_until=until))
    away = change.targets.filter(ring__number=2).order_by("step").first()
    assert away is not None
    city.break_("dead", away.device)

    city.step(change)
    assert change.state == Change.State.RUNNING
    services.pause(change=change, by=city.asker)
    with pytest.raises(DecisionError):
        services.pause(change=change, by=city.asker)
    change.refresh_from_db()
    assert (change.state, city.step(change)) == (Change.State.PAUSED, None)
    services.resume(change=change, by=city.asker)

    while city.step(change):
        pass
    away.refresh_from_db()
    assert (away.state, change.state) == (Target.State.PENDING_OFFLINE, Change.State.RUNNING)
    assert city.states(change).count("confirmed") == 5
    begun = change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False)
    tried = HostResult.objects.get(run__in=begun, device=away.device)
    assert tried.state == HostResult.State.OFFLINE
    assert not LogLine.objects.filter(run=tried.run, host=away.device.name).exists(), "Ansible never tried it"

    city.wire.world.set_faults([])
    poll_now(device_ids=[away.device_id])
    while city.step(change):
        pass
    assert (change.state, set(city.states(change))) == (Change.State.CONFIRMED, {"confirmed"})
    assert all("Neu" in city.on_air(device) for device in city.aps)
    steps = change.targets.values_list("ring", "step").distinct()
    assert set(begun.values_list("ring", "step")) == set(steps)


@pytest.mark.parametrize("asked_anew", [False, True])
def test_who_is_late_is_done_when_back_also_after_a_pause(city: Two, *, asked_anew: bool) -> None:
    until, long_ago = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(days=90)
    change = city.rollout(Strategy(rings=(), spread="none", offline_until=until))
    away = city.aps[0]
    city.break_("dead", away)
    city.step(change)
    assert (change.state, city.states(change).count("pending-offline")) == (Change.State.RUNNING, 1)

    services.pause(change=change, by=city.asker)
    if asked_anew:
        Change.objects.filter(pk=change.pk).update(starts_at=long_ago)
        change.approvals.update(decided_at=long_ago)
    change = services.resume(change=change, by=city.asker)
    if asked_anew:
        approver = city.approvers[0]
        services.decide(change=change, approver=approver, decision=Approval.Decision.APPROVED, digest=change.digest)
        holding.let_go(change)
    city.wire.world.set_faults([])
    poll_now(device_ids=[away.pk])
    while city.step(change):
        pass

    assert (change.state, set(city.states(change))) == (Change.State.CONFIRMED, {"confirmed"})


def test_what_lasts_longer_by_agreement_goes_on_without_being_asked_anew(city: Two) -> None:
    change = city.rollout(ends_at=timezone.now() + timedelta(hours=1))
    city.step(change)
    services.pause(change=change, by=city.asker)
    before, later = change.digest, timezone.now() + timedelta(hours=2)

    assert not boxes.extend(change=change, ends_at=later, by=city.asker)
    services.agree_to(proposal=change.proposals.get(over_at__isnull=True), by=city.approvers[0])
    services.resume(change=change, by=city.asker)
    city.step(change)

    assert (change.state, change.ends_at) == (Change.State.RUNNING, later)
    assert "asked-anew" not in city.told(change)
    assert change.digest != before
    assert change.approvals.get(void_at__isnull=True).digest == change.digest


def test_another_machine_is_no_less_another_one_by_a_later_end(city: Two) -> None:
    change = city.rollout(ends_at=timezone.now() + timedelta(hours=1))
    city.step(change)
    services.pause(change=change, by=city.asker)
    Device.objects.filter(pk=city.aps[-1].pk).update(ssh_host_key="ssh-ed25519 AAAA")

    until = timezone.now() + timedelta(hours=2)
    for person in (city.asker, city.approvers[0]):
        boxes.extend(change=change, ends_at=until, by=person)
    services.resume(change=change, by=city.asker)
    city.step(change)
    city.step(change)

    assert (change.state, city.told(change)[-1]) == (Change.State.AWAITING_APPROVAL, "asked-anew")


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("what", [{"address": "127.20.1.77"}, {"ssh_host_key": "ssh-ed25519 AAAA"}])
def test_on_what_has_become_another_machine_between_two_steps_nothing_is_played(
    city: Two, what: dict[str, str], *, queued: bool
) -> None:
    change = city.rollout()
    city.step(change)
    if queued:
        services.tend()
    target = change.targets.filter(state=Target.State.WAITING).order_by("ring__number", "step").first()
    assert target is not None
    Device.objects.filter(pk=target.device_id).update(**what)

    city.step(change)
    assert (change.state, city.step(change)) == (Change.State.PAUSED, None)
    assert city.told(change)[-1] == "paused-as-another"
    assert city.states(change) == ["confirmed", *["waiting"] * 5]
    assert (
        "nicht mehr das, was genehmigt wurde" in login(Client(), city.asker).get(f"/changes/{change.pk}/").content.decode()
    )

    services.resume(change=change, by=city.asker)
    city.step(change)
    services.tend()
    change.refresh_from_db()
    assert (change.state, city.told(change)[-1]) == (Change.State.AWAITING_APPROVAL, "asked-anew")
    approver = city.approvers[0]
    services.decide(change=change, approver=approver, decision=Approval.Decision.APPROVED, digest=change.digest)
    services.tend()
    queued_now = change.runs.get(state=Run.State.QUEUED)
    assert claim(queued_now.pk) is not None


def test_an_offline_device_that_comes_back_as_another_machine_is_not_played_on(city: Two) -> None:
    change = city.rollout(Strategy(rings=("pilot", "site", "rest"), offline_until=timezone.now() + timedelta(hours=1)))
    away = change.targets.filter(ring__number=2).order_by("step").select_related("device").first()
    assert away is not None
    city.break_("dead", away.device)
    while city.step(change):
        pass
    away.refresh_from_db()
    assert away.state == Target.State.PENDING_OFFLINE

    Device.objects.filter(pk=away.device_id).update(ssh_host_key="ssh-ed25519 AAAA")
    city.wire.world.set_faults([])
    poll_now(device_ids=[away.device_id])
    while city.step(change):
        pass

    assert change.state == Change.State.PAUSED
    assert "Neu" not in city.on_air(away.device)


def test_one_school_sees_its_own_and_a_stopped_one_can_be_asked_for_anew(city: Two) -> None:
    change = city.rollout()

    assert Change.objects.visible_to(city.coordinator).filter(pk=change.pk).exists()
    mine = change.targets.visible_to(city.coordinator)
    assert {target.device.site_id for target in mine.select_related("device")} == {city.aps[-1].site_id}
    services.cancel(change=change, by=city.asker)
    change.refresh_from_db()
    assert (change.state, set(city.states(change))) == (Change.State.CANCELLED, {"skipped"})

    anew = services.relaunch(change=change, by=city.asker)
    assert (anew.relaunch_of_id, anew.targets.count(), anew.rings.count()) == (change.pk, 6, 3)
    assert (anew.secret_arguments, anew.state) == (change.secret_arguments, Change.State.PREVIEWING)


def test_a_stop_in_the_second_ring_touches_nothing_after(city: Two) -> None:
    change = city.rollout()
    city.step(change)
    worker = threading.Thread(target=lambda: city.step(Change.objects.get(pk=change.pk)))
    worker.start()
    deadline = timezone.now() + timedelta(seconds=20)
    while not change.runs.filter(state=Run.State.RUNNING).exists() and timezone.now() < deadline:
        pass
    running = change.runs.filter(state=Run.State.RUNNING).first()
    assert running is not None
    services.cancel(change=change, by=city.asker)
    worker.join(30)

    change.refresh_from_db()
    assert (change.state, change.runs.get(pk=running.pk).state) == (Change.State.CANCELLED, Run.State.CANCELLED)
    assert not set(city.states(change)) & {"waiting", "running"}
    assert city.states(change)[0] == "confirmed"
    assert not DeviceLock.objects.exists()


def test_while_it_is_measured_what_is_left_is_stopped_afterwards_also_who_is_late(city: Two) -> None:
    until = timezone.now() + timedelta(hours=1)
    change = city.rollout(Strategy(rings=(), spread="none", offline_until=until))
    late = change.targets.filter(device=city.aps[0])
    change.targets.update(state=Target.State.CONFIRMED)
    late.update(state=Target.State.PENDING_OFFLINE)
    Change.objects.filter(pk=change.pk).update(state=Change.State.VERIFYING)

    change = services.cancel(change=change, by=city.asker)
    with transaction.atomic():
        advance(change, timezone.now())

    assert (change.state, late.get().state) == (Change.State.CANCELLED, Target.State.SKIPPED)


def test_a_filter_that_fits_no_device_is_an_end(city: Two) -> None:
    order = services.Order("ssid", {"ssid": "Neu", "psk": PSK}, [], city.asker, matched=True)

    change = services.request_change(order=order)

    assert (change.state, city.told(change)) == (Change.State.NOTHING_TO_DO, ["requested", "nothing-to-do"])


def test_asked_for_anew_it_is_one_again(city: Two) -> None:
    change = services.request_change(order=services.Order("ssid", {"ssid": "Neu", "psk": PSK}, [], city.asker, matched=True))

    again = services.relaunch(change=change, by=city.asker)

    assert again != change
    assert (again.state, again.relaunch_of) == (Change.State.NOTHING_TO_DO, change)
