"""Two people, or a person and a worker, at the same moment: one of them is first, and both are told the truth."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, transaction

from fleet.automation import services
from fleet.automation.models import Approval, Change, DeviceLock, HostResult, Rotation, Run
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services import credentials
from fleet.automation.services.claiming import claim
from fleet.automation.services.credentials import RotationError
from fleet.automation.services.decisions import DecisionError
from fleet.events.models import Event
from fleet.people.rules import Access, Role
from tests.integration.automation.conftest import School, soon

ROUNDS = 12


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave, or the error it raised, all begun together."""
    barrier, given = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        barrier.wait(10)
        try:
            given[number] = act()
        except (DecisionError, RotationError) as error:
            given[number] = error.key
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return given


def waiting(school: School, kind: str = "preview") -> Change:
    """A change whose first run is queued."""
    change = school.exam()
    if kind == "apply":
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="approved")
        services.tend()
    return Change.objects.get(pk=change.pk)


@pytest.mark.parametrize("kind", ["preview", "apply"])
def test_a_run_is_either_begun_or_cancelled(school: School, kind: str) -> None:
    for _ in range(ROUNDS):
        change = waiting(school, kind)
        run = change.runs.get(kind=kind)

        begun, _stopped = at_once(lambda r=run: claim(r.pk), lambda c=change: services.cancel(change=c, by=school.asker))

        run.refresh_from_db()
        change.refresh_from_db()
        if begun is None:
            assert (run.state, change.state) == (Run.State.CANCELLED, Change.State.CANCELLED)
        else:
            assert run.state == Run.State.RUNNING
            assert run.cancel_requested_at is not None, "the wish to stop is not lost"
            assert change.state in {Change.State.PREVIEWING, Change.State.RUNNING}
        _let_go(run)


def test_two_approvers_at_once_are_both_counted(school: School) -> None:
    for _ in range(ROUNDS):
        change = school.exam(starts_at=soon(3600))
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="awaiting-approval", approvals_needed=2)

        at_once(
            *(
                lambda a=approver, c=change: services.decide(
                    change=c, approver=a, decision=Approval.Decision.APPROVED, digest=c.digest
                )
                for approver in school.approvers
            )
        )

        change.refresh_from_db()
        assert change.approvals.count() == 2
        assert change.state == Change.State.APPROVED


def test_an_approval_and_a_stop_do_not_both_win(school: School) -> None:
    for _ in range(ROUNDS):
        change = school.exam(starts_at=soon(3600))
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="awaiting-approval")

        approved, _stopped = at_once(
            lambda c=change: services.decide(
                change=c, approver=school.approvers[0], decision=Approval.Decision.APPROVED, digest=c.digest
            ),
            lambda c=change: services.cancel(change=c, by=school.asker),
        )

        change.refresh_from_db()
        assert change.state == Change.State.CANCELLED, "stopping wins, before or after"
        assert approved == "not-awaiting" or change.approvals.count() == 1


def test_two_workers_and_two_tenders_make_one_attempt(school: School) -> None:
    for _ in range(ROUNDS):
        change = school.exam()
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="approved")

        at_once(services.tend, services.tend, services.tend)

        run = change.runs.get(kind="apply")
        claims = at_once(*[lambda r=run: claim(r.pk)] * 3)
        assert len([one for one in claims if one is not None]) == 1
        assert DeviceLock.objects.get().run == run
        _let_go(run)


def test_one_device_is_never_two_runs(school: School) -> None:
    for _ in range(ROUNDS):
        runs = []
        for _number in range(3):
            change = school.exam()
            change.runs.update(state="succeeded")
            Change.objects.filter(pk=change.pk).update(state="approved")
        services.tend()
        runs = list(Run.objects.filter(state="queued", kind="apply").order_by("pk"))

        begun = [one for one in at_once(*[lambda r=run: claim(r.pk) for run in runs]) if one is not None]

        assert [run.pk for run in begun] == [runs[0].pk], "who has waited longest"
        for run in runs:
            _let_go(run)


def test_two_clicks_to_retry_make_one_attempt(school: School) -> None:
    for _ in range(ROUNDS):
        change = school.exam()
        change.runs.update(state="lost")
        Change.objects.filter(pk=change.pk).update(state="lost")

        at_once(*[lambda c=change: services.check_and_retry(change=c, by=school.asker)] * 2)

        assert change.runs.filter(state="queued").count() == 1
        _let_go(change.runs.get(state="queued"))


def test_the_same_order_twice_at_once_is_one_change(school: School) -> None:
    for number in range(ROUNDS):
        order = services.Order("ssid", {"ssid": "x", "psk": "long enough"}, [school.ap.pk], school.asker)
        keyed = services.Order(**{**vars(order), "idempotency_key": f"click {number}"})

        changes = at_once(*[lambda o=keyed: services.request_change(order=o)] * 2)

        assert changes[0] == changes[1]
        assert Change.objects.count() == number + 1


def test_two_tenders_at_once_end_and_take_back_each_change_once(school: School) -> None:
    over = {"starts_at": soon(-7200), "ends_at": soon(-3600), "box": "pending"}
    for number in range(6):
        change = school.exam(f"Exam {number}")
        change.runs.update(state="succeeded")
        unanswered = number % 2
        if not unanswered:
            run = Run.objects.create(change=change, kind="apply", state="succeeded", started_at=soon(-7000))
            HostResult.objects.create(run=run, device=school.ap, state="changed", verdict="confirmed")
        Change.objects.filter(pk=change.pk).update(state="awaiting-approval" if unanswered else "confirmed", **over)

    at_once(*[services.tend] * 3)
    services.tend()

    assert Event.objects.filter(name="change.cancelled").count() == 3
    assert Change.objects.filter(state="cancelled").count() == 3
    reverts = Run.objects.filter(kind="revert").values_list("change", flat=True)
    assert len(reverts) == len(set(reverts)) == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_change_in_somebodys_hands_is_left_to_them_and_the_others_are_worked_on(school: School) -> None:
    held, other = (school.exam(name, starts_at=soon(3600)) for name in ("One", "Two"))
    Change.objects.update(state="awaiting-approval", state_since=soon(-15 * 86_400))
    took_s: list[float] = []

    def tick() -> None:
        began = time.monotonic()
        services.tend()
        took_s.append(time.monotonic() - began)

    with transaction.atomic():
        Change.objects.select_for_update().get(pk=held.pk)
        at_once(tick)
        states = dict(Change.objects.values_list("pk", "state"))

    assert states == {held.pk: "awaiting-approval", other.pk: "cancelled"}
    assert took_s[0] < 5, "it has not waited"
    services.tend()
    held.refresh_from_db()
    assert held.state == "cancelled"


def test_two_clicks_of_one_approver_are_one_voice(school: School) -> None:
    franka = school.approvers[0]
    for _ in range(ROUNDS):
        change = school.exam(starts_at=soon(3600))
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="awaiting-approval", approvals_needed=2)
        approve = {"change": change, "approver": franka, "decision": Approval.Decision.APPROVED, "digest": change.digest}

        clicks = at_once(*[lambda a=approve: services.decide(**a)] * 2)

        change.refresh_from_db()
        assert (change.approvals.count(), change.state) == (1, "awaiting-approval")
        assert sum(isinstance(one, Change) for one in clicks) == 1


def test_what_was_agreed_to_and_then_changed_is_never_begun(school: School) -> None:
    """Somebody changes the arguments while a colleague agrees to those before."""
    for number in range(ROUNDS):
        change = school.exam()
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="awaiting-approval", approvals_needed=1)
        other = {"digest": f"{number:064}", "arguments": {"ssid": "Other", "state": "present"}}

        at_once(
            lambda c=change: services.decide(
                change=c, approver=school.approvers[0], decision=Approval.Decision.APPROVED, digest=c.digest
            ),
            lambda c=change, o=other: Change.objects.filter(pk=c.pk).update(**o),
            services.tend,
        )
        services.tend()
        for run in change.runs.filter(kind="apply", state="queued"):
            assert claim(run.pk) is None
        services.tend()

        change.refresh_from_db()
        assert change.state == "awaiting-approval"
        assert not change.runs.filter(kind="apply", started_at__isnull=False).exists()
        Change.objects.filter(pk=change.pk).update(state="cancelled")


def test_two_rollouts_over_the_same_devices_never_hold_one_both(school: School) -> None:
    for _ in range(ROUNDS):
        orders = (school.aps[:2], list(reversed(school.aps[:2])), [school.aps[1]])
        for devices in orders:
            change = school.order("ap-restart", devices, strategy=Strategy(rings=(), spread="none"))
            change.runs.update(state="succeeded")
            Change.objects.filter(pk=change.pk).update(state="approved")
        services.tend()
        runs = list(Run.objects.filter(state="queued", kind="apply").order_by("pk"))
        assert len(runs) == len(orders)

        begun = [one for one in at_once(*[lambda r=run: claim(r.pk) for run in runs]) if one is not None]

        assert [run.pk for run in begun] == [runs[0].pk]
        assert set(DeviceLock.objects.values_list("run", flat=True)) == {runs[0].pk}
        for run in runs:
            _let_go(run)


def test_a_pause_at_the_end_of_a_step_is_heeded(school: School) -> None:
    trial = school.playbook("trial", '    - ansible.builtin.debug: {msg: "x"}')
    for _ in range(6):
        change = school.order(trial, school.aps[:2], strategy=Strategy(rings=(), max_per_step=1))
        change.runs.update(state="succeeded")
        Change.objects.filter(pk=change.pk).update(state="approved")
        services.tend()
        run = change.runs.get(kind="apply")
        assert claim(run.pk)
        run.refresh_from_db()
        run.hosts.update(state="ok")
        over = {"state": "succeeded", "finished_at": soon(0), "lease_until": soon(60)}
        Run.objects.filter(pk=run.pk).update(**over)
        Change.objects.filter(pk=change.pk).update(state="verifying")

        paused, _measured = at_once(
            lambda c=change: services.pause(change=c, by=school.asker),
            lambda r=run: services.verify(run_id=r.pk, token=r.token),
        )

        change.refresh_from_db()
        assert isinstance(paused, Change)
        assert change.state == "paused"
        assert not change.runs.filter(state="queued").exists()
        DeviceLock.objects.all().delete()
        Change.objects.filter(pk=change.pk).update(state="cancelled")


def test_two_clicks_to_retry_the_failed_make_one_attempt_with_exactly_those(school: School) -> None:
    for _ in range(ROUNDS):
        change = school.order("ap-restart", school.aps[:2])
        change.runs.update(state="succeeded")
        run = Run.objects.create(change=change, kind="apply", ring=change.rings.get(), state="failed", started_at=soon(-9))
        HostResult.objects.create(run=run, device=school.aps[0], state="failed")
        change.targets.filter(device=school.aps[0]).update(state="failed")
        change.targets.filter(device=school.aps[1]).update(state="confirmed")
        Change.objects.filter(pk=change.pk).update(state="failed")

        clicks = at_once(*[lambda c=change: services.retry_failed(change=c, by=school.asker)] * 2)

        attempt = change.runs.get(state="queued")
        assert list(attempt.hosts.values_list("device", flat=True)) == [school.aps[0].pk]
        assert sum(isinstance(one, Change) for one in clicks) == 1
        _let_go(attempt)


def test_two_clicks_to_ask_anew_make_one_change(school: School) -> None:
    for _ in range(4):
        change = school.exam()
        change.runs.update(state="cancelled")
        Change.objects.filter(pk=change.pk).update(state="cancelled")
        change.refresh_from_db()

        asked = at_once(*[lambda c=change: services.relaunch(change=c, by=school.asker)] * 2)

        assert asked[0] == asked[1]
        assert change.relaunches.count() == 1
        change.relaunches.update(state="cancelled")


def test_a_credential_is_renewed_once_however_often_it_is_asked_for_at_once(school: School) -> None:
    credential = school.ap.ssh_credential
    assert credential is not None
    school.asker.access = Access.of([(Role.ADMINISTRATOR, school.ap.site.authority_id)])
    changes = Change.objects.count()

    asked = at_once(*[lambda: credentials.rotate(credential=credential, by=school.asker)] * 3)

    rotation = Rotation.objects.get()
    assert sorted(map(str, asked)) == sorted([str(rotation), "running", "running"])
    assert Change.objects.count() - changes == rotation.steps.values("change").distinct().count()
    assert not Change.objects.filter(rotation_steps=None).exists()


def _let_go(run: Run) -> None:
    """Out of the way of the next round."""
    Run.objects.filter(pk=run.pk).update(state="cancelled", lease_until=None)
    Change.objects.filter(pk=run.change_id).update(state="cancelled")
    DeviceLock.objects.filter(run=run).delete()


def test_of_two_who_steer_at_once_one_wins_and_the_change_stands_as_they_were_told(school: School) -> None:
    for _ in range(4):
        change = waiting(school, "apply")

        pauses = at_once(*[lambda c=change: services.pause(change=c, by=school.asker)] * 2)
        assert sum(isinstance(one, Change) for one in pauses) == 1
        change.refresh_from_db()
        assert (change.state, change.runs.filter(state="queued").exists()) == ("paused", False)

        acts = (services.resume, services.cancel)
        went_on, stopped = at_once(*[lambda c=change, a=act: a(change=c, by=school.asker) for act in acts])
        change.refresh_from_db()
        assert isinstance(stopped, Change)
        assert change.state == "cancelled"
        assert isinstance(went_on, Change) or went_on == "not-paused"
        assert not change.runs.filter(state="queued").exists()
