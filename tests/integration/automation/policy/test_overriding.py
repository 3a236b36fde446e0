"""An exception from the policy takes two people; a second voice after a no is too late."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from fleet.automation.models import Change, Override, Run
from fleet.automation.services import boxes, decisions, overriding, subject
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.policy import question
from fleet.events.models import Event
from fleet.people.models import User
from tests.conftest import City
from tests.integration.automation.policy.conftest import APPROVED, REJECTED, keys, make_change, refused


class TestOverride:
    def ask(self, change: Change, by: User, reason: str = "Die Klausur fällt sonst aus.") -> Override:
        return overriding.ask(change=change, digest=change.digest, reason=reason, by=by)

    def agree(self, change: Change, by: User) -> Override:
        return overriding.agree(change=change, digest=change.digest, by=by)

    def test_two_people_and_a_reason_for_this_change_only(self, city: City, change: Change) -> None:
        assert refused(lambda: self.ask(change, city.administrator, " ")) == "no-reason"
        self.ask(change, city.administrator)
        assert keys(change) == {"lesson"}, "one person changes nothing"
        assert refused(lambda: self.agree(change, city.administrator)) == "own-override"

        self.agree(change, city.approver)

        assert keys(change) == set()
        assert keys(make_change(city)) == {"lesson"}
        Change.objects.filter(pk=change.pk).update(digest="2" * 64)
        change.refresh_from_db()
        assert keys(change) == {"lesson"}, "what they looked at is not what it is now"
        assert list(Event.objects.filter(name__startswith="policy.").values_list("name", "actor_id")) == [
            ("policy.override-asked", city.administrator.pk),
            ("policy.overridden", city.approver.pk),
        ]

    def test_only_who_may(self, city: City, change: Change) -> None:
        for user in (city.technician, city.coordinator_a, city.auditor, city.stranger):
            assert refused(lambda user=user: self.ask(change, user)) == "no-role"
        over = make_change(city, state="confirmed")
        assert refused(lambda: self.ask(over, city.administrator)) == "nothing-to-come"
        stale = make_change(city)
        assert refused(lambda: overriding.ask(change=stale, digest="x", reason="y", by=city.approver)) == "changed-meanwhile"

    @pytest.mark.parametrize(("later", "holds"), [(-30, True), (0, True), (1, False), (60 * 24 * 60, False)])
    def test_for_a_later_end_it_takes_two_people_anew(self, city: City, later: int, *, holds: bool) -> None:
        """The change itself takes nobody's voice but that of whoever asks."""
        begun = timezone.now() - timedelta(minutes=5)
        ends = {"starts_at": begun, "ends_at": timezone.now() + timedelta(hours=1), "box": "pending"}
        change = make_change(city, city.technician, state="running", playbook="ssid", approvals_needed=0, **ends)
        Run.objects.create(change=change, kind=Run.Kind.APPLY, state=Run.State.SUCCEEDED, started_at=begun)
        subject.renew(change)
        self.ask(change, city.administrator)
        self.agree(change, city.approver)

        assert boxes.extend(change=change, ends_at=change.ends_at + timedelta(minutes=later), by=city.technician)

        change.refresh_from_db()
        assert question(change, [city.access_point_a.pk], timezone.now()).overridden is holds


@pytest.fixture
def at_once(transactional_db: None) -> Iterator[Callable[..., list[str]]]:
    """Acts in threads of their own, all let go together: [what became of each]."""

    def run(*acts: Callable[[], Any]) -> list[str]:
        barrier = Barrier(len(acts))

        def one(act: Callable[[], Any]) -> str:
            try:
                barrier.wait(10)
                act()
            except DecisionError as error:
                return error.key
            finally:
                connections.close_all()
            return "done"

        with ThreadPoolExecutor(len(acts)) as pool:
            return sorted(pool.map(one, acts))

    return run


def test_two_people_at_once_agree_once(at_once: Callable[..., list[str]], city: City, frieda: User) -> None:
    change = make_change(city)

    def ask(by: User) -> Callable[[], Any]:
        return lambda: overriding.ask(change=change, digest=change.digest, reason="eilt", by=by)

    def agree(by: User) -> Callable[[], Any]:
        return lambda: overriding.agree(change=change, digest=change.digest, by=by)

    assert at_once(ask(city.administrator), ask(city.approver)) == ["done", "override-asked"]
    first = Override.objects.get()
    assert first.agreed_by is None
    second, third = (one for one in (city.administrator, city.approver, frieda) if one.pk != first.asked_by_id)

    assert at_once(agree(second), agree(third)) == ["already-decided", "done"]
    assert Event.objects.filter(name="policy.overridden").count() == 1


def test_a_second_voice_after_a_no_is_too_late(city: City, frieda: User) -> None:
    change = make_change(city, approvals_needed=2)
    say = {"change": change, "digest": change.digest}
    decisions.decide(**say, approver=city.approver, decision=APPROVED)
    decisions.decide(**say, approver=frieda, decision=REJECTED, comment="Nicht in dieser Woche.")
    change.refresh_from_db()

    assert change.state == Change.State.REJECTED
    assert refused(lambda: decisions.decide(**say, approver=city.administrator, decision=APPROVED)) == "not-awaiting"
