"""A device dies, is confirmed, and comes back; a gateway takes everything behind it along."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from fleet.devices import services as devices
from fleet.events.models import Event
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health, Sample
from fleet.monitoring.rules.causes import ASKED_WITHIN, RELEASE_AFTER
from fleet.monitoring.services.upkeep import tend
from helpdesk.tickets import notices
from helpdesk.tickets.models import Article
from tests.integration.monitoring.conftest import School

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, int]]:
    return list(Event.objects.filter(name__startswith="alert.").order_by("pk").values_list("name", "subject_id"))


def test_a_dead_access_point_gives_one_alert_with_evidence_which_recovery_closes(school: School) -> None:
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)
    last_answer = school.health("Access Point 101").answered_at

    school.kill("ap-101")
    school.poll_until(lambda: school.health("Access Point 101").status == "down")

    alert = Alert.objects.get()
    assert alert.device.name == "Access Point 101"
    assert alert.closed_at is None
    assert alert.evidence_opened["reason"] == "timeout"
    assert alert.evidence_opened["failed_polls"] == 3
    assert alert.evidence_opened["last_answered_at"] == last_answer.isoformat()
    assert alert.evidence_opened["last_values"]["uptime_s"] > 0
    assert alert.evidence_opened["behind"] == []
    assert events() == [("alert.opened", alert.pk)]

    school.poll_until(lambda: school.health("Access Point 101").failures > 5)
    assert Alert.objects.count() == 1

    school.heal()
    school.poll_until(lambda: school.health("Access Point 101").status == "up")

    alert.refresh_from_db()
    assert alert.closed_at is not None
    assert alert.evidence_closed["uptime_s"] > 0
    assert events() == [("alert.opened", alert.pk), ("alert.closed", alert.pk)]


def test_one_unanswered_poll_is_no_alert(school: School) -> None:
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)
    school.kill("ap-101")
    school.poll_until(lambda: school.health("Access Point 101").failures == 2)
    school.heal()
    school.poll_until(lambda: school.health("Access Point 101").failures == 0)

    assert not Alert.objects.exists()
    assert school.health("Access Point 101").status == "up"


def test_a_dead_gateway_is_the_one_root_cause_and_all_is_closed_after_recovery(school: School) -> None:
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)

    school.kill("*")
    school.poll_until(lambda: len(school.open_alerts()) == 5)

    roots = [name for name, cause in school.open_alerts().items() if cause is None]
    assert roots == ["Gateway"]
    assert set(school.open_alerts().values()) == {None, "Gateway"}
    gateway = Alert.objects.get(device__name="Gateway")
    nearest, *further = gateway.evidence_opened["behind"]
    assert nearest == "Switch 1"
    assert set(further) == {"Access Point 101", "Access Point 102", "Drucker 101"}
    assert [name for name, _ in events()].count("alert.opened") == 1

    school.heal()
    school.poll_until(lambda: not school.open_alerts())
    assert [name for name, _ in events()].count("alert.closed") == 5


def test_a_parent_found_down_last_takes_over_the_alerts_of_its_children(school: School) -> None:
    """The access points are known to be down, the gateway and the switch still count as running."""
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)
    school.kill("*")
    behind = Health.objects.filter(device__kind="access-point")
    for _ in range(5):
        services.poll_now(device_ids=list(behind.values_list("pk", flat=True)))
    assert school.open_alerts() == {}  # what they hang on has not been asked since
    behind.update(failing_since=timezone.now() - ASKED_WITHIN - timedelta(seconds=1))
    services.poll_now(device_ids=list(behind.values_list("pk", flat=True)))
    assert school.open_alerts() == {"Access Point 101": None, "Access Point 102": None}

    school.poll_until(lambda: len(school.open_alerts()) == 5)

    assert school.open_alerts()["Access Point 101"] == "Gateway"
    assert school.open_alerts()["Gateway"] is None
    access_point = Alert.objects.get(device__name="Access Point 101")
    assert ("alert.suppressed", access_point.pk) in events()


def test_with_two_uplinks_only_the_failure_of_both_explains_silence(school: School) -> None:
    access_point = school.device("Access Point 101")
    second = school.device("Gateway").interfaces.order_by("pk").last()
    assert second is not None
    devices.connect(device=access_point, port=second)
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)

    switch = school.device("Switch 1").pk
    assert {device.name for device in services.behind([switch])[switch]} == {"Access Point 102", "Drucker 101"}
    school.kill("sw-1", "ap-101")
    school.poll_until(lambda: "Access Point 101" in school.open_alerts())
    assert school.open_alerts()["Access Point 101"] is None


def test_who_stays_silent_after_the_root_cause_is_gone_becomes_one(school: School) -> None:
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)
    school.kill("*")
    school.poll_until(lambda: len(school.open_alerts()) == 5)
    school.kill("ap-101")
    school.poll_until(lambda: len(school.open_alerts()) == 1)
    alert = Alert.objects.open().get()
    assert alert.suppressed_by is not None  # it may still be starting

    late = timezone.now() + RELEASE_AFTER + timedelta(seconds=1)
    services.judge_sites(site_ids=[alert.site_id], now=late)

    alert.refresh_from_db()
    assert alert.suppressed_by is None
    assert events()[-1] == ("alert.opened", alert.pk)


def test_wrong_credentials_are_told_apart_from_silence(school: School) -> None:
    device = school.device("Access Point 101")
    device.snmp_credential.secret = {"nonsense": 1}
    device.snmp_credential.save()
    services.poll_now(device_ids=[device.pk])
    assert school.health("Access Point 101").reason == "credential"


def test_a_reading_keeps_no_forwarding_table_and_fills_a_sample(school: School) -> None:
    services.poll_due()
    health = school.health("Switch 1")
    assert health.reading["forwarding"] is None
    assert health.reading["reachable"] is True
    said = Sample.objects.filter(device=health.device).get().said
    assert 0 <= said["uptime_s"] - health.reading["uptime_s"] <= 5  # what a plan follows is asked for right after the walk


def test_an_alert_of_a_sensor_that_was_taken_out_ends_after_the_next_walk(school: School) -> None:
    school.poll_until(lambda: Health.objects.filter(status="up").count() == 5)
    health, now = school.health("Switch 1"), timezone.now()
    hour = timedelta(hours=1)
    Health.objects.filter(pk=health.pk).update(beyond=dict.fromkeys(("ups_charge", "uptime_s"), now.isoformat()))

    def open_alert(kind: str, before: timedelta) -> Alert:
        return Alert.objects.create(
            authority_id=health.authority_id, site_id=health.site_id, device_id=health.pk, kind=kind,
            severity="warning", opened_at=now - before,
        )  # fmt: skip

    gone, there = open_alert("ups_charge", hour), open_alert("uptime_s", hour)
    fresh = open_alert("toner", -hour)
    tend(now=now)

    for alert in (gone, there, fresh):
        alert.refresh_from_db()
    assert gone.closed_at is not None
    assert gone.evidence_closed["reason"] == "not-said"
    assert (there.closed_at, fresh.closed_at) == (None, None)  # the one is said, the other opened after the walk
    assert list(school.health("Switch 1").beyond) == ["uptime_s"]
    with translation.override("de"):
        said = notices.of(Article(notice="alert-closed", details={"device": "Switch 1", "evidence": gone.evidence_closed}))
    assert said is not None
    assert "von diesem Wert nichts mehr zu hören" in said.sentence
