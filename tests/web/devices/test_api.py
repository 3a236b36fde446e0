"""Programs keep the books too: devices and how they are asked, by whoever manages the site."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.devices import services
from fleet.devices.models import Credential, Device
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import City, bearer

API = "/api/v1"
NEW = {"name": "AP-301", "kind": "access-point", "manufacturer": "Muster", "model": "W7"}


def send(client: Client, method: str, path: str, by: User, body: dict[str, Any]) -> tuple[int, Any]:
    answer = client.generic(method, API + path, _json(body), content_type="application/json", headers=bearer(by))
    return answer.status_code, answer.json() if answer.content else None


def _json(body: dict[str, Any]) -> bytes:
    import json

    return json.dumps(body, default=str).encode()


def test_a_device_is_made_changed_and_asked(client: Client, city: City) -> None:
    ada, site = city.administrator, city.school_a.pk
    status, made = send(client, "POST", "/devices/", ada, NEW | {"site_id": site, "room_id": city.room_a.pk})
    assert (status, made["room_id"], made["type"]["model"]) == (201, city.room_a.pk, "W7")

    device = f"/devices/{made['id']}"
    assert send(client, "PUT", device, ada, NEW | {"model": "W8", "serial": "S-301"})[1]["serial"] == "S-301"
    asked = {"address": "127.20.1.44", "credential_id": city.snmp.pk}
    assert send(client, "PUT", f"{device}/snmp", ada, asked) == (204, None)
    assert Device.objects.polled().filter(pk=made["id"], address="127.20.1.44", type__model="W8").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "AP-204-A"}, "name"),
        ({"serial": "A0002"}, "serial"),
        ({"room": "room_b"}, "room_id"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(client: Client, city: City, body: dict[str, str], field: str) -> None:
    room = {"room_id": city.room_b.pk} if body.pop("room", None) else {}
    sent = NEW | {"site_id": city.school_a.pk} | body | room
    status, problem = send(client, "POST", "/devices/", city.administrator, sent)
    assert (status, [one["field"] for one in problem["errors"]]) == (422, [field])


def test_a_community_outside_needs_reason_and_end(client: Client, city: City) -> None:
    path, asked = f"/devices/{city.printer_a.pk}/snmp", {"address": "192.0.2.7", "credential_id": city.snmp.pk}
    assert send(client, "PUT", path, city.administrator, asked)[0] == 422
    assert send(client, "PUT", path, city.administrator, asked | {"clear_text_reason": "Old."})[0] == 422
    until = timezone.localdate() + timedelta(days=7)
    whole = asked | {"clear_text_reason": "Old.", "clear_text_until": until}
    assert send(client, "PUT", path, city.administrator, whole)[0] == 204


def test_who_does_not_manage_the_site_finds_no_device_to_change(client: Client, city: City) -> None:
    for person in (city.technician, city.coordinator_a):
        assert send(client, "PUT", f"/devices/{city.printer_a.pk}", person, NEW)[0] == 404
        assert send(client, "POST", "/devices/", person, NEW | {"site_id": city.school_a.pk})[0] == 404


def test_credentials_are_listed_without_what_they_hold(client: Client, city: City) -> None:
    listed = client.get(f"{API}/credentials/", headers=bearer(city.administrator))
    assert {one["name"] for one in listed.json()["results"]} == {"SNMP", "SSH"}
    assert b"planted" not in listed.content
    assert client.get(f"{API}/credentials/", headers=bearer(city.technician)).json()["results"] == []


def test_who_manages_one_site_sends_no_community_of_the_authority_where_they_like(client: Client, city: City) -> None:
    other = services.create_credential(
        authority=city.authority, name="Other", kind=Credential.Kind.SNMP_V2C, secret={"community": "planted-other"}
    )
    keeper = city.stranger
    people.grant(user=keeper, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    path = f"/devices/{city.printer_a.pk}/snmp"
    inside = {"address": "127.20.1.77", "credential_id": city.snmp.pk}
    until = timezone.localdate() + timedelta(days=7)
    outside = inside | {"address": "203.0.113.5", "clear_text_reason": "Old.", "clear_text_until": until}

    assert send(client, "PUT", path, keeper, inside | {"credential_id": other.pk})[0] == 404
    status, problem = send(client, "PUT", path, keeper, outside)
    assert (status, [one["field"] for one in problem["errors"]]) == (422, ["clear_text_until"])
    assert send(client, "PUT", path, keeper, inside) == (204, None), "it is asked with that one already"

    assert send(client, "PUT", path, city.administrator, outside) == (204, None)
    assert send(client, "PUT", path, keeper, outside | {"port": 1161}) == (204, None), "what was permitted stays"
    status, _problem = send(client, "PUT", path, keeper, outside | {"address": "203.0.113.6"})
    assert status == 422


def test_a_type_keeps_its_kind(client: Client, city: City) -> None:
    sent = NEW | {"site_id": city.school_a.pk, "model": "S24P"}
    status, problem = send(client, "POST", "/devices/", city.administrator, sent)
    assert (status, [one["field"] for one in problem["errors"]]) == (422, ["kind"])
