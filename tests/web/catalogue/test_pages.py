"""The catalogue and its forms: made from the playbook's arguments, sent once, scoped, text stays text."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.automation.models import Change
from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer

pytestmark = pytest.mark.django_db
EXAM = "/order/exam-wifi/"
PSK = "gepflanzt-7Kx2-9mQw"


def local(hours: float) -> str:
    return timezone.localtime(timezone.now() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


def filled(client: Client, city: City, **more: str) -> dict[str, str]:
    page = client.get(EXAM).content.decode()
    token = re.search(r'name="token" value="(\w+)"', page)
    assert token
    wish = {"token": token.group(1), "room": str(city.room_a.pk), "argument-ssid": "Abi-204", "argument-psk": ""}
    return wish | {"starts_at": local(18), "ends_at": local(23)} | more


def test_each_role_sees_what_it_may_order(alma: Client, theo: Client, franka: Client) -> None:
    def slugs(client: Client) -> set[str]:
        return set(re.findall(r'href="/order/([\w-]+)/"', client.get("/order/").content.decode()))

    assert {"exam-wifi", "ap-restart", "new-device", "other", "security-incident"} <= slugs(alma)
    assert not {"baseline", "poe-cycle"} & slugs(alma)
    assert slugs(theo) == slugs(alma) | {"baseline", "poe-cycle"}
    assert slugs(franka) == set()


@pytest.mark.parametrize("slug", ["baseline", "poe-cycle", "no-such-thing"])
def test_what_is_not_for_this_role_is_not_there(alma: Client, slug: str) -> None:
    assert alma.get(f"/order/{slug}/").status_code == 404
    assert alma.post(f"/order/{slug}/").status_code == 404


def test_the_form_asks_for_the_playbooks_arguments_and_offers_only_own_rooms(alma: Client, city: City) -> None:
    page = alma.get(EXAM).content.decode()

    assert "Name des WLANs" in page
    assert 'maxlength="32"' in page
    assert "Dann muss eine zuständige Person zustimmen." in page
    assert f'value="{city.room_a.pk}"' in page
    assert "Schule B" not in page


def test_an_order_shows_its_key_once_and_never_again(alma: Client, city: City) -> None:
    answer = alma.post(EXAM, filled(alma, city))

    key = re.search(r'class="once"[^>]*>([^<]+)<', answer.content.decode())
    assert key
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", key.group(1))
    assert "no-store" in answer.headers["Cache-Control"]
    number, change = Ticket.objects.get().number, Change.objects.get().pk
    for path in (f"/tickets/{number}/", f"/changes/{change}/", f"/changes/{change}/progress/", "/"):
        assert key.group(1) not in alma.get(path).content.decode()


def test_a_double_click_orders_once(alma: Client, city: City) -> None:
    wish = filled(alma, city, **{"argument-psk": PSK})

    first, second = alma.post(EXAM, wish), alma.post(EXAM, wish)

    assert first.status_code == second.status_code == 200
    assert (Ticket.objects.count(), Change.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("room", ""),
        ("argument-ssid", ""),
        ("argument-ssid", "x" * 33),
        ("argument-psk", "zu-kurz"),
        ("argument-psk", "x" * 64),
        ("ends_at", ""),
        ("ends_at", "2020-01-01T08:00"),
        ("starts_at", "gestern"),
    ],
)
def test_what_cannot_be_is_said_at_the_field_and_nothing_typed_is_lost(
    alma: Client, city: City, field: str, value: str
) -> None:
    wish = filled(alma, city, note="Bitte pünktlich", **{field: value})

    answer = alma.post(EXAM, wish)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "Bitte pünktlich" in answer.content.decode()
    assert not Ticket.objects.exists()


def test_a_room_of_another_school_cannot_be_ordered_for(alma: Client, city: City) -> None:
    answer = alma.post(EXAM, filled(alma, city, room=str(city.room_b.pk)))

    assert answer.status_code == 422
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("text", ["{{ lookup('pipe','id') }}", "; reboot", "../../etc/passwd", "<script>alert(1)</script>"])
def test_text_is_shown_as_text(alma: Client, city: City, text: str) -> None:
    alma.post(EXAM, filled(alma, city, note=text, **{"argument-ssid": text[:32]}))

    page = alma.get(f"/tickets/{Ticket.objects.get().number}/").content.decode()
    assert Change.objects.get().arguments["ssid"] == text[:32]
    assert "<script>alert" not in page


def test_a_plain_order_needs_words(alma: Client, city: City) -> None:
    empty = alma.post("/order/other/", {"token": "t1", "room": str(city.room_a.pk), "note": ""})
    told = alma.post("/order/other/", {"token": "t2", "room": str(city.room_a.pk), "note": "Ein Whiteboard"})

    assert (empty.status_code, told.status_code) == (422, 302)
    assert Ticket.objects.get().kind == Ticket.Kind.REQUEST


def test_the_tickets_panel_leads_to_the_changes_progress(alma: Client, bruno: Client, city: City) -> None:
    alma.post(EXAM, filled(alma, city))
    ticket, change = Ticket.objects.get(), Change.objects.get()

    panel = alma.get(f"/panels/ticket/change/{ticket.pk}/").content.decode()

    assert f'hx-get="/changes/{change.pk}/progress/"' in panel
    assert bruno.get(f"/panels/ticket/change/{ticket.pk}/").status_code == 404


def test_the_form_costs_the_same_for_many_rooms(
    alma: Client, city: City, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    from fleet.sites import services as sites

    for number in range(30):
        sites.create_room(building=city.building_a, details=sites.RoomDetails(f"3{number:02}", "", floor=3))

    with django_assert_max_num_queries(6):
        alma.get("/order/other/")


# --- over the API ---------------------------------------------------------------------------------------------------


def order(city: City, slug: str, body: dict[str, Any], key: str = "k") -> Any:
    headers = bearer(city.coordinator_a) | {"Idempotency-Key": key}
    return Client().post(f"/api/v1/catalogue/{slug}/orders", body, content_type="application/json", headers=headers)


def wish(city: City, **more: Any) -> dict[str, Any]:
    ends = (timezone.now() + timedelta(hours=3)).isoformat()
    return {"room_id": city.room_a.pk, "arguments": {"ssid": "Abi-204"}, "ends_at": ends} | more


def test_the_api_lists_what_may_be_ordered(city: City) -> None:
    answer = Client().get("/api/v1/catalogue/", headers=bearer(city.coordinator_a)).json()["results"]

    exam = next(one for one in answer if one["slug"] == "exam-wifi")
    assert [ask["name"] for ask in exam["asks"]] == ["ssid", "psk"]
    assert [ask["secret"] for ask in exam["asks"]] == [False, True]
    assert "baseline" not in {one["slug"] for one in answer}


def test_the_api_lists_offers_in_pages_there_and_back(city: City) -> None:
    headers = bearer(city.coordinator_a)

    def page(url: str) -> tuple[list[str], dict[str, Any]]:
        answer = Client().get(url, headers=headers)
        assert answer.status_code == 200
        return [one["slug"] for one in answer.json()["results"]], answer.json()

    whole, only = page("/api/v1/catalogue/")
    first, one = page("/api/v1/catalogue/?page_size=4")
    second, two = page(one["next"])
    back, zero = page(two["previous"])
    pages, following = [first], one["next"]
    while following:
        slugs, answer = page(following)
        pages, following = [*pages, slugs], answer["next"]

    assert (only["next"], only["previous"], one["previous"], zero["previous"]) == (None, None, None, None)
    assert (first, second, back) == (whole[:4], whole[4:8], whole[:4])
    assert [slug for slugs in pages for slug in slugs] == whole
    assert Client().get("/api/v1/catalogue/?cursor=x", headers=headers).status_code == 422


def test_the_api_orders_once_per_key_and_tells_the_made_up_key(city: City) -> None:
    wanted = wish(city)
    first, second = (order(city, "exam-wifi", wanted) for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.json()["keys"]["psk"]
    assert first.json()["change_id"] == Change.objects.get().pk


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"room_id": 0}, "room_id"),
        ({"arguments": {"ssid": ""}}, "ssid"),
        ({"arguments": {"ssid": "A", "ansible_connection": "local"}}, "ansible_connection"),
        ({"arguments": {"ssid": "A", "state": "absent"}}, "state"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
    ],
)
def test_the_api_names_the_field_that_is_wrong(city: City, change: dict[str, Any], field: str) -> None:
    answer = order(city, "exam-wifi", wish(city) | change)

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert not Ticket.objects.exists()


def test_the_api_hides_what_is_not_for_this_role(city: City) -> None:
    assert order(city, "baseline", {"device_id": city.access_point_a.pk}).status_code == 404
