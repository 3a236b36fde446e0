"""What is sent twice is done once, and a key that comes with something else loses nobody's wish."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.automation.models import Change, ChangeWindow, Freeze, Schedule
from fleet.devices import services as devices
from fleet.devices.models import DeviceType
from fleet.people.models import User
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City, bearer, login

pytestmark = pytest.mark.django_db


def send(user: User, path: str, body: dict[str, Any], key: str = "k1") -> Any:
    headers = bearer(user) | {"Idempotency-Key": key}
    return Client().post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)


def report(city: City, subject: str, key: str = "k1") -> Any:
    return send(city.coordinator_a, "/tickets/", {"room_id": city.room_a.pk, "subject": subject}, key)


def test_the_same_request_twice_is_one_ticket(city: City) -> None:
    first, second = report(city, "Beamer kaputt"), report(city, "Beamer kaputt")

    assert first.json()["number"] == second.json()["number"]
    assert Ticket.objects.count() == 1


def test_another_body_with_the_same_key_is_refused(city: City) -> None:
    report(city, "Beamer kaputt")

    answer = report(city, "Ganz was anderes")

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]
    assert Ticket.objects.count() == 1


def test_long_keys_are_told_apart_at_their_end(city: City) -> None:
    numbers = [report(city, "Beamer kaputt", "k" * 200 + end).json()["number"] for end in "aab"]

    assert numbers[0] == numbers[1] != numbers[2]


def test_a_key_is_a_persons_own(city: City) -> None:
    report(city, "Beamer kaputt")

    answer = send(city.technician, "/tickets/", {"room_id": city.room_a.pk, "subject": "Etwas anderes"})

    assert answer.status_code == 201
    assert Ticket.objects.count() == 2


def test_a_report_and_an_order_with_one_key_are_two_tickets(city: City) -> None:
    number = report(city, "Beamer kaputt").json()["number"]

    ordered = send(city.coordinator_a, "/catalogue/new-device/orders", {"room_id": city.room_a.pk, "note": "Ein Tablet"})

    assert ordered.status_code == 201
    assert ordered.json()["number"] != number


def test_a_change_and_an_order_with_one_key_are_two_changes(city: City) -> None:
    devices.ensure_type(manufacturer="Lab", model="S8", kind=DeviceType.Kind.SWITCH, platform="labswitch")
    change = send(city.technician, "/changes/", {"playbook": "ap-restart", "device_ids": [city.access_point_a.pk]})
    ends_at = (timezone.now() + timedelta(hours=3)).isoformat()
    wish = {"room_id": city.room_b.pk, "arguments": {"ssid": "Pruefung"}, "ends_at": ends_at}

    ordered = send(city.technician, "/catalogue/exam-wifi/orders", wish)

    assert (change.status_code, ordered.status_code) == (201, 201)
    assert ordered.json()["change_id"] != change.json()["id"]


def test_a_person_cannot_make_a_ticket_wait_for_a_change_that_is_not_there(city: City) -> None:
    number = report(city, "Beamer kaputt").json()["number"]
    version = Ticket.objects.get().version

    answer = send(city.technician, f"/tickets/{number}/transition", {"to": "waiting-change", "seen_version": version})

    assert answer.status_code == 422


class TestForms:
    """A page that the browser shows again has the same token; what is typed then is meant."""

    @staticmethod
    def token(client: Client, path: str) -> str:
        found = re.search(r'name="token" value="([^"]+)"', client.get(path).content.decode())
        assert found
        return found.group(1)

    def test_two_reports_from_one_page(self, client: Client, city: City) -> None:
        alma = login(client, city.coordinator_a)
        token = self.token(alma, "/report/")
        wish = {"room": city.room_a.pk, "device": "", "trouble": "wifi", "blocks_lesson": "", "token": token}

        for body in ("Seit heute", "Seit heute", "Auch in 205"):
            answer = alma.post("/report/", wish | {"body": body})
            assert answer.status_code == 302

        assert Ticket.objects.count() == 2

    def test_two_replies_from_one_page(self, client: Client, city: City) -> None:
        number = report(city, "Beamer kaputt").json()["number"]
        alma = login(client, city.coordinator_a)
        page = alma.get(f"/tickets/{number}/").content.decode()
        names = {"token", "seen_version", "seen_at"}
        seen = {name: value for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page) if name in names}

        for body in ("Es brummt", "Es brummt", "Und es riecht"):
            alma.post(f"/tickets/{number}/reply/", seen | {"body": body})

        assert Article.objects.filter(author=city.coordinator_a, body="Es brummt").count() == 1
        assert Article.objects.filter(body="Und es riecht").count() == 1


def token_of(page: Any) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{32})"', page.content.decode())
    assert found is not None
    return found[1]


def test_a_double_click_on_a_playbook_is_one_change(theo: Client, city: City) -> None:
    chosen = {"device": city.access_point_a.pk, "playbook": "ap-restart"}
    page = theo.post("/changes/new/", chosen | {"act": "next"})
    sent = chosen | {"act": "order", "token": token_of(page)}

    first, second = theo.post("/changes/new/", sent), theo.post("/changes/new/", sent)
    theo.post("/changes/new/", sent | {"reason": "Noch einmal"})

    assert (first.status_code, first.headers["Location"]) == (302, second.headers["Location"])
    assert Change.objects.count() == 2, "who goes back and means something else gets it"


NEXT_YEAR = f"{timezone.now().year + 1}-01-10T06:00"
SPAN = {"starts_at": NEXT_YEAR, "ends_at": NEXT_YEAR.replace("06:00", "07:00"), "reason": "Wahl"}


@pytest.mark.parametrize(
    ("path", "wish", "rows"),
    [
        ("/policy/freezes/new/", {**SPAN, "school": "Schule A"}, Freeze),
        ("/policy/windows/new/", {**SPAN, "school": "Schule A", "repeats": "never"}, ChangeWindow),
        (
            "/schedules/new/?playbook=ap-restart",
            {"school": "Schule A", "name": "n", "devices": "AP-204-A", "starts_at": NEXT_YEAR, "repeats": "daily"},
            Schedule,
        ),
    ],
)
def test_a_double_click_plans_once(ada: Client, path: str, wish: dict[str, str], rows: Any) -> None:
    refused = ada.post(path, wish | {"starts_at": "", "token": token_of(ada.get(path))})
    sent = wish | {"token": token_of(refused)}

    assert [ada.post(path, sent).status_code for _ in range(2)] == [302, 302]
    assert rows.objects.count() == 1


def test_the_same_key_plans_once(city: City) -> None:
    times = {name: f"{SPAN[name]}:00Z" for name in ("starts_at", "ends_at")}
    school = {"site_id": city.school_a.pk}
    device = {"playbook": "ap-restart", "rule": "FREQ=DAILY", "device_ids": [city.access_point_a.pk], "name": "n"}
    wishes: dict[str, dict[str, Any]] = {
        "/policy/freezes": {**school, **times, "reason": "x"},
        "/policy/windows": {**school, **times, "reason": "x"},
        "/policy/delegations": {**times, "person_id": city.approver.pk, "deputy_id": city.administrator.pk},
        "/schedules/": {**school, **device, "starts_at": times["starts_at"]},
    }

    for path, wish in wishes.items():
        first, second = send(city.administrator, path, wish), send(city.administrator, path, wish)
        other = send(city.administrator, path, wish | {"ends_at": times["starts_at"], "name": "m", "reason": "y"})

        assert (first.status_code, second.status_code, other.status_code) == (201, 201, 422), first.content
        assert first.json() == second.json()
