"""Approved changes wait for their time, and what nobody answers or uses ends."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Change, Freeze, PolicyRule, Run
from fleet.automation.services import decisions, freezing, holding
from fleet.automation.services.claiming import claim
from fleet.events.models import Event
from tests.conftest import City, login
from tests.integration.automation.policy.conftest import APPROVED, make_change


class TestWaiting:
    """Each of these changes waits for the end of a freeze."""

    @staticmethod
    def freeze(city: City) -> Freeze:
        begun = timezone.now() - timedelta(hours=1)
        return Freeze.objects.create(
            authority=city.authority, starts_at=begun, ends_at=begun + timedelta(days=2), reason="Zeugnisse"
        )

    @staticmethod
    def queries(now: datetime) -> int:
        with CaptureQueriesContext(connection) as asked:
            services.tend(now=now)
        return len(asked)

    def test_a_tick_asks_about_some_and_about_none_twice(self, city: City) -> None:
        self.freeze(city)
        for _ in range(holding.AT_MOST + 10):
            make_change(city, state="approved")
        now = timezone.now()

        first, second, third = (self.queries(now) for _ in range(3))

        assert third < 40, "all have been asked about, and nothing has changed"
        assert second - third < (first - third) / 2
        assert not Run.objects.exists()
        assert self.queries(now + timedelta(minutes=2)) > first / 2

    def test_it_begins_as_soon_as_it_may(self, city: City, django_capture_on_commit_callbacks: Any) -> None:
        freeze = self.freeze(city)
        change, now = make_change(city, state="approved"), timezone.now()
        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        services.tend(now=now)
        assert not change.runs.exists()

        with django_capture_on_commit_callbacks(execute=True):
            freezing.end(row=freeze, by=city.administrator)
        services.tend(now=now)

        assert change.runs.get().state == "queued"

    def test_what_gets_its_device_too_late_does_not_begin(self, city: City) -> None:
        change, now = make_change(city, state="approved"), timezone.now()
        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        services.tend(now=now)
        run = change.runs.get()
        Run.objects.filter(pk=run.pk).update(queued_at=now - timedelta(minutes=5))
        self.freeze(city)

        assert claim(run.pk) is None

        run.refresh_from_db()
        change.refresh_from_db()
        assert (run.state, change.state) == ("cancelled", "approved"), "it is queued anew when it may"


class TestExpiry:
    def test_a_request_nobody_answers_ends_with_a_clear_word(self, city: City) -> None:
        change, young = make_change(city), make_change(city)
        Change.objects.filter(pk=change.pk).update(state_since=timezone.now() - timedelta(days=15))
        services.tend()

        states = {one.pk: one.state for one in Change.objects.all()}
        assert states == {change.pk: "cancelled", young.pk: "awaiting-approval"}
        told = Event.objects.get(name="change.cancelled")
        assert (told.payload["too_late"], told.payload["expired"]) == (True, True)
        assert (
            "wurde sie von selbst abgebrochen"
            in login(Client(), city.approver).get(f"/changes/{change.pk}/").content.decode()
        )

    def test_an_approval_not_used_is_asked_for_anew(self, city: City) -> None:
        change = make_change(city)
        decisions.decide(change=change, approver=city.approver, decision=APPROVED, digest=change.digest)
        old = timezone.now() - timedelta(days=15)
        Change.objects.filter(pk=change.pk).update(starts_at=old)
        change.approvals.update(decided_at=old)
        services.tend()
        change.refresh_from_db()

        assert change.state == Change.State.AWAITING_APPROVAL
        assert change.approvals.get().void_at is not None
        decisions.decide(change=change, approver=city.approver, decision=APPROVED, digest=change.digest)
        change.refresh_from_db()
        assert change.state == Change.State.APPROVED, "the same person may agree anew"

    def test_what_has_begun_is_left_alone(self, city: City) -> None:
        change = make_change(city, state="approved")
        old = timezone.now() - timedelta(days=15)
        Change.objects.filter(pk=change.pk).update(state_since=old, starts_at=old)
        Run.objects.create(change=change, kind=Run.Kind.APPLY, state=Run.State.FAILED, started_at=old)
        services.tend()

        change.refresh_from_db()
        assert change.state == Change.State.APPROVED
