"""When a change may happen and how many must agree: what the tables say."""

from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.automation import policy_words
from fleet.automation.catalogue import get
from fleet.automation.models import Change, ChangeWindow, Freeze, PolicyRule
from fleet.automation.services.policy import approvals_for, why_not_now
from fleet.devices.models import Device
from fleet.monitoring.models import MaintenanceWindow
from fleet.sites import services as sites
from fleet.sites.models import BellPeriod, ExamPeriod, FreePeriod, Site
from tests.conftest import City
from tests.integration.automation.policy.conftest import LESSON, WEDNESDAY, keys, make_change


class TestWhyNotNow:
    def test_lessons_of_the_touched_school_count(self, change: Change) -> None:
        answer = why_not_now(change, [target.device_id for target in change.targets.all()], LESSON)

        assert not answer.allowed
        assert answer.next_at == LESSON.replace(hour=8, minute=45), "five minutes of a break are enough for 15 seconds"
        assert answer.reasons[0].details["site"] == "Schule A"

    def test_holidays_of_the_state_and_of_the_school_are_free(self, city: City, change: Change) -> None:
        assert keys(change, WEDNESDAY) == set(), "the day of repentance is free for pupils in Bavaria"
        FreePeriod.objects.create(
            authority=city.authority, kind="closure", name="Umzug", first_day=LESSON.date(), last_day=LESSON.date()
        )
        assert keys(change) == set()

    def test_naps_exams_freezes_and_windows_are_read(self, city: City, change: Change) -> None:
        scope = {"authority": city.authority, "site": city.school_a}
        hour = {"starts_at": LESSON - timedelta(minutes=30), "ends_at": LESSON + timedelta(minutes=30)}
        BellPeriod.objects.create(**scope, kind="nap", weekday=2, number=1, starts_at=time(8), ends_at=time(9))
        assert keys(change) == {"lesson", "nap"}

        window = ChangeWindow.objects.create(**scope, **hour, reason="Abend", kind="switch")
        assert keys(change) == {"lesson", "nap"}, "a window for switches opens nothing for an access point"
        ChangeWindow.objects.filter(pk=window.pk).update(kind="access-point")
        assert keys(change) == set()

        ChangeWindow.objects.all().delete()
        maintenance = MaintenanceWindow.objects.create(
            **scope, **hour, covers="devices", over_at=hour["ends_at"], reason="Umbau"
        )
        assert keys(change) == {"lesson", "nap"}
        maintenance.devices.add(city.access_point_a)
        assert keys(change) == set()
        both = [city.access_point_a.pk, city.switch_a.pk]
        assert keys(change, device_ids=both) == {"lesson", "nap"}, "it must cover everything that is touched there"

        ExamPeriod.objects.create(**scope, name="Abitur", starts_at=LESSON, ends_at=LESSON + timedelta(hours=1))
        assert keys(change, LESSON - timedelta(days=1, hours=-12)) == {"exam"}
        ExamPeriod.objects.all().delete()

        freeze = Freeze.objects.create(authority=city.authority, **hour, reason="Wahl")
        assert keys(change) == {"frozen"}
        Freeze.objects.filter(pk=freeze.pk).update(ended_at=timezone.now())
        assert keys(change) == set()

    def test_the_wifi_of_an_exam_goes_on_air_on_the_morning_of_the_exam(self, city: City) -> None:
        change = make_change(city, playbook="ssid")
        ExamPeriod.objects.create(
            authority=city.authority,
            site=city.school_a,
            name="Abitur",
            starts_at=LESSON,
            ends_at=LESSON + timedelta(hours=4),
        )

        assert keys(change, LESSON.replace(minute=0)) == set()
        assert "exam" in keys(make_change(city, playbook="psk-rotate"), LESSON.replace(minute=0))

    def test_an_authority_may_have_agreed_otherwise(self, city: City, change: Change) -> None:
        PolicyRule.objects.create(authority=city.authority, risk="medium", times="any", exam_margin_days=0)
        assert keys(change) == set()

    @pytest.mark.parametrize(("days", "kept_free"), [(0, set()), (2, {"exam"}), (1, set())])
    def test_days_around_exams_that_were_agreed_hold_for_low_risk_too(
        self, city: City, days: int, kept_free: set[str]
    ) -> None:
        change = make_change(city, risk="low", playbook="ap-restart")
        PolicyRule.objects.create(authority=city.authority, risk="low", times="any", exam_margin_days=days)
        begins = LESSON + timedelta(days=2)
        scope = {"authority": city.authority, "site": city.school_a}
        ExamPeriod.objects.create(**scope, name="Abitur", starts_at=begins, ends_at=begins + timedelta(hours=4))

        assert keys(change, LESSON.replace(hour=18)) == kept_free

    @pytest.mark.parametrize(("risk", "playbook"), [("medium", "ssid"), ("low", "port-label")])
    def test_only_in_windows_holds_for_what_interrupts_next_to_nothing_too(
        self, city: City, risk: str, playbook: str
    ) -> None:
        change = make_change(city, risk=risk, playbook=playbook)
        assert keys(change) == set()
        PolicyRule.objects.create(authority=city.authority, risk=risk, times="windows", exam_margin_days=0)

        assert keys(change) == {"window"}

    def test_a_restart_that_is_only_planned_keeps_out_of_lessons(self, city: City) -> None:
        change = make_change(city, risk="high", playbook="linux-updates", arguments={"reboot_at": "08:20"})
        evening = LESSON.replace(hour=20) - timedelta(days=1)

        answer = why_not_now(change, [city.access_point_a.pk], evening)

        assert not answer.allowed
        assert "08:20" in policy_words.reason(answer.reasons[0])
        Change.objects.filter(pk=change.pk).update(arguments={"reboot_at": "03:20"})
        assert keys(Change.objects.get(pk=change.pk), evening) == set()

    def test_two_thousand_devices_at_a_hundred_schools_take_no_more_queries_than_one(self, city: City) -> None:
        change = make_change(city)
        few = self.queries(change, [city.access_point_a.pk])
        kind = city.switch_a.type
        for number in range(100):
            details = sites.SiteDetails(Site.Kind.SCHOOL, f"Schule {number:03}", f"s-{number}")
            site = sites.create_site(authority=city.authority, details=details)
            Device.objects.bulk_create(
                Device(authority=city.authority, site=site, type=kind, kind=kind.kind, name=f"S{number}-{one}")
                for one in range(20)
            )

        many = self.queries(change, list(Device.objects.values_list("pk", flat=True)))

        assert many == few <= 18

    @staticmethod
    def queries(change: Change, device_ids: list[int]) -> int:
        fresh = Change.objects.select_related("requested_by").get(pk=change.pk)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert not why_not_now(fresh, device_ids, LESSON).allowed
        return len(captured)


def test_how_many_must_agree_comes_from_the_playbook_and_the_devices(city: City) -> None:
    assert approvals_for(get("ssid"), [city.access_point_a]).count == 1
    assert approvals_for(get("ap-restart"), [city.access_point_a]).count == 0
