"""What must hold whatever happens: nothing is run twice, nothing outlives its run, nothing hostile runs, no secret shows."""

import json
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from fleet.automation import services
from fleet.automation.catalogue import SWITCH_SETTLES_S
from fleet.automation.execution import private, tree
from fleet.automation.models import Approval, Change, DeviceLock, HostResult, LogLine, Run
from fleet.automation.services import launching
from fleet.automation.services.attempt import mark, private_dir
from fleet.automation.services.claiming import claim, heartbeat
from fleet.automation.services.tending import look_after_loss
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.lab.faults import Fault
from tests.integration.automation.conftest import PSK, School, private_dirs, soon, wait_until
from tests.integration.automation.workers import (
    alive,
    begun,
    start_stopped_worker,
    start_worker,
    to_be_applied,
    working,
)
from tests.unit.automation.conftest import messages

WIRELESS = "/etc/config/wireless"
TWO_STEPS = "    - raw: 'touch /tmp/begun; sleep 60'\n    - raw: 'touch /tmp/second'"
TALKING = """
    - debug: {msg: "the key is {{ psk }}"}
    - raw: "echo '{{ psk }}'"
    - debug: {msg: "{{ lookup('env', 'SENTINEL') }}|{{ psk | b64encode | b64decode }}"}
    - fail: {msg: "{{ psk }} is wrong"}
"""


def second(school: School) -> bool:
    return "/tmp/second" in school.machine(school.ap).files  # noqa: S108


@pytest.fixture(autouse=True)
def _clean_devices(school: School) -> None:
    for device in school.aps:
        for path in ("/tmp/begun", "/tmp/second"):  # noqa: S108
            school.machine(device).files.pop(path, None)


@pytest.mark.parametrize(
    ("why", "ended", "becomes"),
    [
        ("too long", Run.State.TIMED_OUT, Change.State.FAILED),
        ("stopped", Run.State.CANCELLED, Change.State.CANCELLED),
    ],
)
def test_a_child_that_stands_still_is_ended_all_the_same(
    school: School, monkeypatch: pytest.MonkeyPatch, why: str, ended: Run.State, becomes: Change.State
) -> None:
    """Neither the time limit nor a stop reaches it: it is not there to keep the one and to hear the other."""
    monkeypatch.setattr(launching, "RESERVE_S", 1)
    monkeypatch.setattr(launching, "STOPS_WITHIN_S", 1)
    run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS, timeout_s=4 if why == "too long" else 60))
    with working(run):
        wait_until(lambda: begun(school))
        child = next(one for one in alive(run) if "fleet.automation.execution" in one.cmdline())
        child.send_signal(signal.SIGSTOP)
        if why == "stopped":
            services.cancel(change=run.change, by=school.asker)
        wait_until(lambda: Run.objects.get(pk=run.pk).state == ended, 40)
        wait_until(lambda: Change.objects.get(pk=run.change_id).state == becomes, 40)

    assert not alive(run)
    run.refresh_from_db()
    assert run.hosts.get().state == HostResult.State.UNKNOWN
    assert not DeviceLock.objects.exists()
    assert not second(school)


class TestCancelling:
    def test_a_long_task_is_stopped_within_two_seconds_and_nothing_is_written_after(self, school: School) -> None:
        messages()
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        with working(run):
            wait_until(lambda: begun(school))

            services.cancel(change=run.change, by=school.asker)
            took = wait_until(lambda: Run.objects.get(pk=run.pk).state == Run.State.CANCELLED)

        assert not alive(run)
        assert took < 2
        run.refresh_from_db()
        assert run.change.state == Change.State.CANCELLED
        assert run.hosts.get().state == HostResult.State.UNKNOWN
        assert not DeviceLock.objects.exists()
        assert not second(school)
        assert ("look_after_loss", run.pk) in messages(), "what it has left behind is measured"

    def test_a_device_is_nobody_elses_until_its_own_switch_has_acted(self, school: School) -> None:
        """Stopped between writing and confirming: it puts its old configuration back by itself, after «cancelled»."""
        played = school.playbooks / "ssid" / "playbook.yml"
        played.write_text(played.read_text().replace('"{{ confirm_timeout_s }}"', "6"))
        change = school.work(school.exam("Abgeschnitten"))
        services.decide(
            change=change, approver=school.approvers[0], decision=Approval.Decision.APPROVED, digest=change.digest
        )
        services.tend()
        run, machine = school.run(change), school.machine(school.ap)
        with working(run):
            wait_until(lambda: "Abgeschnitten" in machine.files[WIRELESS])
            school.break_("dead", school.ap)
            services.cancel(change=Change.objects.get(pk=change.pk), by=school.asker)
            wait_until(lambda: Run.objects.get(pk=run.pk).state == Run.State.CANCELLED)
        messages()

        assert "Abgeschnitten" in machine.files[WIRELESS], "it has not acted yet"
        services.tend(now=soon(SWITCH_SETTLES_S - 10))
        assert DeviceLock.objects.get().run == run
        assert ("look_after_loss", run.pk) not in messages(), "what is seen now will be gone"
        wait_until(lambda: "Abgeschnitten" not in machine.files[WIRELESS])
        school.wire.world.set_faults([])
        services.tend(now=soon(SWITCH_SETTLES_S))
        assert not DeviceLock.objects.exists()
        assert ("look_after_loss", run.pk) in messages()
        look_after_loss(run_id=run.pk)
        assert run.hosts.get().verdict == "refuted"

    def test_what_is_stopped_before_it_begins_never_starts_a_process(self, school: School) -> None:
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        services.cancel(change=run.change, by=school.asker)

        services.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.state, run.change.state) == (Run.State.CANCELLED, Change.State.CANCELLED)
        assert not begun(school)

    def test_a_wish_to_stop_that_comes_while_it_is_measured_beforehand_counts(self, school: School) -> None:
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now())

        services.execute(run_id=run.pk)

        run.refresh_from_db()
        assert (run.state, run.hosts.get().state) == (Run.State.CANCELLED, HostResult.State.NOT_STARTED)
        assert not begun(school)


def test_the_hard_limit_ends_the_whole_tree(school: School) -> None:
    run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS, timeout_s=4))

    services.execute(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == Run.State.TIMED_OUT
    assert run.hosts.get().state == HostResult.State.UNKNOWN
    assert run.change.state == Change.State.FAILED
    assert not alive(run)
    assert not second(school)


class TestLosing:
    def test_a_killed_worker_leaves_a_lost_run_that_nobody_repeats(self, school: School) -> None:
        messages()  # what earlier tests have sent and nobody has fetched
        change = school.order(school.playbook("two-steps", TWO_STEPS), school.aps)
        worker = start_worker(school.playbooks)
        try:
            wait_until(lambda: school.told(change)[-1] == "approved", 60, what="the preview")
            services.tend()
            wait_until(lambda: begun(school), 60, what="the first task")
            run = school.run(change)
            assert private_dir(run).is_dir()

            worker.send_signal(signal.SIGKILL)
            worker.wait(10)

            wait_until(lambda: not alive(run), 10, what="the tree ends without its worker")
            assert [path.name for path in private_dir(run).iterdir()] == [private.EVENTS], "secrets are gone at once"
            services.tend()
            assert Run.objects.get(pk=run.pk).state == Run.State.RUNNING, "its lease still lasts"
            services.tend(now=soon(60))
        finally:
            worker.kill()
            worker.wait(10)

        run.refresh_from_db()
        change.refresh_from_db()
        assert (run.state, change.state) == (Run.State.LOST, Change.State.LOST)
        assert school.told(change)[-1] == "lost"
        assert set(run.hosts.values_list("state", flat=True)) == {HostResult.State.UNKNOWN}
        assert not DeviceLock.objects.exists()
        assert not private_dirs()
        services.execute(run_id=run.pk)
        services.tend(now=soon(120))
        assert change.runs.filter(kind=Run.Kind.APPLY).count() == 1
        assert not second(school)

    def test_a_worker_that_loses_its_lease_is_told_so_and_writes_nothing_more(self, school: School) -> None:
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        with working(run):
            wait_until(lambda: begun(school))

            def lost() -> bool:
                """Another machine's clock says that the lease is over; a heartbeat at that very moment may win once."""
                services.tend(now=soon(3600))
                run.refresh_from_db()
                return run.state == Run.State.LOST

            wait_until(lost)
            assert not alive(run)
        run.refresh_from_db()
        assert run.state == Run.State.LOST
        assert run.hosts.get().state == HostResult.State.UNKNOWN
        assert not DeviceLock.objects.exists()
        assert not second(school)
        services.tend()

    def test_a_child_that_hears_no_beat_ends_itself(self, school: School, settings: LazySettings) -> None:
        settings.RUN_LEASE_S = 2
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        worker = start_stopped_worker(school, run)
        try:
            wait_until(lambda: not alive(run), 20, what="the tree ends by itself")
        finally:
            worker.kill()
            worker.wait(10)
        services.tend(now=soon(60))
        assert Run.objects.get(pk=run.pk).state == Run.State.LOST
        assert not second(school)

    def test_nothing_is_started_when_measuring_has_outlasted_the_lease(self, school: School) -> None:
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        held = claim(run.pk)
        assert held is not None
        services.tend(now=soon(3600))

        assert not heartbeat(held)
        assert Run.objects.get(pk=run.pk).state == Run.State.LOST

    def test_devices_that_answer_slowly_cost_no_lease(self, school: School, settings: LazySettings) -> None:
        """Measuring before and after takes longer than the lease, and tenders look all the time."""
        run = to_be_applied(school, school.playbook("quick", "    - raw: 'true'"))
        settings.RUN_LEASE_S, settings.SNMP_TIMEOUT_S = 2, 3
        school.wire.world.set_faults([Fault("slow", school.machine(school.ap).device.key, 0.4)])
        began = timezone.now()
        with working(run) as worker:
            while worker.is_alive():
                services.tend()
                worker.join(0.2)

        run.refresh_from_db()
        assert run.started_at is not None
        assert (run.state, run.change.state) == (Run.State.SUCCEEDED, Change.State.CONFIRMED)
        assert timezone.now() - began > timedelta(seconds=4), "it was not slow enough to show anything"

    def test_a_child_that_is_killed_makes_a_lost_run(self, school: School) -> None:
        run = to_be_applied(school, school.playbook("two-steps", TWO_STEPS))
        with working(run):
            wait_until(lambda: begun(school))
            tree.kill_marked(mark(Run.objects.get(pk=run.pk)))
            wait_until(lambda: Run.objects.get(pk=run.pk).state == Run.State.LOST)

        run.refresh_from_db()
        assert run.change.state == Change.State.LOST
        assert run.problem == "process-ended"
        assert run.hosts.get().state == HostResult.State.UNKNOWN

    def test_events_on_disk_are_counted_once_after_a_loss(self, school: School) -> None:
        """Those that the worker had written already come again from the file."""
        change = school.approved(school.exam("Verloren"))
        run = school.run(change)
        before = run.hosts.get()
        lines = list(run.log_lines.order_by("sequence").values_list("sequence", "text"))
        Change.objects.filter(pk=change.pk).update(state="running")
        Run.objects.filter(pk=run.pk).update(state="running", lease_until=soon(-10), finished_at=None)
        events = [
            {"counter": 9001, "event": "runner_on_start", "at": "", **_of(before), "changed": False, "diff": []},
            {"counter": 9002, "event": "runner_on_ok", "at": "", **_of(before), "changed": True, "diff": before.diff},
            {"counter": 9003, "event": "playbook_on_stats", "at": "", **_of(None), "changed": False, "diff": []},
        ]
        root = private_dir(run)
        root.mkdir(parents=True)
        text = "".join(json.dumps(event) + "\n" for event in events)
        (root / private.EVENTS).write_text(text + text[: len(text) // 2])

        services.tend()

        row = run.hosts.get()
        assert (row.state, row.diff) == (HostResult.State.CHANGED, before.diff)
        again = list(run.log_lines.filter(sequence__lt=9000).order_by("sequence").values_list("sequence", "text"))
        assert again == lines
        assert LogLine.objects.filter(run=run, sequence=9002).count() == 1

    def test_afterwards_it_is_looked_at_without_being_touched(self, school: School) -> None:
        change = school.approved(school.exam("Nachgesehen"))
        run = school.run(change)
        Change.objects.filter(pk=change.pk).update(state="lost")
        Run.objects.filter(pk=run.pk).update(state="lost")
        HostResult.objects.filter(run=run).update(verdict="", evidence=[])

        look_after_loss(run_id=run.pk)

        assert run.hosts.get().verdict == "confirmed"
        change.refresh_from_db()
        assert change.state == Change.State.LOST, "only a person decides"
        assert change.runs.filter(kind=Run.Kind.APPLY).count() == 1

    def test_directories_of_runs_that_are_over_are_swept_and_no_others(self, school: School) -> None:
        change = school.work(school.exam())
        over = private_dir(school.run(change, Run.Kind.PREVIEW))
        other = over.with_name("run-999999-0123456789ab")
        for path in (over, other):
            path.mkdir(parents=True)

        services.tend()

        assert (over.exists(), other.exists()) == (False, True)
        other.rmdir()


def test_two_workers_at_once_run_it_once(school: School) -> None:
    run = to_be_applied(school, school.playbook("quick", "    - raw: 'echo x >> /tmp/count'"))

    with working(run), working(run), working(run):
        pass

    assert Run.objects.get(pk=run.pk).state == Run.State.SUCCEEDED
    assert school.told(run.change).count("started") == 1
    assert LogLine.objects.filter(run=run, event="playbook_on_stats").count() == 1


TRAPS = [
    "{{ lookup('pipe', 'touch %s') }}",
    "{%% for x in [1] %%}{{ lookup('pipe', 'touch %s') }}{%% endfor %%}",
    "; touch %s #",
]


@pytest.mark.parametrize("trap", TRAPS)
def test_hostile_text_in_every_argument_and_name_runs_nowhere(school: School, tmp_path: Path, trap: str) -> None:
    trace = tmp_path / "trace"
    text = trap % trace
    options = (
        "word: {type: str}\nplace: {type: path}\nany: {type: raw}\nwords: {type: list, elements: str}\nmap: {type: dict}"
    )
    says = "{{ [word, place, any, words, map, fleetdesk_device_name, hostvars[inventory_hostname].fleetdesk_device_name] }}"
    school.playbook("echo", f'    - debug: {{msg: "{says}"}}\n    - raw: "true"', options=options)
    Device.objects.filter(pk=school.ap.pk).update(name=text[:100])
    school.ap.refresh_from_db()
    arguments = {"word": text, "place": text, "any": text, "words": [text], "map": {"a": {"b": [text]}}}

    change = school.work(school.order("echo", arguments=arguments, reason=text))

    assert change.state == Change.State.CONFIRMED, school.run(change).error
    assert not trace.exists()
    assert "/trace" not in str(list(school.machine(school.ap).files))
    said = json.dumps(list(school.run(change).log_lines.values_list("text", flat=True)))
    assert text[:8] in said, "it arrived, as text"


def test_planted_secrets_are_in_no_row_no_file_and_no_log(
    school: School, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTINEL", "sentinel-of-the-worker-4711")
    school.playbook("talk", TALKING, options="psk: {type: str, no_log: true}", check_mode="none")
    key = school.wire.keys.client_private_key()
    secrets = [
        PSK,
        "sentinel-of-the-worker-4711",
        *(line for line in _clear(key).splitlines() if len(line) > 30 and "-" not in line),
    ]
    change = school.work(school.order("talk", arguments={"psk": PSK}))
    exam = school.approved(school.exam("Geheim"))

    assert (change.state, exam.state) == (Change.State.FAILED, Change.State.CONFIRMED)
    written = _raw(Change, Run, HostResult, LogLine, Event) + caplog.text + "".join(capfd.readouterr())
    assert LogLine.objects.filter(text__contains="the key is ***").exists()
    assert [secret for secret in secrets if secret in written] == []
    if connection.vendor == "sqlite":
        content = b"".join(path.read_bytes() for path in Path(settings.VAR_DIR).glob("tests*.sqlite3*"))
        assert [secret for secret in secrets if secret.encode() in content] == []
    assert not private_dirs()


def test_the_first_event_comes_soon_after_the_claim(school: School) -> None:
    run = to_be_applied(school, school.playbook("quick", "    - raw: 'true'"))
    services.execute(run_id=run.pk)
    run.refresh_from_db()
    first = run.log_lines.order_by("sequence")[0]
    assert run.started_at is not None
    assert first.at - run.started_at < timedelta(seconds=20)
    print("claim to first event:", (first.at - run.started_at).total_seconds())  # noqa: T201


def _raw(*tables: type[Model]) -> str:
    """The rows as they lie in the database, before any field decrypts."""
    with connection.cursor() as cursor:
        rows = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {table._meta.db_table}")  # noqa: S608  (our own tables' names)
            rows += cursor.fetchall()
    return str(rows)


def _clear(secret: object) -> str:
    return secret.reveal() if hasattr(secret, "reveal") else str(secret)


def _of(row: HostResult | None) -> dict[str, object]:
    host = f"device-{row.device_id}" if row else ""
    return {"host": host, "task": "", "text": "again", "ignored": False, "message": "", "stats": {}}
