"""What an alert does: one ticket per root cause, resolved with the evidence unless a person has something open."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone, translation

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.events.models import Consumption, Refusal
from fleet.events.services import Fact, deliver, emit
from fleet.monitoring import services as monitoring
from fleet.monitoring.models import Alert
from fleet.monitoring.services import tend
from fleet.monitoring.services.alerts import tell
from fleet.sites.models import Site
from helpdesk.tickets import notices, services
from helpdesk.tickets.consumers import NAME
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


def test_at_a_school_that_has_closed_meanwhile_it_gets_none(city: City, opened: Callable[..., Alert]) -> None:
    Site.objects.filter(pk=city.school_a.pk).update(closed_at=timezone.now())

    opened(city.switch_a)

    assert not Ticket.objects.exists()
    assert Consumption.objects.filter(consumer=NAME).exists()
    assert not Refusal.objects.exists()


def test_a_cause_that_is_found_later_is_named_in_the_ticket_with_its_ticket(
    city: City, opened: Callable[..., Alert]
) -> None:
    child, cause = opened(city.access_point_a), opened(city.switch_a)
    happened("alert.suppressed", child, suppressed_by=cause)
    happened("alert.suppressed", child)  # the same told twice is said once

    ticket, above = Ticket.objects.get(alert=child), Ticket.objects.get(alert=cause)
    notice = said(ticket, "alert-suppressed")
    assert "SW-1-A" in notice.sentence
    assert above.number in notice.sentence
    assert notice.link is not None
    assert above.number in notice.link.url
    assert ticket.state == "new"  # nothing was measured that would end it

    close(child)

    assert "ist wieder da" in said(ticket, "alert-closed").sentence
    ticket.refresh_from_db()
    assert ticket.state == "resolved"


def test_recovery_resolves_with_the_evidence(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)

    close(alert)

    ticket = Ticket.objects.get(alert=alert)
    assert ticket.state == "resolved"
    notice = said(ticket, "alert-closed")
    assert "das WLAN in Raum 204 ist wieder da" in notice.sentence
    assert notice.state == "ok"
    assert "the Wi-Fi in room 204 is back" in said(ticket, "alert-closed", "en").sentence


def test_an_end_without_an_answer_is_told_as_one_and_resolves_nothing(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    devices.retire(device=city.access_point_a)

    tend()
    deliver()

    ticket = Ticket.objects.get(alert=alert)
    assert ticket.state == "new"
    notice = said(ticket, "alert-closed")
    assert "gemessen wurde aber nichts" in notice.sentence
    assert notice.state == "watch"


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


def happened(name: str, alert: Alert, **changes: object) -> None:
    with transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(**changes)
        alert.refresh_from_db()
        tell(name, alert, **({"before": "warning"} if name == "alert.severity" else {}))
    deliver()


def remedied(name: str, alert: Alert) -> None:
    """As `fleet.automation` tells it."""
    with transaction.atomic():
        told = {"remedy": "power-cycle-access-point", "device_id": alert.device_id, "change_id": None}
        emit(Fact(name, alert, alert.authority_id, alert.site_id, payload=told))
    deliver()


@pytest.mark.parametrize("notice", ["remedy-ordered", "remedy-person-needed"])
def test_what_a_remedy_does_is_told_also_when_the_ticket_was_closed(
    city: City, opened: Callable[..., Alert], notice: str
) -> None:
    alert = opened(city.access_point_a)
    Ticket.objects.update(state=Ticket.State.CLOSED)

    remedied(notice.replace("-", ".", 1), alert)

    ticket = Ticket.objects.open().get(alert=alert)
    assert said(ticket, notice).sentence


@pytest.mark.parametrize("notice", ["remedy-helped", "remedy-over"])
def test_a_remedys_good_end_leaves_no_open_ticket(city: City, opened: Callable[..., Alert], notice: str) -> None:
    alert = opened(city.access_point_a)
    Ticket.objects.update(state=Ticket.State.CLOSED)
    close(alert)

    remedied(notice.replace("-", ".", 1), alert)

    ticket = Ticket.objects.exclude(state=Ticket.State.CLOSED).get(alert=alert)
    assert said(ticket, notice).sentence
    assert ticket.state == Ticket.State.RESOLVED


def test_back_again_it_goes_on_in_the_same_ticket(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    close(alert)
    happened("alert.reopened", alert, closed_at=None)

    ticket = Ticket.objects.get()
    assert ticket.state == "open"
    assert said(ticket, "alert-reopened").sentence.startswith("Wieder da: AP-204-A in Raum 204 antwortet nicht.")


def test_but_a_ticket_that_was_closed_for_good_stays_closed(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    close(alert)
    services.transition(ticket=Ticket.objects.get(), to=Ticket.State.CLOSED, actor=city.technician)
    happened("alert.reopened", alert, closed_at=None)

    assert list(Ticket.objects.order_by("pk").values_list("state", flat=True)) == ["closed", "new"]


def test_what_was_suppressed_and_comes_back_by_itself_gets_its_ticket_then(city: City, opened: Callable[..., Alert]) -> None:
    cause = opened(city.switch_a)
    alert = opened(city.access_point_a, suppressed_by=cause)
    close(alert)
    happened("alert.reopened", alert, closed_at=None, suppressed_by=None)

    assert Ticket.objects.filter(alert=alert).count() == 1


def test_flapping_is_said_once_and_more_weight_makes_more_urgent(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a, severity="warning")
    happened("alert.flapping", alert, flapping=True)
    happened("alert.severity", alert, severity="critical")

    ticket = Ticket.objects.get()
    assert ticket.priority == Ticket.Priority.HIGH
    assert "fällt immer wieder kurz aus" in said(ticket, "alert-flapping").sentence
    assert "Warnung → Kritisch" in said(ticket, "alert-severity").sentence


def test_a_dark_building_gets_its_ticket_once_school_has_begun(city: City, opened: Callable[..., Alert]) -> None:
    evidence = OPENED | {"building": "Haupthaus"}
    alert = opened(city.switch_a, kind="power-off", severity="info", building=city.building_a, evidence_opened=evidence)
    assert not Ticket.objects.exists()

    happened("alert.confirmed", alert, confirmed_at=timezone.now(), severity="critical")
    ticket = Ticket.objects.get()
    assert ticket.subject == "Haupthaus schweigt noch im Ganzen, obwohl der Unterricht begonnen hat"
    assert said(ticket, "alert-opened").sentence.startswith("Haupthaus: Kein Gerät dort antwortet.")


def test_a_cause_that_gets_its_ticket_last_is_linked_then(city: City, opened: Callable[..., Alert]) -> None:
    child = opened(city.access_point_a)
    cause = opened(city.switch_a, kind="power-off", severity="info", building=city.building_a)
    happened("alert.suppressed", child, suppressed_by=cause)
    ticket = Ticket.objects.get()
    assert said(ticket, "alert-suppressed").link is None

    happened("alert.confirmed", cause, confirmed_at=timezone.now(), severity="critical")

    above = Ticket.objects.get(alert=cause)
    latest = ticket.articles.filter(notice="alert-suppressed").order_by("-pk")[0]
    assert latest.details["number"] == above.number


def test_few_people_are_not_counted_where_a_school_reads(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a, evidence_opened=OPENED | {"last_values": {"clients": 3}})
    facts = said(Ticket.objects.get(alert=alert), "alert-opened").facts
    assert ("Verbundene Geräte", "<5") in facts


def test_who_is_still_silent_when_its_cause_is_over_has_its_ticket_to_itself_again(
    city: City, opened: Callable[..., Alert]
) -> None:
    child, cause = opened(city.access_point_a), opened(city.switch_a)
    happened("alert.suppressed", child, suppressed_by=cause)

    Alert.objects.filter(pk=child.pk).update(suppressed_by=None)
    with transaction.atomic():
        tell("alert.opened", child, released=True, at="2026-11-23T09:44:00+00:00")
    deliver()

    ticket = Ticket.objects.get(alert=child)
    assert ticket.state == "new"
    assert "antwortet weiterhin nicht" in said(ticket, "alert-released").sentence

    happened("alert.suppressed", child, suppressed_by=cause)  # and once more, since that is news again
    assert ticket.articles.filter(notice="alert-suppressed").count() == 2


def test_one_that_was_resolved_meanwhile_is_opened_again(city: City, opened: Callable[..., Alert]) -> None:
    child, cause = opened(city.access_point_a), opened(city.switch_a)
    happened("alert.suppressed", child, suppressed_by=cause)
    ticket = Ticket.objects.get(alert=child)
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED, actor=city.technician)

    Alert.objects.filter(pk=child.pk).update(suppressed_by=None)
    with transaction.atomic():
        tell("alert.opened", child, released=True)
    deliver()

    ticket.refresh_from_db()
    assert ticket.state == "open"


def test_what_people_do_with_an_alert_stands_in_its_ticket(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    monitoring.acknowledge(alert=alert, by=city.technician)
    monitoring.comment(alert=alert, by=city.technician, body="Netzteil {{ defekt }}")
    monitoring.snooze(alert=alert, by=city.technician, until=timezone.now() + timedelta(hours=2))
    monitoring.wake(alert=alert)
    deliver()
    deliver()

    articles = Ticket.objects.get().articles.filter(notice__in=DONE).order_by("pk")
    assert [(one.notice, one.body, one.author, one.internal) for one in articles] == [
        ("alert-acknowledged", "", city.technician, True),
        ("alert-commented", "Netzteil {{ defekt }}", city.technician, True),
        ("alert-snoozed", "", city.technician, True),
        ("alert-woken", "", None, True),
    ]
    assert all(notices.of(one).sentence != one.notice for one in articles)


DONE = ("alert-acknowledged", "alert-commented", "alert-snoozed", "alert-woken")


def test_who_takes_the_ticket_has_taken_note_of_the_alert_and_that_goes_in_no_circle(
    city: City, opened: Callable[..., Alert]
) -> None:
    alert = opened(city.access_point_a)
    ticket = Ticket.objects.get()
    services.take(ticket=ticket, by=city.technician)
    for _ in range(3):
        deliver()

    alert.refresh_from_db()
    assert alert.acknowledged_by == city.technician
    assert [one.notice for one in ticket.articles.all()] == ["alert-opened", "taken"]


def test_who_may_not_look_after_alerts_takes_the_ticket_alone(city: City, opened: Callable[..., Alert]) -> None:
    alert = opened(city.access_point_a)
    services.take(ticket=Ticket.objects.get(), by=city.security)
    deliver()

    alert.refresh_from_db()
    assert alert.acknowledged_by is None


def test_what_comes_and_goes_is_called_so_unless_people_named_it(city: City, opened: Callable[..., Alert]) -> None:
    alert, named = opened(city.access_point_a), opened(city.printer_a)
    Ticket.objects.filter(alert=named).update(subject="Drucker im Physikraum")
    for one in (alert, named):
        happened("alert.flapping", one, flapping=True, quiet_since=timezone.now())

    assert Ticket.objects.get(alert=alert).subject == "AP-204-A kommt und geht"
    assert Ticket.objects.get(alert=named).subject == "Drucker im Physikraum"
