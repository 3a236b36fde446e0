"""Two people, or a person and a worker, at the same moment: one of them is first, and both are told the truth."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from fleet.automation import services
from fleet.automation.models import Approval, Change, DeviceLock, Run
from fleet.automation.services.claiming import claim
from fleet.automation.services.decisions import DecisionError
from tests.integration.automation.conftest import School, soon

ROUNDS = 12


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave, or the error it raised, all begun together."""
    barrier, given = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        barrier.wait(10)
        try:
            given[number] = act()
        except DecisionError as error:
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


def _let_go(run: Run) -> None:
    """Out of the way of the next round."""
    Run.objects.filter(pk=run.pk).update(state="cancelled", lease_until=None)
    Change.objects.filter(pk=run.change_id).update(state="cancelled")
    DeviceLock.objects.filter(run=run).delete()
