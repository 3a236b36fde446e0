"""Approved changes wait for their time, and what nobody answers or uses ends."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Change, Freeze, HostResult, PolicyRule, Run, Target
from fleet.automation.rules.arguments import digest
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services import decisions, freezing, holding
from fleet.automation.services.claiming import claim
from fleet.automation.services.policy import question
from fleet.devices import services as devices
from fleet.devices.models import Device, DeviceType
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

    @pytest.mark.parametrize("waited", [timedelta(0), timedelta(minutes=5)])
    def test_a_freeze_holds_what_waits_for_its_worker_or_device(self, city: City, waited: timedelta) -> None:
        change, now = make_change(city, state="approved"), timezone.now()
        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        services.tend(now=now)
        run = change.runs.get()
        Run.objects.filter(pk=run.pk).update(queued_at=now - waited)
        self.freeze(city)

        assert claim(run.pk) is None

        run.refresh_from_db()
        change.refresh_from_db()
        assert (run.state, change.state) == ("cancelled", "approved"), "it is queued anew when it may"

    def test_what_would_end_at_the_bell_does_not_begin_a_moment_later(self, city: City) -> None:
        change, now = make_change(city, state="approved"), timezone.now()
        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        bell = now + timedelta(seconds=question(change, [city.access_point_a.pk], now).disruption_s)
        Freeze.objects.create(
            authority=city.authority, starts_at=bell, ends_at=bell + timedelta(hours=1), reason="Zeugnisse"
        )
        services.tend(now=now)
        run = change.runs.get()

        assert claim(run.pk) is None

    def test_claiming_takes_no_more_queries_for_many_devices(self, city: City) -> None:
        def queries(device_ids: list[int]) -> int:
            change = make_change(city, state="approved")
            run = Run.objects.create(change=change, kind=Run.Kind.APPLY, queued_at=timezone.now())
            HostResult.objects.bulk_create(HostResult(run=run, device_id=pk) for pk in device_ids)
            with CaptureQueriesContext(connection) as asked:
                assert claim(run.pk) is not None
            return len(asked)

        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        kind = city.access_point_a.type
        made = [
            Device(authority=city.authority, site=city.school_b, type=kind, kind=kind.kind, name=f"A{n}") for n in range(200)
        ]
        many = [device.pk for device in Device.objects.bulk_create(made)]

        assert queries(many) == queries([city.access_point_a.pk]) <= 36


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


class TestWhoWasMeant:
    """What was agreed to is agreed to for the machines that were looked at."""

    @staticmethod
    def approved(city: City, *device_ids: int) -> Change:
        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        ids, at_once = device_ids or [city.access_point_a.pk], Strategy(rings=(), spread="none")
        change = services.request_change(
            order=services.Order("ssid", {"ssid": "Klausur"}, ids, city.technician, strategy=at_once)
        )
        change.runs.update(state=Run.State.SUCCEEDED, finished_at=timezone.now())
        Change.objects.filter(pk=change.pk).update(state=Change.State.AWAITING_APPROVAL)
        change.refresh_from_db()
        return decisions.decide(change=change, approver=city.approver, decision=APPROVED, digest=change.digest)

    @staticmethod
    def applying(change: Change) -> Run | None:
        services.tend()
        run = change.runs.filter(kind=Run.Kind.APPLY).first()
        return claim(run.pk) if run else None

    def test_the_same_machine_has_it_done(self, city: City) -> None:
        assert self.applying(self.approved(city)) is not None

    @pytest.mark.parametrize("queued", [False, True])
    @pytest.mark.parametrize("what", ["address", "platform", "ssh_host_key"])
    def test_another_machine_is_asked_about_anew(self, city: City, what: str, *, queued: bool) -> None:
        change = self.approved(city)
        if queued:
            services.tend()
            assert change.runs.filter(kind=Run.Kind.APPLY, state=Run.State.QUEUED).exists()
        openwrt, device = city.access_point_a.type, Device.objects.filter(pk=city.access_point_a.pk)
        if what == "platform":
            other = DeviceType.objects.create(manufacturer="X", model="Y", kind=openwrt.kind, platform="ios")
            device.update(type=other)
        else:
            device.update(**{what: {"address": "127.20.1.77", "ssh_host_key": "ssh-ed25519 AAAA"}[what]})

        assert self.applying(change) is None
        services.tend()

        before = change.digest
        change.refresh_from_db()
        assert (change.state, change.approvals.get().void_at is None) == (Change.State.AWAITING_APPROVAL, False)
        assert change.digest != before
        decisions.decide(change=change, approver=city.approver, decision=APPROVED, digest=change.digest)
        services.tend()
        change.refresh_from_db()
        done = Change.State.CANCELLED if what == "platform" else Change.State.APPROVED
        assert change.state == done, "a playbook is not played on machines that it is not made for"

    @pytest.mark.parametrize("queued", [False, True])
    def test_on_what_is_retired_nothing_is_played(self, city: City, *, queued: bool) -> None:
        change = self.approved(city, city.access_point_a.pk, city.access_point_b.pk)
        if queued:
            services.tend()
        devices.retire(device=city.access_point_a)

        self.applying(change)
        services.tend()
        run = change.runs.filter(kind=Run.Kind.APPLY).exclude(state=Run.State.CANCELLED).get()

        assert change.targets.get(device=city.access_point_a).state == Target.State.SKIPPED
        assert [row.device_id for row in run.hosts.all()] == [city.access_point_b.pk]

    def test_what_was_asked_for_by_numbers_alone_is_still_agreed_to(self, city: City, settings: Any) -> None:
        """As changes had been before, and with the key of before."""
        change = self.approved(city)
        old = digest(
            change.playbook_digest, change.arguments, [city.access_point_a.pk], ends_at=None, key=settings.SECRET_KEY
        )
        Change.objects.filter(pk=change.pk).update(digest=old)
        change.approvals.update(digest=old)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50

        assert self.applying(change) is not None

    @pytest.mark.parametrize("retired", [False, True])
    def test_taking_back_goes_to_the_present_address_and_not_to_what_is_retired(self, city: City, *, retired: bool) -> None:
        now = timezone.now()
        begun, over = now - timedelta(hours=2), now - timedelta(minutes=1)
        change = make_change(city, state="confirmed", playbook="ssid", starts_at=begun, ends_at=over, box="pending")
        run = Run.objects.create(change=change, kind="apply", state="succeeded", started_at=begun, finished_at=begun)
        HostResult.objects.create(run=run, device=city.access_point_a, state="changed", verdict="confirmed")
        change.targets.update(state=Target.State.CONFIRMED)
        Device.objects.filter(pk=city.access_point_a.pk).update(address="127.20.1.77")
        if retired:
            devices.retire(device=city.access_point_a)

        services.tend()

        change.refresh_from_db()
        taking_back = change.runs.filter(kind=Run.Kind.REVERT)
        assert taking_back.count() == (0 if retired else 1)
        assert change.box == (Change.Box.REVERTED if retired else Change.Box.PENDING)
