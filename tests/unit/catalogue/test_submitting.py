"""An order becomes a ticket, a request and a change: all of it or nothing, and once; then it follows its change."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import serializers
from django.db import transaction
from django.utils import timezone, translation

from fleet.automation.models import Change, HostResult, Run
from fleet.automation.services.telling import tell
from fleet.devices import services as devices
from fleet.devices.models import DeviceType
from fleet.events.services import deliver
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.catalogue import offers, services
from helpdesk.catalogue.forms import OrderForm
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.tickets import notices, timeline
from helpdesk.tickets.models import Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db
PSK = "gepflanzt-7Kx2-9mQw"


def exam(city: City, **more: Any) -> services.Submission:
    offer = offers.get("exam-wifi")
    assert offer is not None
    now = timezone.now()
    fields: dict[str, Any] = {
        "user": city.coordinator_a,
        "token": "t1",
        "room": city.room_a,
        "arguments": {**offer.fixed, "ssid": "Pruefung-204", "psk": PSK},
        "starts_at": now + timedelta(hours=1),
        "ends_at": now + timedelta(hours=5),
    }
    return services.Submission(offer=offer, **fields | more)


def test_an_order_is_a_ticket_with_a_change_on_the_rooms_access_points(city: City) -> None:
    made = services.submit(submission=exam(city))

    change = made.request.change
    assert change is not None
    assert (made.ticket.kind, made.ticket.state, made.ticket.requester) == ("request", "waiting-change", city.coordinator_a)
    assert [target.device for target in change.targets.all()] == [city.access_point_a]
    assert change.arguments["state"] == "present"
    assert change.box == "pending"


def test_the_key_is_shown_once_and_kept_nowhere_in_clear(city: City) -> None:
    made = services.submit(submission=exam(city))

    assert made.keys["psk"].reveal() == PSK
    rows = [*Ticket.objects.all(), *made.ticket.articles.all(), *ServiceRequest.objects.all()]
    assert PSK not in serializers.serialize("json", rows)
    assert PSK not in json.dumps(Change.objects.get().arguments)


def test_a_double_click_makes_one_ticket_and_shows_the_same_key(city: City) -> None:
    first, second = (services.submit(submission=exam(city)) for _ in range(2))

    assert first.ticket == second.ticket
    assert second.keys["psk"].reveal() == PSK, "of a double click the browser shows the second answer"
    assert (Ticket.objects.count(), Change.objects.count(), Run.objects.count()) == (1, 1, 1)


def test_later_the_key_is_not_shown_again(city: City) -> None:
    services.submit(submission=exam(city))
    ServiceRequest.objects.update(created_at=timezone.now() - timedelta(hours=1))

    assert services.submit(submission=exam(city)).keys == {}


def test_somebody_elses_key_is_another_order(city: City) -> None:
    services.submit(submission=exam(city))

    services.submit(submission=exam(city, user=city.technician))

    assert Ticket.objects.count() == 2


def test_what_automation_refuses_leaves_nothing_behind(city: City) -> None:
    with pytest.raises(services.SubmissionError) as refused:
        services.submit(submission=exam(city, ends_at=timezone.now() - timedelta(hours=1)))

    assert set(refused.value.problems) == {"ends_at"}
    assert not Ticket.objects.exists()
    assert not Change.objects.exists()


def test_a_room_of_another_school_has_no_targets(city: City) -> None:
    with pytest.raises(services.SubmissionError) as refused:
        services.submit(submission=exam(city, room=city.room_b))

    assert "targets" in refused.value.problems
    assert not Ticket.objects.exists()


def test_power_cycling_finds_the_switch_and_its_port(city: City) -> None:
    lab_switch = devices.ensure_type(manufacturer="Lab", model="S8", kind=DeviceType.Kind.SWITCH, platform="labswitch")
    city.switch_a.type = lab_switch
    city.switch_a.save()
    offer = offers.get("poe-cycle")
    assert offer is not None
    wish = services.Submission(offer=offer, user=city.technician, token="t", device=city.access_point_a)

    change = services.submit(submission=wish).request.change

    assert change is not None
    assert [target.device for target in change.targets.all()] == [city.switch_a]
    assert change.arguments == {"port": 1}


def test_an_order_without_a_playbook_is_a_plain_ticket(city: City) -> None:
    offer = offers.get("new-device")
    assert offer is not None
    wish = services.Submission(offer=offer, user=city.coordinator_a, token="t", room=city.room_a, note="Ein Beamer")

    made = services.submit(submission=wish)

    assert (made.request.change, made.ticket.state) == (None, "new")
    assert made.ticket.articles.get().body == "Ein Beamer"


@pytest.mark.parametrize("text", ["{{ lookup('pipe','id') }}", "; reboot", "../../etc/passwd", "<script>alert(1)</script>"])
def test_text_stays_text(city: City, text: str) -> None:
    arguments = {"state": "present", "encryption": "sae-mixed", "ssid": text[:32], "psk": PSK}

    made = services.submit(submission=exam(city, arguments=arguments, note=text))

    change = made.request.change
    assert change is not None
    assert change.arguments["ssid"] == text[:32]
    assert change.reason == text
    assert made.ticket.articles.get().body == text


# --- the change goes on ---------------------------------------------------------------------------------------------------

Told = Callable[..., Ticket]


@pytest.fixture
def told(city: City) -> Told:
    """Lets automation tell something of the order's change, and gives the ticket as it is then."""
    made = services.submit(submission=exam(city))
    change = made.request.change
    assert change is not None

    def tell_it(name: str, **payload: Any) -> Ticket:
        with transaction.atomic():
            tell(change, name, **payload)
        deliver()
        return Ticket.objects.get(pk=made.ticket.pk)

    return tell_it


def measured(verdict: str) -> None:
    change = Change.objects.get()
    run = Run.objects.create(change=change, kind="apply", state="succeeded")
    evidence = {
        "reading": "wireless.ssids", "holds": "contains", "wanted": "Pruefung-204", "before": ["Schule"],
        "after": ["Schule", "Pruefung-204"], "verdict": verdict, "device": "AP-204-A",
        "measured_at": "2026-11-23T09:42:00+00:00",
    }  # fmt: skip
    HostResult.objects.create(run=run, device=change.targets.get().device, state="changed", evidence=[evidence])


def sentences(ticket: Ticket, reader: User, language: str = "de") -> list[str]:
    with translation.override(language):
        return [timeline.summary(entry) for entry in timeline.of(ticket, reader)]


def test_confirmed_resolves_with_the_evidence(told: Told, city: City) -> None:
    told("previewed")
    told("approved")
    told("started")
    measured("confirmed")

    ticket = told("confirmed")

    assert ticket.state == "resolved"
    assert any("Um " in one and "das WLAN „Pruefung-204“ ist in Raum 204 da." in one
               for one in sentences(ticket, city.coordinator_a))  # fmt: skip
    notice = notices.of(ticket.articles.get(notice="change-confirmed"))
    assert notice is not None
    assert notice.evidence[0]["after"] == "Schule, Pruefung-204"


def test_a_change_for_later_says_when_it_begins(told: Told, city: City) -> None:
    ticket = told("approved")

    begins = timezone.localtime(Change.objects.get().starts_at)
    assert any(begins.strftime("%H:%M") in one for one in sentences(ticket, city.coordinator_a))


@pytest.mark.parametrize("event", ["refuted", "unknown", "failed", "lost"])
def test_what_did_not_work_goes_to_a_technician_with_what_to_do(told: Told, city: City, event: str) -> None:
    ticket = told(event)

    assert (ticket.state, ticket.priority) == ("open", Ticket.Priority.HIGH)
    links = {reader: [entry.link for entry in timeline.of(ticket, reader) if entry.link]
             for reader in (city.technician, city.coordinator_a)}  # fmt: skip
    assert links[city.technician][0].url == f"/changes/{Change.objects.get().pk}/"
    assert links[city.coordinator_a] == []


def test_what_stands_still_since_a_device_is_another_one_is_looked_at_by_a_technician(told: Told, city: City) -> None:
    told("started")

    ticket = told("paused-as-another")

    assert ticket.state == "open"
    entry = next(one for one in timeline.of(ticket, city.technician) if one.link)
    assert entry.link is not None
    assert entry.link.url == f"/changes/{Change.objects.get().pk}/"
    assert any("steht still" in one for one in sentences(ticket, city.coordinator_a))
    assert told("asked-anew").state == "waiting-change"


def test_what_could_not_be_taken_back_is_named_to_a_technician(told: Told, city: City) -> None:
    about = {"not_reached": [1, 2, 3], "names": ["AP-204-A", "AP-205-A"], "taken_back": 5, "waited_h": 72}

    ticket = told("revert-failed", **about)

    assert (ticket.state, ticket.priority) == ("open", Ticket.Priority.HIGH)
    assert any("AP-204-A, AP-205-A …" in one and "72 Stunden" in one for one in sentences(ticket, city.technician))


@pytest.mark.parametrize(
    ("event", "state", "says"), [("made-good", "waiting-change", "von selbst"), ("not-made-good", "open", "sieht")]
)
def test_what_was_cut_off_and_made_good_or_not_is_said(told: Told, city: City, event: str, state: str, says: str) -> None:
    ticket = told(event, run_id=1, device_ids=[city.access_point_a.pk])

    assert ticket.state == state
    assert any("abgebrochen" in one and says in one for one in sentences(ticket, city.technician))


def test_an_unknown_outcome_never_finishes_a_ticket(told: Told) -> None:
    assert told("unknown").state == "open"


def test_waiting_for_another_change_is_said(told: Told, city: City) -> None:
    ticket = told("waiting", device="AP-204-A", change_id=7)

    assert any("AP-204-A" in one for one in sentences(ticket, city.coordinator_a))


def test_being_taken_back_leaves_the_ticket_resolved(told: Told, city: City) -> None:
    measured("confirmed")
    told("confirmed")

    ticket = told("reverted")

    assert ticket.state == "resolved"
    assert any("das WLAN „Pruefung-204“ ist abgeschaltet." in one for one in sentences(ticket, city.coordinator_a))


def test_not_being_able_to_take_it_back_opens_the_ticket_again(told: Told) -> None:
    measured("confirmed")
    told("confirmed")

    ticket = told("revert-failed")

    assert (ticket.state, ticket.priority) == ("open", Ticket.Priority.HIGH)


def test_a_no_finishes_it_and_says_so(told: Told, city: City) -> None:
    ticket = told("rejected")

    assert ticket.state == "resolved"
    assert "Das wurde abgelehnt. Es wurde nichts geändert." in sentences(ticket, city.coordinator_a)


def test_changes_that_nobody_ordered_here_concern_no_ticket(city: City, told: Told) -> None:
    lone = Change.objects.create(
        authority=city.authority, site=city.school_a, playbook="ssid", playbook_digest="0" * 64, digest="1" * 64,
        risk="low", requested_by=city.technician, starts_at=timezone.now(),
    )  # fmt: skip
    before = Ticket.objects.get().articles.count()

    with transaction.atomic():
        tell(lone, "confirmed")
    deliver()

    assert Ticket.objects.get().articles.count() == before


def test_a_role_at_one_school_orders_nothing_at_another(city: City) -> None:
    """Bruno coordinates school B and is a technician of A alone; poe-cycle is for technicians."""
    people.grant(user=city.coordinator_b, role=Role.TECHNICIAN, scope_id=city.school_a.pk)
    offer = offers.get("poe-cycle")
    assert offer is not None
    wish = {"token": "t1", "device": city.access_point_b.pk}

    form = OrderForm(wish, offer=offer, user=User.objects.get(pk=city.coordinator_b.pk))

    assert "device" in form.errors
    with pytest.raises(services.SubmissionError, match=r"Rolle|role"):
        services.submit(
            submission=services.Submission(offer=offer, user=city.coordinator_b, token="t1", device=city.access_point_b)
        )
    assert not Ticket.objects.exists()
