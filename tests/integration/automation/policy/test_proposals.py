"""What goes beyond what was agreed to takes as many people again: rolling back what is over, another end, old voices."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from fleet.automation import policy_words, services
from fleet.automation.models import Approval, Change, Freeze, HostResult, Run, Target
from fleet.automation.proposal_panel import later_changes
from fleet.automation.services import approving, boxes, overriding
from fleet.automation.services.decisions import agreed_to_something_else, left
from fleet.automation.services.proposing import NotNowError
from fleet.people.models import User
from tests.conftest import City, let_changes_happen_at_any_time
from tests.integration.automation.policy.conftest import APPROVED, make_change, refused

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def any_time(city: City, usual_policy: None) -> None:
    let_changes_happen_at_any_time(city.authority)


def carried_out(city: City, state: str = "confirmed", **other: Any) -> Change:
    values = {"playbook": "ssid", "arguments": {"ssid": "Gast", "state": "present"}, "risk": "high", "approvals_needed": 2}
    change = make_change(city, state=state, **values | other)
    started = timezone.now()
    run = Run.objects.create(change=change, kind="apply", state="succeeded", started_at=started, finished_at=started)
    HostResult.objects.create(run=run, device=city.access_point_a, state="changed", verdict="confirmed")
    change.targets.update(state=Target.State.CONFIRMED)
    return change


def boxed(city: City, **other: Any) -> Change:
    now = timezone.now()
    dates = {"starts_at": now - HOUR, "ends_at": now + HOUR, "box": "pending"}
    return carried_out(city, **dates | other)


def frozen(city: City) -> Freeze:
    now = timezone.now()
    return Freeze.objects.create(
        authority=city.authority, site=city.school_a, starts_at=now - HOUR, ends_at=now + HOUR, reason="Abitur"
    )


def state_of(change: Change) -> str:
    change.refresh_from_db()
    return change.state


def ask(change: Change, by: User) -> None:
    services.roll_back(change=change, by=by)


def agree(change: Change, by: User) -> None:
    services.agree_to(proposal=change.proposals.get(over_at__isnull=True), by=by)


class TestRollingBack:
    def test_what_is_over_takes_as_many_others_as_the_change_did(self, city: City, frieda: User) -> None:
        change = carried_out(city)

        ask(change, city.technician)

        assert state_of(change) == "confirmed"
        assert refused(lambda: ask(change, city.technician)) == "own-proposal", "nobody agrees to their own"
        assert refused(lambda: agree(change, city.coordinator_a)) == "proposed"
        agree(change, city.approver)
        assert state_of(change) == "confirmed"
        assert refused(lambda: agree(change, city.approver)) == "already-decided"
        agree(change, frieda)
        assert state_of(change) == "rolling-back"
        assert not change.proposals.filter(over_at__isnull=True).exists()

    def test_what_is_under_way_is_taken_back_at_once(self, city: City) -> None:
        change = carried_out(city, state="halted")
        frozen(city)

        ask(change, city.technician)

        assert state_of(change) == "rolling-back"

    @pytest.mark.parametrize("live", [{"state": "running"}, {"state": "failed", "lease_until": timezone.now() + HOUR}])
    def test_what_was_agreed_to_is_not_lost_on_a_port_being_made_good(self, city: City, live: dict[str, Any]) -> None:
        change = carried_out(city, approvals_needed=1)
        Run.objects.create(change=change, kind=Run.Kind.MEND, makes_good=change.runs.get(), **live)
        ask(change, city.technician)

        agree(change, city.approver)

        assert state_of(change) == "rolling-back"

    def test_what_nobody_had_to_agree_to_is_asked_of_the_school_day_only(self, city: City) -> None:
        change = carried_out(city, risk="low", approvals_needed=0)
        freeze = frozen(city)

        with pytest.raises(NotNowError) as error:
            ask(change, city.technician)
        said = {}
        for language in ("de", "en"):
            with translation.override(language):
                said[language] = policy_words.refusal(error.value)
        assert all("Abitur" in sentence for sentence in said.values())
        assert said["de"] != said["en"]
        assert state_of(change) == "confirmed"
        freeze.delete()
        ask(change, city.technician)
        assert state_of(change) == "rolling-back"

    def test_who_has_agreed_has_agreed_also_where_the_hour_is_to_come(self, city: City) -> None:
        change = carried_out(city, approvals_needed=1)
        freeze = frozen(city)
        ask(change, city.technician)

        assert refused(lambda: agree(change, city.approver)) == "not-now"
        assert state_of(change) == "confirmed"
        freeze.delete()
        ask(change, city.technician)

        assert state_of(change) == "rolling-back"

    def test_two_people_let_it_happen_against_the_clock(self, city: City) -> None:
        change = carried_out(city, risk="low", approvals_needed=0)
        frozen(city)
        overriding.ask(change=change, digest=change.digest, reason="Es brennt", by=city.administrator)
        overriding.agree(change=change, digest=change.digest, by=city.approver)

        ask(change, city.technician)

        assert state_of(change) == "rolling-back"

    def test_what_nobody_agrees_to_within_three_days_is_asked_for_anew(self, city: City) -> None:
        change = carried_out(city, approvals_needed=1)
        ask(change, city.technician)
        change.proposals.update(asked_at=timezone.now() - timedelta(days=4))

        assert refused(lambda: agree(change, city.approver)) == "changed-meanwhile"
        ask(change, city.technician)

        assert change.proposals.count() == 2

    def test_later_changes_there_are_named(self, city: City) -> None:
        first = carried_out(city)
        later = carried_out(city, arguments={"ssid": "Andere"})

        assert list(later_changes(first)) == [later]
        assert not later_changes(later).exists()


class TestAnotherEnd:
    def end(self, change: Change, ends_at: datetime, by: User) -> bool:
        return boxes.extend(change=change, ends_at=ends_at, by=by)

    def test_while_it_waits_for_approval_the_voices_are_void(self, city: City, frieda: User) -> None:
        now = timezone.now()
        dates = {"starts_at": now + HOUR, "ends_at": now + 2 * HOUR, "box": "pending"}
        change = make_change(city, approvals_needed=2, **dates)
        services.decide(change=change, approver=city.approver, decision=APPROVED, digest=change.digest)
        links = {link.person_id: link for link in approving.invite(change=change)}
        seen = change.digest

        assert self.end(change, now + 900 * HOUR, city.technician)

        change.refresh_from_db()
        assert (change.state, left(change)) == ("awaiting-approval", 2)
        assert change.digest != seen
        late = links[frieda.pk]
        assert late.change_digest != change.digest
        assert refused(lambda: services.decide(change=change, approver=frieda, decision=APPROVED, digest=seen)) == (
            "changed-meanwhile"
        )
        services.decide(change=change, approver=city.approver, decision=APPROVED, digest=change.digest)
        assert not agreed_to_something_else(change)

    @pytest.mark.parametrize("state", ["approved", "paused"])
    def test_what_was_approved_and_has_not_begun_is_asked_anew(self, city: City, state: str) -> None:
        now = timezone.now()
        change = make_change(city, state=state, starts_at=now + HOUR, ends_at=now + 2 * HOUR, box="pending")
        Approval.objects.create(change=change, approver=city.approver, decision="approved", digest=change.digest)

        assert self.end(change, now + 900 * HOUR, city.technician)

        assert (state_of(change), left(change)) == ("awaiting-approval", 1)

    def test_what_has_begun_lasts_longer_only_if_as_many_agree(self, city: City) -> None:
        change = boxed(city, approvals_needed=1)
        was, wanted = change.ends_at, timezone.now() + 900 * HOUR

        assert not self.end(change, wanted, city.technician)

        change.refresh_from_db()
        assert change.ends_at == was
        assert refused(lambda: self.end(change, wanted, city.technician)) == "own-proposal"
        agree(change, city.approver)
        change.refresh_from_db()
        assert change.ends_at == wanted

    def test_another_wish_takes_the_place_of_the_first(self, city: City) -> None:
        change = boxed(city, approvals_needed=1)
        self.end(change, timezone.now() + 9 * HOUR, city.technician)

        self.end(change, timezone.now() + 8 * HOUR, city.technician)

        assert change.proposals.filter(over_at__isnull=True).count() == 1

    def test_an_earlier_end_is_asked_of_the_school_day_too(self, city: City) -> None:
        change = boxed(city, risk="low", approvals_needed=0)
        was, freeze = change.ends_at, frozen(city)

        assert refused(lambda: boxes.end_now(change=change, by=city.technician)) == "not-now"
        assert refused(lambda: self.end(change, timezone.now() + HOUR / 2, city.technician)) == "not-now"
        change.refresh_from_db()
        assert change.ends_at == was
        freeze.delete()

        assert boxes.end_now(change=change, by=city.technician)


class TestOldApprovals:
    def old(self, city: City, state: str, **other: Any) -> Change:
        long_ago = timezone.now() - timedelta(days=60)
        values = {"starts_at": long_ago} | other
        change = make_change(city, state=state, **values)
        Approval.objects.create(
            change=change, approver=city.approver, decision="approved", digest=change.digest, decided_at=long_ago
        )
        return change

    def test_a_pause_does_not_keep_an_approval_fresh(self, city: City) -> None:
        change = self.old(city, "paused")

        services.resume(change=change, by=city.technician)

        assert (state_of(change), left(change)) == ("awaiting-approval", 1)

    def test_nor_does_having_been_let_go_on_lately(self, city: City) -> None:
        change = self.old(city, "approved")
        now = timezone.now()

        assert list(approving.never_begun(now)) == [change]
        approving.end_approval(change, now)

        assert state_of(change) == "awaiting-approval"

    def test_nor_does_a_halt(self, city: City) -> None:
        change = self.old(city, "halted")
        Run.objects.create(change=change, kind="apply", state="failed", started_at=change.starts_at)
        change.targets.update(state=Target.State.FAILED)

        services.retry_failed(change=change, by=city.technician)

        assert (state_of(change), left(change)) == ("awaiting-approval", 1)
        assert change.targets.get().state == Target.State.WAITING
        assert not change.runs.filter(state="queued").exists()

    def test_a_fresh_one_goes_on(self, city: City) -> None:
        change = make_change(city, state="paused", starts_at=timezone.now() + HOUR)
        Approval.objects.create(change=change, approver=city.approver, decision="approved", digest=change.digest)

        services.resume(change=change, by=city.technician)

        assert state_of(change) == "approved"
