"""What an alert does: one ticket per root cause, resolved with the evidence unless a person has something open."""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.utils import timezone, translation

from fleet.devices.models import Device
from fleet.events.services import deliver
from fleet.monitoring.models import Alert
from fleet.monitoring.services.alerts import tell
from helpdesk.tickets import notices, services
from helpdesk.tickets.models import Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db
OPENED = {
    "measured_at": "2026-11-23T09:40:00+00:00",
    "reason": "timeout",
    "last_answered_at": "2026-11-23T09:38:00+00:00",
    "last_values": {"clients": 18},
    "behind": ["AP-204-A"],
}
CLOSED = {"measured_at": "2026-11-23T09:42:00+00:00", "values": {"clients": 3}, "uptime_s": 30}


@pytest.fixture
def opened(city: City) -> Callable[..., Alert]:
    def make(device: Device, **more: object) -> Alert:
        fields = {"kind": "unreachable", "severity": "critical", "opened_at": timezone.now(), "evidence_opened": OPENED}
        with transaction.atomic():
            alert = Alert.objects.create(
                authority_id=device.authority_id, site_id=device.site_id, device=device, **fields | more
            )
            tell("alert.suppressed" if alert.suppressed_by_id else "alert.opened", alert)
        deliver()
        return alert

    return make


def close(alert: Alert) -> None:
    with transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(closed_at=timezone.now(), evidence_closed=CLOSED)
        tell("alert.closed", alert)
    deliver()


def said(ticket: Ticket, notice: str, language: str = "de") -> notices.Notice:
    with translation.override(language):
        found = notices.of(ticket.articles.get(notice=notice))
    assert found is not None
    return found


def test_an_alert_opens_one_ticket_with_device_room_and_evidence(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    with transaction.atomic():
        tell("alert.opened", alert, released=True)
    deliver()

    ticket = Ticket.objects.get(alert=alert)
    assert (ticket.room, list(ticket.devices.all()), ticket.site) == (city.room_a, [city.access_point_a], city.school_a)
    assert ticket.priority == Ticket.Priority.HIGH
    notice = said(ticket, "alert-opened")
    assert notice.sentence.startswith("AP-204-A in Raum 204 antwortet nicht.")
    assert ("Was dahinter hängt", "AP-204-A") in notice.facts
    assert any("18" in value for _label, value in notice.facts)


def test_a_suppressed_alert_gets_none(city: City, opened: Callable[..., Alert]) -> None:
    cause = opened(city.switch_a)

    opened(city.access_point_a, suppressed_by=cause)

    assert [ticket.alert for ticket in Ticket.objects.all()] == [cause]


def test_a_cause_that_is_found_later_is_named_in_the_ticket(city: City, opened: Callable[..., Alert]) -> None:
    child, cause = opened(city.access_point_a), opened(city.switch_a)
    with transaction.atomic():
        child.suppressed_by = cause
        child.save()
        tell("alert.suppressed", child)
    deliver()

    assert "SW-1-A" in said(Ticket.objects.get(alert=child), "alert-suppressed").sentence


def test_recovery_resolves_with_the_evidence(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)

    close(alert)

    ticket = Ticket.objects.get(alert=alert)
    assert ticket.state == "resolved"
    notice = said(ticket, "alert-closed")
    assert "das WLAN in Raum 204 ist wieder da" in notice.sentence
    assert notice.state == "ok"
    assert "the Wi-Fi in room 204 is back" in said(ticket, "alert-closed", "en").sentence


def test_recovery_only_notes_where_a_person_has_something_open(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    ticket = Ticket.objects.get(alert=alert)
    services.take(ticket=ticket, by=city.technician)
    services.reply(ticket=ticket, said=services.Reply(author=city.technician, body="Netzteil ist bestellt.", internal=True))

    close(alert)

    ticket.refresh_from_db()
    assert ticket.state == "open"
    assert said(ticket, "alert-closed").state == "ok"


def test_what_closed_before_it_was_told_needs_no_ticket(city: City) -> None:
    device = city.access_point_a
    with transaction.atomic():
        alert = Alert.objects.create(
            authority_id=device.authority_id, site_id=device.site_id, device=device, kind="unreachable",
            severity="critical", opened_at=timezone.now(), closed_at=timezone.now(),
        )  # fmt: skip
        tell("alert.opened", alert)
        tell("alert.closed", alert)
    deliver()

    assert not Ticket.objects.exists()
