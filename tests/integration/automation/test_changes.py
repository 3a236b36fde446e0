"""Changes from the order to the measured effect: real Ansible, real SSH, real SNMP."""

import pytest
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Approval, Change, DeviceLock, HostResult, Run
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services import OrderError
from fleet.automation.services.decisions import DecisionError
from fleet.devices.models import Device
from tests.integration.automation.conftest import PSK, School, soon
from tests.integration.automation.test_backups import HAND_MADE
from tests.integration.automation.test_boxes import OTHER_PSK, keys
from tests.unit.automation.conftest import messages

LATE = """
    - raw: |
        sh -c "sleep 3
{lines}" </dev/null >/dev/null 2>&1 &
    - ansible.builtin.fail: {{msg: not here}}
      when: inventory_hostname == ansible_play_hosts_all[0]
"""
VON_HAND = 'reading = "wireless.ssids"\nholds = "contains"\nvalue = "Von Hand"'


def test_a_wifi_is_ordered_previewed_approved_switched_on_and_measured(school: School) -> None:
    change = school.work(school.exam("Klausur"))

    assert change.state == Change.State.AWAITING_APPROVAL
    preview = school.run(change, Run.Kind.PREVIEW).hosts.get()
    assert "Klausur" in str(preview.diff)
    assert PSK not in str(preview.diff)
    assert "Klausur" not in school.on_air(school.ap), "a preview changes nothing"
    services.decide(change=change, approver=school.approvers[0], decision=Approval.Decision.APPROVED, digest=change.digest)

    school.work(change)

    assert change.state == Change.State.CONFIRMED
    run = school.run(change)
    row = run.hosts.get()
    assert (run.state, run.attempt, row.state, row.verdict) == ("succeeded", 1, "changed", "confirmed")
    (evidence,) = row.evidence
    assert "Klausur" not in evidence["before"]
    assert "Klausur" in evidence["after"]
    assert school.told(change) == ["requested", "previewed", "approved", "started", "confirmed"]
    assert not DeviceLock.objects.exists()


def test_a_second_run_changes_nothing_and_says_so(school: School) -> None:
    school.approved(school.exam("Zweimal"))

    again = school.approved(school.exam("Zweimal"))

    assert again.state == Change.State.CONFIRMED
    assert school.run(again).hosts.get().state == HostResult.State.OK


def test_the_log_has_each_event_once_in_order(school: School) -> None:
    run = school.run(school.approved(school.exam()))

    sequences = list(run.log_lines.values_list("sequence", flat=True))

    assert sequences == sorted(set(sequences))
    assert run.log_lines.filter(event="playbook_on_stats").count() == 1
    assert run.log_lines.filter(host=school.ap.name).exists(), "hosts are shown by the names people know"


def test_a_time_boxed_change_is_taken_back_and_measured_again(school: School) -> None:
    change = school.approved(school.exam("Kasten", ends_at=soon(3600)))
    assert (change.state, change.box) == (Change.State.CONFIRMED, Change.Box.PENDING)

    services.tend(now=soon(3601))
    school.work(change)

    assert change.box == Change.Box.REVERTED
    revert = school.run(change, Run.Kind.REVERT)
    assert revert.hosts.get().verdict == "confirmed"
    assert "Kasten" not in school.on_air(school.ap)
    assert school.told(change)[-2:] == ["revert-started", "reverted"]
    services.tend(now=soon(7200))
    assert change.runs.filter(kind=Run.Kind.REVERT).count() == 1


def test_it_is_taken_back_although_its_playbook_was_edited_meanwhile(school: School) -> None:
    change = school.approved(school.exam("Kasten", ends_at=soon(3600)))
    file = school.playbooks / "ssid" / "playbook.yml"
    file.write_text(file.read_text() + "# a typo less\n")

    services.tend(now=soon(3601))
    school.work(change)

    assert change.box == Change.Box.REVERTED
    assert "Kasten" not in school.on_air(school.ap)


def test_what_does_not_take_is_refuted(school: School) -> None:
    folder = school.playbooks / "ssid" / "manifest.toml"
    folder.write_text(folder.read_text().replace("within_s = 60", "within_s = 3"))
    change = school.exam("Nimmt-nicht")
    school.break_("config-does-not-take", school.ap)

    school.approved(change)

    assert change.state == Change.State.REFUTED
    row = school.run(change).hosts.get()
    assert (row.state, row.verdict) == ("changed", "refuted")
    assert "Nimmt-nicht" not in row.evidence[0]["after"]
    assert school.told(change)[-1] == "refuted"


def test_a_device_has_its_time_although_another_one_failed(school: School) -> None:
    """What was done comes to show after some seconds."""
    lines = "\n".join(f"        {line}" for line in HAND_MADE.strip().splitlines())
    slug = school.playbook("late", LATE.format(lines=lines), check_mode="none", within_s=20)
    manifest = school.playbooks / slug / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('holds = "reachable"', VON_HAND))

    change = school.work(school.order(slug, school.aps, strategy=Strategy(rings=(), spread="none")))

    run = school.run(change)
    assert (run.state, change.state) == (Run.State.FAILED, Change.State.FAILED)
    assert set(change.targets.values_list("state", flat=True)) == {"failed", "confirmed"}


RESCUED = """
    - block:
        - raw: "false"
      rescue:
        - raw: "true"
"""
BORNE = """
    - raw: "true"
      delegate_to: gone
      vars: {ansible_host: 127.0.0.1, ansible_port: 9}
      ignore_unreachable: true
    - raw: "true"
"""


@pytest.mark.parametrize("tasks", [RESCUED, BORNE], ids=["rescued", "unreachable but borne"])
def test_what_a_playbook_copes_with_is_no_failure(school: School, tasks: str) -> None:
    change = school.work(school.order(school.playbook("copes", tasks, check_mode="none")))

    run = school.run(change)
    host = run.hosts.get()
    assert (run.state, host.state, host.message) == (Run.State.SUCCEEDED, "changed", "")
    assert change.state == Change.State.CONFIRMED


@pytest.mark.parametrize(
    ("tasks", "state"),
    [
        (f"{RESCUED}    - raw: 'echo gone wrong; false'", "failed"),
        (f'{BORNE}    - raw: "true"\n      vars: {{ansible_port: 9}}', "unreachable"),
    ],
    ids=["failed", "unreachable"],
)
def test_what_goes_wrong_after_it_has_coped_once_went_wrong(school: School, tasks: str, state: str) -> None:
    change = school.work(school.order(school.playbook("fails", tasks, check_mode="none")))

    assert (school.run(change).hosts.get().state, change.state) == (state, Change.State.FAILED)


@pytest.mark.parametrize(("tasks", "state"), [(RESCUED, "failed"), (BORNE, "unknown")], ids=["rescued", "borne"])
def test_of_a_playbook_that_was_killed_nobody_knows_whether_it_would_have_coped(
    school: School, tasks: str, state: str
) -> None:
    playbook = school.playbook("hangs", f"{tasks}    - raw: sleep 60", check_mode="none", timeout_s=5)

    run = school.run(school.work(school.order(playbook)))

    assert (run.state, run.hosts.get().state) == (Run.State.TIMED_OUT, state)


def test_one_dead_device_of_two_is_named_and_the_other_one_is_done(school: School) -> None:
    folder = school.playbooks / "ssid" / "manifest.toml"
    folder.write_text(folder.read_text().replace("within_s = 60", "within_s = 3"))
    change = school.work(school.order("ssid", school.aps, arguments={"ssid": "Halb", "psk": PSK}))
    school.break_("dead", school.aps[1])

    school.approved(change)

    assert change.state == Change.State.FAILED
    hosts = HostResult.objects.filter(run__change=change, run__kind=Run.Kind.APPLY)
    states = dict(hosts.values_list("device__name", "state"))
    assert states == {school.aps[0].name: "changed", school.aps[1].name: "offline"}
    assert not DeviceLock.objects.exists()


def test_the_same_key_of_the_same_person_is_the_same_change(school: School) -> None:
    first = school.exam(idempotency_key="k" * 300)
    again = school.exam("Other", idempotency_key="k" * 300)
    assert again == first
    assert Change.objects.count() == 1
    other = school.exam(idempotency_key="another")
    assert other != first


@pytest.mark.parametrize(
    ("field", "spoilt"),
    [
        ("playbook", {"playbook": "../../etc/passwd"}),
        ("ansible_ssh_common_args", {"arguments": {"ssid": "x", "ansible_ssh_common_args": "-o ProxyCommand=x"}}),
        ("ssid", {"arguments": {}}),
        ("ends_at", {"ends_at": soon(-10), "starts_at": soon(-20)}),
    ],
)
def test_an_order_that_cannot_be_taken_leaves_nothing(school: School, field: str, spoilt: dict[str, object]) -> None:
    wish = {"playbook": "ssid", "arguments": {"ssid": "Exam", "psk": PSK}} | spoilt
    playbook = str(wish.pop("playbook"))

    with pytest.raises(OrderError) as caught:
        school.order(playbook, **wish)

    assert field in caught.value.problems
    assert not Change.objects.exists()


def test_targets_must_be_of_the_platform_reachable_and_few_enough(school: School) -> None:
    manifest = school.playbooks / "ap-restart" / "manifest.toml"
    manifest.write_text(manifest.read_text().replace("max_targets = 10", "max_targets = 1"))
    for devices in ([school.switch], school.aps):
        with pytest.raises(OrderError) as caught:
            school.order("ap-restart", devices)
        assert list(caught.value.problems) == ["targets"]
    Device.objects.filter(pk=school.ap.pk).update(ssh_credential=None)
    with pytest.raises(OrderError, match=school.ap.name):
        school.order("ap-restart")


def test_a_playbook_that_changed_after_the_order_does_not_run(school: School) -> None:
    change = school.work(school.exam("Alt"))
    playbook = school.playbooks / "ssid" / "playbook.yml"
    playbook.write_text(playbook.read_text() + "# other\n")

    school.approved(change)

    assert change.state == Change.State.FAILED
    run = school.run(change)
    assert run.problem == "playbook-changed"
    assert run.hosts.get().state == HostResult.State.NOT_STARTED
    assert "Alt" not in school.on_air(school.ap)


def test_a_playbook_without_honest_check_mode_is_not_previewed(school: School) -> None:
    school.playbook("blind", "    - raw: 'echo x >> /tmp/blind'", check_mode="none")

    change = school.order("blind")
    services.execute(run_id=school.run(change, Run.Kind.PREVIEW).pk)

    preview = school.run(change, Run.Kind.PREVIEW)
    assert (preview.state, preview.log_lines.count()) == ("succeeded", 0)
    assert preview.hosts.get().state == HostResult.State.NOT_STARTED


class TestDeciding:
    def test_nobody_approves_their_own(self, school: School) -> None:
        change = school.work(school.exam(requested_by=school.asker))
        people_of = school.approvers[0]
        Change.objects.filter(pk=change.pk).update(requested_by=people_of)

        with pytest.raises(DecisionError, match="own-change"):
            services.decide(change=change, approver=people_of, decision=Approval.Decision.APPROVED, digest=change.digest)

    def test_an_approval_of_something_else_is_void(self, school: School) -> None:
        change = school.work(school.exam())

        with pytest.raises(DecisionError, match="changed-meanwhile"):
            services.decide(change=change, approver=school.approvers[0], decision=Approval.Decision.APPROVED, digest="x")

        assert school.work(change).state == Change.State.AWAITING_APPROVAL

    def test_high_risk_takes_two_people(self, school: School) -> None:
        manifest = school.playbooks / "ap-restart" / "manifest.toml"
        manifest.write_text(manifest.read_text().replace('risk = "low"', 'risk = "high"'))
        change = school.work(school.order("ap-restart", starts_at=soon(3600)))
        first, second = school.approvers

        services.decide(change=change, approver=first, decision=Approval.Decision.APPROVED, digest=change.digest)
        assert school.work(change).state == Change.State.AWAITING_APPROVAL
        with pytest.raises(DecisionError, match="already-decided"):
            services.decide(change=change, approver=first, decision=Approval.Decision.APPROVED, digest=change.digest)
        services.decide(change=change, approver=second, decision=Approval.Decision.APPROVED, digest=change.digest)

        assert school.work(change).state == Change.State.APPROVED

    def test_a_rejection_ends_it(self, school: School) -> None:
        change = school.work(school.exam())

        services.decide(
            change=change, approver=school.approvers[0], decision=Approval.Decision.REJECTED, digest=change.digest
        )

        assert school.work(change).state == Change.State.REJECTED
        assert not change.runs.filter(kind=Run.Kind.APPLY).exists()
        assert school.told(change)[-1] == "rejected"


class TestWaiting:
    def test_the_second_change_on_a_device_says_what_it_waits_for_and_runs_after(self, school: School) -> None:
        first, second = school.order("ap-restart"), school.order("ap-restart")
        for change in (first, second):
            services.execute(run_id=school.run(change, Run.Kind.PREVIEW).pk)
        services.tend()
        held, waiting = school.run(first), school.run(second)
        DeviceLock.objects.create(device=school.ap, run=held)

        services.execute(run_id=waiting.pk)
        services.execute(run_id=waiting.pk)

        waiting.refresh_from_db()
        assert waiting.state == Run.State.QUEUED
        assert waiting.waits_for == f"#{first.pk} · {school.ap.name}"
        assert school.told(second).count("waiting") == 1
        DeviceLock.objects.all().delete()
        assert school.work(first).state == Change.State.CONFIRMED
        assert school.work(second).state == Change.State.CONFIRMED
        ends = [school.run(change) for change in (first, second)]
        assert ends[0].finished_at is not None
        assert ends[1].started_at is not None
        assert ends[0].finished_at <= ends[1].started_at

    def test_that_it_waits_is_told_once_whoever_it_waits_for_next(self, school: School) -> None:
        changes = [school.order("ap-restart") for _ in range(3)]
        for change in changes:
            services.execute(run_id=school.run(change, Run.Kind.PREVIEW).pk)
        services.tend()
        last = school.run(changes[2])
        services.execute(run_id=last.pk)

        assert school.work(changes[0]).state == Change.State.CONFIRMED
        services.execute(run_id=last.pk)

        last.refresh_from_db()
        assert last.waits_for == f"#{changes[1].pk} · {school.ap.name}"
        assert school.told(changes[2]).count("waiting") == 1

    def test_only_who_is_next_on_a_device_is_called_when_it_is_free(self, school: School) -> None:
        changes = [school.order("ap-restart") for _ in range(4)]
        for change in changes:
            services.execute(run_id=school.run(change, Run.Kind.PREVIEW).pk)
        services.tend()
        first, second, third, _ = [school.run(change) for change in changes]
        messages()

        services.execute(run_id=first.pk)
        assert [run for task, run in messages() if task == "execute"] == [second.pk]

        Change.objects.filter(pk=second.change_id).update(state=Change.State.CANCELLED)
        services.execute(run_id=second.pk)
        assert [run for task, run in messages() if task == "execute"] == [third.pk]

    def test_who_has_waited_longer_is_served_first(self, school: School) -> None:
        changes = [school.order("ap-restart") for _ in range(2)]
        for change in changes:
            services.execute(run_id=school.run(change, Run.Kind.PREVIEW).pk)
        services.tend()

        services.execute(run_id=school.run(changes[1]).pk)

        assert school.run(changes[1]).state == Run.State.QUEUED
        assert school.run(changes[1]).waits_for.startswith(f"#{changes[0].pk} ")


class TestTime:
    def test_nothing_starts_before_its_time(self, school: School) -> None:
        change = school.work(school.order("ap-restart", starts_at=soon(3600)))
        assert change.state == Change.State.APPROVED
        assert not change.runs.filter(kind=Run.Kind.APPLY).exists()

        services.tend(now=soon(3601))

        assert change.runs.filter(kind=Run.Kind.APPLY).count() == 1
        services.tend(now=soon(3602))
        assert change.runs.filter(kind=Run.Kind.APPLY).count() == 1, "tending twice queues once"

    def test_what_was_wanted_for_a_time_that_is_over_never_starts(self, school: School) -> None:
        change = school.work(school.exam(ends_at=soon(600)))
        services.decide(
            change=change, approver=school.approvers[0], decision=Approval.Decision.APPROVED, digest=change.digest
        )
        services.tend()
        Change.objects.filter(pk=change.pk).update(starts_at=soon(-60), ends_at=soon(-1))

        services.execute(run_id=school.run(change).pk)

        change.refresh_from_db()
        assert (change.state, school.run(change).state) == (Change.State.CANCELLED, Run.State.CANCELLED)

    def test_nor_is_it_tried_again(self, school: School) -> None:
        change = school.exam(ends_at=soon(600))
        Change.objects.filter(pk=change.pk).update(state="lost", starts_at=soon(-60), ends_at=soon(-1))

        with pytest.raises(DecisionError, match="too-late"):
            services.check_and_retry(change=change, by=school.asker)

    def test_a_change_that_never_began_is_not_taken_back(self, school: School) -> None:
        change = school.work(school.exam(ends_at=soon(600)))
        services.cancel(change=change, by=school.asker)

        services.tend(now=soon(601))

        assert not change.runs.exclude(kind=Run.Kind.PREVIEW).exists()


class TestRetrying:
    def test_what_is_seen_to_be_done_is_not_done_again(self, school: School) -> None:
        change = school.work(school.order("port-label", [school.switch], arguments={"port": 2, "label": "E 1.04"}))
        Change.objects.filter(pk=change.pk).update(state="lost")

        services.check_and_retry(change=Change.objects.get(pk=change.pk), by=school.asker)
        school.work(change)

        assert change.state == Change.State.CONFIRMED
        retried = school.run(change)
        assert (retried.attempt, retried.log_lines.filter(sequence__gt=0).count()) == (2, 0)
        evidence = retried.hosts.get().evidence[0]
        assert evidence["after"] == "E 1.04"
        assert evidence["before"] != "E 1.04", "before is what the first attempt found"

    def test_a_key_that_went_back_is_set_again(self, school: School) -> None:
        """SNMP shows the name alone: it was there before, and says nothing of the key."""
        school.approved(school.exam("Neuer Schlüssel"))
        change = school.approved(school.order("psk-rotate", arguments={"ssid": "Neuer Schlüssel", "psk": OTHER_PSK}))
        assert (change.state, OTHER_PSK in keys(school)) == (Change.State.CONFIRMED, True)
        school.approved(school.order("psk-rotate", arguments={"ssid": "Neuer Schlüssel", "psk": PSK}))
        Change.objects.filter(pk=change.pk).update(state="failed")
        change.targets.update(state="failed")

        services.retry_failed(change=Change.objects.get(pk=change.pk), by=school.asker)
        school.work(change)

        assert change.state == Change.State.CONFIRMED
        assert OTHER_PSK in keys(school)
        assert school.run(change).hosts.get().state == HostResult.State.CHANGED

    def test_a_restart_that_took_place_is_not_repeated(self, school: School) -> None:
        change = school.work(school.order("ap-restart"))
        Change.objects.filter(pk=change.pk).update(state="lost")

        services.check_and_retry(change=Change.objects.get(pk=change.pk), by=school.asker)
        school.work(change)

        assert change.state == Change.State.CONFIRMED
        assert not school.run(change).log_lines.filter(sequence__gt=0).exists()

    def test_what_is_missing_is_done(self, school: School) -> None:
        change = school.approved(school.exam("Fehlt"))
        Change.objects.filter(pk=change.pk).update(state="lost")
        away = school.approved(school.order("ssid", arguments={"ssid": "Fehlt", "state": "absent"}))
        assert away.state == Change.State.CONFIRMED

        services.check_and_retry(change=Change.objects.get(pk=change.pk), by=school.asker)
        school.work(change)

        assert change.state == Change.State.CONFIRMED
        assert school.run(change).hosts.get().state == HostResult.State.CHANGED

    @pytest.mark.parametrize("state", ["confirmed", "rejected", "cancelled", "awaiting-approval", "approved"])
    def test_only_what_went_wrong_is_tried_again(self, school: School, state: str) -> None:
        change = school.exam()
        Change.objects.filter(pk=change.pk).update(state=state)

        with pytest.raises(DecisionError, match="not-retryable"):
            services.check_and_retry(change=change, by=school.asker)


def test_a_verification_whose_worker_died_is_taken_over(school: School) -> None:
    change = school.approved(school.exam("Erbe"))
    run = school.run(change)
    Change.objects.filter(pk=change.pk).update(state="verifying")
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now())
    DeviceLock.objects.create(device=school.ap, run=run)

    services.verify(run_id=run.pk)

    change.refresh_from_db()
    assert change.state == Change.State.CONFIRMED
    assert not DeviceLock.objects.exists()
