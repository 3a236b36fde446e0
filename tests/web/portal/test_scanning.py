"""Labels and what they open: three taps, no login, nothing of anybody's."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.people.models import User
from helpdesk.portal.rules import scanning as rules
from helpdesk.portal.rules.labels import short_code
from helpdesk.portal.services import labels
from helpdesk.portal.views import labels as views
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City, login

pytestmark = pytest.mark.django_db


@pytest.fixture
def scanner() -> Client:
    """A phone without cookies whose forms are checked as those of any browser."""
    return Client(enforce_csrf_checks=True)


def address(device: Device) -> str:
    return f"/q/{labels.token(device)}/"


def send(client: Client, device: Device, fault: str = "wifi", **extra: Any) -> Any:
    form = re.search(r'name="form" value="([^"]+)"', client.get(address(device)).content.decode())
    assert form
    return client.post(address(device), {"form": form.group(1), "fault": fault}, **extra)


def test_scan_tap_send(scanner: Client, city: City) -> None:
    page = scanner.get(address(city.access_point_a))
    answer = send(scanner, city.access_point_a)

    text = page.content.decode()
    assert "AP-204-A" in text
    assert "204" in text
    assert "Noch nicht bekannt" in text
    assert len(re.findall(r'type="radio" name="fault"', text)) == 4
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.room, ticket.requester) == ("Kein WLAN · AP-204-A", city.room_a, None)
    assert list(ticket.devices.all()) == [city.access_point_a]
    thanks = scanner.get(answer.headers["Location"]).content.decode()
    assert "Danke, es ist angekommen" in thanks
    assert ticket.number not in thanks
    assert not scanner.cookies, "nothing is stored on the phone"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_tells_nothing_but_device_room_and_state(
    scanner: Client, city: City, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    opening = tickets.Opening(site=city.school_a, subject="Geheim", room=city.room_a, devices=[city.access_point_a])
    ticket = tickets.open_ticket(opening=opening)

    with django_assert_max_num_queries(4):
        text = scanner.get(address(city.access_point_a)).content.decode()

    for told in ("Geheim", ticket.number, "127.20.1.2", "SW-1-A", "DR-204-A", city.access_point_a.serial):
        assert told not in text


def test_the_same_fault_is_one_ticket(scanner: Client, city: City) -> None:
    first, second, third = (send(scanner, city.access_point_a) for _ in range(3))
    other = send(scanner, city.access_point_a, "other")

    assert not first.headers["Location"].endswith("?known")
    assert second.headers["Location"].endswith("?known")
    assert third.headers["Location"].endswith("?known")
    assert not other.headers["Location"].endswith("?known")
    assert Ticket.objects.count() == 2
    assert Article.objects.filter(notice="scanned-again").count() == 1, "noted once per stretch of time"
    assert "Das ist schon gemeldet" in scanner.get(second.headers["Location"]).content.decode()


def test_after_it_was_resolved_the_same_fault_is_a_new_ticket(scanner: Client, city: City) -> None:
    send(scanner, city.access_point_a)
    Ticket.objects.update(state=Ticket.State.RESOLVED)

    send(scanner, city.access_point_a)

    assert Ticket.objects.count() == 2


def test_the_same_fault_is_a_new_ticket_though_an_older_one_is_deleted(scanner: Client, city: City) -> None:
    for _ in range(2):
        send(scanner, city.access_point_a)
        Ticket.objects.update(state=Ticket.State.CLOSED)
    first, second = Ticket.objects.order_by("pk")
    first.delete()

    send(scanner, city.access_point_a)

    assert Ticket.objects.open().get() != second


def test_what_monitoring_knows_already_is_not_reported_anew(scanner: Client, city: City) -> None:
    device = city.access_point_a
    scope = {"authority_id": device.authority_id, "site_id": device.site_id}
    alert = Alert.objects.create(**scope, device=device, kind="unreachable", severity="critical", opened_at=timezone.now())
    known = tickets.open_ticket(opening=tickets.Opening(site=city.school_a, subject="AP antwortet nicht", alert=alert))

    answer = send(scanner, device)

    assert answer.headers["Location"].endswith("?known")
    assert Ticket.objects.get() == known
    assert known.articles.filter(notice="scanned-again").exists()


def test_too_many_reports_are_kept_out(scanner: Client, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "WINDOW_S", 10**9)  # so that none ends in the middle of the test
    answers = [send(scanner, city.access_point_a) for _ in range(rules.PER_DEVICE + 1)]

    assert {one.status_code for one in answers[:-1]} == {302}
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"]
    assert send(scanner, city.access_point_b).status_code == 302, "other devices are not kept from it"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, "eines der Bilder"),
        ({"fault": "nonsense"}, "eines der Bilder"),
        ({"fault": "wifi", "form": "x:y:z"}, "lange offen"),
    ],
)
def test_what_is_missing_is_said_and_the_tap_is_kept(scanner: Client, city: City, sent: dict[str, str], says: str) -> None:
    answer = scanner.post(address(city.access_point_a), sent)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert ("checked" in answer.content.decode()) == (sent.get("fault") == "wifi")
    assert not Ticket.objects.exists()


def test_the_form_of_one_device_reports_no_other(scanner: Client, city: City) -> None:
    form = re.search(r'name="form" value="([^"]+)"', scanner.get(address(city.access_point_a)).content.decode())
    assert form

    answer = scanner.post(address(city.printer_a), {"form": form.group(1), "fault": "other"})

    assert answer.status_code == 422
    assert not Ticket.objects.exists()


def test_a_wrong_or_renewed_link_opens_nothing(scanner: Client, city: City, theo: Client) -> None:
    old, other = address(city.access_point_a), labels.token(city.access_point_b).partition("-")[2]
    assert theo.post(f"/labels/{city.access_point_a.pk}/renew/").status_code == 302
    device = Device.objects.get(pk=city.access_point_a.pk)

    wrong = [old, f"/q/{device.pk}-{other}/", f"/q/{device.pk}/", "/q/-/", f"/q/{'9' * 40}-abc/", f"/q/{device.pk}-/"]

    for path in wrong:
        for answer in (scanner.get(path), scanner.post(path, {"fault": "wifi"}), scanner.get(f"{path}sent/")):
            assert answer.status_code == 404, path
            assert "Dieses Etikett gilt nicht mehr" in answer.content.decode()
    assert scanner.get(address(device)).status_code == 200
    Device.objects.update(lifecycle=Device.Lifecycle.RETIRED)
    assert scanner.get(address(device)).status_code == 404


def test_labels_outlive_a_new_secret_key(scanner: Client, city: City) -> None:
    old = address(city.access_point_a)

    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert scanner.get(old).status_code == 200
    with override_settings(SECRET_KEY="n" * 50):
        assert scanner.get(old).status_code == 404


def test_who_is_logged_in_lands_where_they_can_do_more(alma: Client, bruno: Client, theo: Client, city: City) -> None:
    path = address(city.printer_a)

    assert alma.get(path).headers["Location"] == f"/report/?device={city.printer_a.pk}#what"
    assert theo.get(path).headers["Location"] == f"/devices/{city.printer_a.pk}/"
    assert bruno.get(path).status_code == 200, "at another school somebody like any other"


def test_a_typed_code_leads_to_the_report(alma: Client, franka: Client, city: City) -> None:
    mine, others = short_code(city.printer_a.pk), short_code(city.access_point_b.pk)

    assert alma.get("/scan/", {"code": mine.lower()}).headers["Location"] == f"/report/?device={city.printer_a.pk}#what"
    refused = alma.get("/scan/", {"code": others})
    assert refused.status_code == 422
    assert "AP-204-B" not in refused.content.decode()
    assert "kein Code" in alma.get("/scan/", {"code": "<script>"}).content.decode()
    assert franka.get("/scan/").status_code == 404


# --- printing -------------------------------------------------------------------------------------------


def sheets(client: Client, devices: list[Device], sheet: str = "middle", first: int = 1) -> Any:
    chosen = {"device": [device.pk for device in devices], "sheet": sheet, "first": first, "print": "1"}
    return client.post("/labels/", chosen)


@pytest.mark.parametrize("sheet", ["middle", "small", "large"])
def test_labels_are_a_pdf(theo: Client, city: City, sheet: str) -> None:
    Device.objects.filter(pk=city.printer_a.pk).update(name="Ł🖨️ <b>{{ 7 }}</b> " + "sehr lang " * 8)

    answer = sheets(theo, [city.access_point_a, city.printer_a], sheet)

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.count(b"/Type /Page\n") == (2 if sheet == "large" else 1)


def test_a_sheet_cannot_begin_behind_its_end(theo: Client, city: City) -> None:
    assert sheets(theo, [city.access_point_a], "middle", 25).status_code == 422


def test_the_form_takes_as_many_devices_as_it_offers(theo: Client, city: City) -> None:
    kind = city.printer_a.type
    common = {"site": city.school_a, "authority": city.authority, "type": kind, "kind": kind.kind}
    Device.objects.bulk_create(Device(**common, name=f"P{number}") for number in range(views.MOST - 3))
    page = theo.get("/labels/", {"site": city.school_a.pk}).content.decode()
    offered = re.findall(r'name="device" value="(\d+)"', page)
    assert len(offered) == views.MOST

    answer = theo.post("/labels/", {"device": offered, "sheet": "middle", "first": 25, "print": "1"})

    assert answer.status_code == 422, "read, and refused for the place alone: drawing so many takes its time"


def test_labels_are_for_those_who_look_after_devices(alma: Client, theo: Client, bruno: Client, city: City) -> None:
    assert alma.get("/labels/").status_code == 404
    assert alma.post(f"/labels/{city.printer_a.pk}/renew/").status_code == 404
    assert "AP-204-A" in theo.get("/labels/", {"room": city.room_a.pk}).content.decode()
    assert "AP-204-A" in theo.post("/labels/", {"all": "1", "query": f"site={city.school_a.pk}"}).content.decode()
    only_a = User.objects.get(pk=city.coordinator_a.pk)
    assert "Etikett" not in login(Client(), only_a).get(f"/devices/{city.printer_a.pk}/").content.decode()
    assert "Kurzcode" in theo.get(f"/panels/device/label/{city.printer_a.pk}/").content.decode()
