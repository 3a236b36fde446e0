"""Rolling back: what another change still wants stays or comes back, nothing is taken back twice, backups are put back."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Backup, Change, DeviceLock, HostResult, Run, Target
from fleet.automation.rules.lifecycle import too_late
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services import backups
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.ordering import OrderError
from fleet.automation.services.rollouts.taking_back import touched
from fleet.devices.models import Device, DeviceType
from tests.integration.automation.conftest import PSK, School, soon
from tests.integration.automation.test_backups import HAND_MADE
from tests.integration.automation.test_boxes import OTHER_PSK, keys, over


def rolled_back(school: School, change: Change) -> Change:
    services.roll_back(change=change, by=school.asker)
    for proposal in change.proposals.filter(over_at__isnull=True):
        for approver in school.approvers[: change.approvals_needed]:
            services.agree_to(proposal=proposal, by=approver)
    return school.work(change)


def test_a_box_that_is_rolled_back_gives_way_to_another_and_is_over(school: School) -> None:
    first = school.approved(school.exam("Doppelt", ends_at=soon(7200)))
    wish = {"ssid": "Doppelt", "psk": OTHER_PSK}
    second = school.approved(school.order("ssid", arguments=wish, ends_at=soon(3600)))

    rolled_back(school, first)

    assert (first.state, first.box) == (Change.State.ROLLED_BACK, Change.Box.REVERTED)
    assert not first.runs.filter(kind=Run.Kind.REVERT).exists(), "the other one covers it and stays"
    assert keys(school) == {OTHER_PSK}
    Change.objects.filter(pk=second.pk).update(state="halted")
    second.refresh_from_db()
    rolled_back(school, second)
    assert (second.state, second.box) == (Change.State.ROLLED_BACK, Change.Box.REVERTED)
    assert "Doppelt" not in school.on_air(school.ap)
    runs = Run.objects.count()
    over(school, first)
    over(school, second)
    assert Run.objects.count() == runs, "nothing is taken back twice"
    assert not DeviceLock.objects.exists()


@pytest.mark.parametrize("again", [services.check_and_retry, services.retry_failed])
def test_what_was_rolled_back_is_not_set_up_anew_when_the_last_device_left_is_retired(
    school: School, again: Callable[..., Change]
) -> None:
    never_begun, gone = school.aps
    change, now = school.order("ssid", school.aps, arguments={"ssid": "Neu", "psk": PSK}), timezone.now()
    change.runs.all().delete()
    ended = {"state": Run.State.FAILED, "started_at": now, "finished_at": now}
    run = change.runs.create(kind=Run.Kind.APPLY, ring=change.rings.get(), **ended)
    run.hosts.create(device=gone, state=HostResult.State.CHANGED, verdict="unknown")
    run.hosts.create(device=never_begun, state=HostResult.State.NOT_STARTED, verdict="unknown")
    change.targets.update(state=Target.State.FAILED)
    Change.objects.filter(pk=change.pk).update(state=Change.State.FAILED, taking_back_since=now, approvals_needed=0)
    Device.objects.filter(pk=gone.pk).update(lifecycle=Device.Lifecycle.RETIRED)

    with pytest.raises(DecisionError, match="nothing-to-retry"):
        again(change=change, by=school.asker)

    assert not change.runs.filter(state=Run.State.QUEUED).exists()


def test_what_was_there_before_is_put_back_on_each_device(school: School) -> None:
    tasks = "    - raw: |\n" + "\n".join(f"        {line}" for line in HAND_MADE.strip().splitlines())
    slug = school.playbook("by-hand", tasks, check_mode="none")
    manifest = school.playbooks / slug / "manifest.toml"
    manifest.write_text(manifest.read_text() + "[rollback]\nrestore_backup = true\n")
    change = school.work(school.order(slug, school.aps))
    assert change.state == Change.State.CONFIRMED, school.run(change).error
    kept = {target.device_id: target.before for target in change.targets.select_related("before")}
    assert {backup.device_id: backup.kind for backup in kept.values() if backup} == dict.fromkeys(kept, "before")
    assert all("Von Hand" in school.on_air(ap) for ap in school.aps)
    before = Backup.objects.count()
    backups.prune(now=timezone.now())
    assert Backup.objects.count() == before

    rolled_back(school, change)

    run = school.run(change, Run.Kind.REVERT)
    assert change.state == Change.State.ROLLED_BACK, (run.error, list(run.hosts.values("state", "message")))
    assert [school.on_air(ap) for ap in school.aps if "Von Hand" in school.on_air(ap)] == [], list(
        run.log_lines.values_list("text", flat=True)
    )
    assert PSK not in str(list(run.log_lines.values())) + str(list(run.hosts.values()))

    fetching = school.playbooks / "backup" / "manifest.toml"
    fetching.write_text(fetching.read_text().replace('"openwrt", ', ""))
    untouched = school.work(school.order(slug))
    assert (untouched.state, untouched.targets.get().state) == (Change.State.FAILED, Target.State.FAILED)
    row = school.run(untouched).hosts.get()
    assert (row.state, row.problem) == (HostResult.State.FAILED, "not-kept")
    assert "Von Hand" not in school.on_air(school.ap), "without a way back nothing is done"
    assert not touched(untouched).exists(), "and nothing is to be taken back"


def test_a_port_goes_back_to_the_zone_that_it_was_in(school: School) -> None:
    wish = {"port": 5, "vlan": 20, "zone": "Verwaltung"}
    before = running(school)
    change = school.approved(school.order("port-vlan", [school.switch], arguments=wish))
    assert change.state == Change.State.CONFIRMED
    assert running(school) != before
    (vlan,) = (one for one in school.run(change).hosts.get().evidence if one["reading"].endswith("pvid"))
    assert (vlan["before"], vlan["after"], vlan["verdict"]) == (1, 20, "confirmed")

    rolled_back(school, change)

    assert change.state == Change.State.ROLLED_BACK
    assert running(school) == before

    again = school.approved(school.order("port-vlan", [school.switch], arguments=wish))
    school.work(school.order("port-label", [school.switch], arguments={"port": 3, "label": "E 1.05"}))
    since = running(school)
    rolled_back(school, again)
    row = school.run(again, Run.Kind.REVERT).hosts.get()
    assert (again.state, row.state, row.problem) == (Change.State.FAILED, HostResult.State.FAILED, "changed-since")
    assert running(school) == since, "what came later is not undone by the way"


BASELINE = {
    "ntp_servers": ["ntp1.musterstadt.example"],
    "syslog_host": "log.musterstadt.example",
    "snmp_contact": "IT Eichstadt",
    "banner": "Nur für Befugte",
}


def test_a_base_configuration_is_taken_back(school: School) -> None:
    before, devices = school.configured(), [*school.aps, school.switch]
    change = school.approved(school.order("baseline", devices, arguments=BASELINE))
    assert change.state == Change.State.CONFIRMED
    assert school.configured() != before

    rolled_back(school, change)

    run = school.run(change, Run.Kind.REVERT)
    assert change.state == Change.State.ROLLED_BACK, (run.error, list(run.hosts.values("state", "message")))
    assert school.configured() == before


def test_a_base_configuration_that_measuring_refutes_goes_by_itself(school: School) -> None:
    manifest = school.playbooks / "baseline" / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('"{snmp_contact}"', '"somebody else"').replace("= 60", "= 2"))
    before = school.configured()
    strategy = Strategy(rings=(), spread="none", rollback_on_halt=True)

    change = school.approved(school.order("baseline", [school.switch], arguments=BASELINE, strategy=strategy))

    assert school.run(change).hosts.get().verdict == "refuted"
    assert change.state == Change.State.ROLLED_BACK
    assert school.configured() == before


def test_a_switch_is_taken_back_to_its_old_radius_server(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab's switch speaks IOS for once."""
    machine = school.switch_machine()
    monkeypatch.setattr(machine, "device", replace(machine.device, platform="ios"))
    DeviceType.objects.filter(pk=school.switch.type_id).update(platform="ios")
    machine.running_config.radius = {"R": ["address ipv4 192.0.2.1 auth-port 1812 acct-port 1813", f"key old-{PSK}"]}
    before = deepcopy(machine.running_config)
    wish = {"radius_server": "192.0.2.9", "radius_secret": PSK}
    change = school.approved(school.order("radius-switch", [Device.objects.get(pk=school.switch.pk)], arguments=wish))
    assert change.state == Change.State.CONFIRMED, [run.error for run in change.runs.all()]
    assert PSK in str(machine.running_config.radius)
    assert machine.running_config != before

    rolled_back(school, change)

    run = school.run(change, Run.Kind.REVERT)
    assert change.state == Change.State.ROLLED_BACK, (run.error, list(run.hosts.values("state", "message")))
    assert machine.running_config == before
    assert PSK not in str(list(run.log_lines.values())) + str(list(run.hosts.values()))


def running(school: School) -> dict[int, str]:
    """{port: what the switch itself has configured there}"""
    return {number: str(port) for number, port in school.switch_machine().running_config.ports.items()}


def test_a_box_may_end_in_the_hour_that_comes_twice(school: School) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begins = datetime(2027, 10, 31, 2, 30, tzinfo=berlin)
    ends = datetime(2027, 10, 31, 2, 10, tzinfo=berlin, fold=1)

    change = school.exam("Nacht", starts_at=begins, ends_at=ends)

    change.refresh_from_db()
    assert change.ends_at is not None
    assert change.ends_at - change.starts_at == timedelta(minutes=40)
    for minute, late in ((9, False), (10, True)):
        now = datetime(2027, 10, 31, 2, minute, tzinfo=berlin, fold=1).astimezone(UTC)
        assert too_late(ends_at=change.ends_at, now=now) is late
    with pytest.raises(OrderError):
        school.exam("Nacht", starts_at=ends, ends_at=begins)
