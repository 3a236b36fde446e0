"""Who is away lets somebody else decide."""

from fleet.automation.models import Change
from fleet.automation.services import decisions, delegating
from fleet.events.models import Event
from tests.conftest import City
from tests.integration.automation.policy.conftest import APPROVED, leave, make_change, refused


class TestLeave:
    """Franka is away; Rita, who may only look, decides in her name."""

    def test_the_deputy_decides_and_the_audit_names_both(self, city: City, change: Change) -> None:
        assert decisions.why_not(change, city.auditor) == "no-role"
        leave(city, city.auditor)
        decisions.decide(change=change, approver=city.auditor, decision=APPROVED, digest=change.digest)
        change.refresh_from_db()

        assert change.state == Change.State.APPROVED
        vote = change.approvals.get()
        assert (vote.approver, vote.on_behalf_of) == (city.auditor, city.approver)
        told = Event.objects.get(name="approval.given")
        assert (told.actor_id, told.payload["on_behalf_of"]) == (city.auditor.pk, city.approver.pk)

    def test_neither_their_own_nor_that_of_the_person_away(self, city: City) -> None:
        leave(city, city.auditor)

        assert decisions.why_not(make_change(city, city.auditor), city.auditor) == "own-change"
        assert decisions.why_not(make_change(city, city.approver), city.auditor) == "delegators-change"

    def test_no_voice_counts_twice(self, city: City) -> None:
        change = make_change(city, approvals_needed=2)
        say = {"change": change, "decision": APPROVED, "digest": change.digest}
        decisions.decide(**say, approver=city.approver)
        leave(city, city.auditor)

        assert refused(lambda: decisions.decide(**say, approver=city.auditor)) == "delegator-decided"

    def test_it_ends(self, city: City, change: Change) -> None:
        row = leave(city, city.auditor)
        assert delegating.end(row=row, by=city.approver)
        assert not delegating.end(row=row, by=city.approver)
        delegating.forget(city.auditor)

        assert decisions.why_not(change, city.auditor) == "no-role"

    def test_who_may_enter_it_for_whom(self, city: City) -> None:
        assert refused(lambda: leave(city, city.auditor, by=city.technician)) == "not-yours"
        assert refused(lambda: leave(city, city.coordinator_b)) == "no-view", "school B is not the whole city"
        assert refused(lambda: leave(city, city.stranger)) == "no-view"
        assert refused(lambda: leave(city, city.approver)) == "same-person"
        assert refused(lambda: leave(city, city.auditor, person=city.technician)) == "nothing-to-delegate"
        leave(city, city.auditor, by=city.administrator)
        assert refused(lambda: leave(city, city.security)) == "overlaps"

    def test_it_is_not_handed_on(self, city: City) -> None:
        leave(city, city.auditor)

        assert refused(lambda: leave(city, city.security, person=city.auditor)) == "nothing-to-delegate"
