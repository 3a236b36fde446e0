"""What devices should be, by the API: read where one sees, set where one manages, never over somebody else's head."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Baseline
from fleet.automation.services import intent
from fleet.events.models import Event
from tests.conftest import City, bearer

URL = "/api/v1/drift/wanted"
KEY = "gepflanzt-4Zq8-7mWx"
WIFI = {"ssid": "Schule", "encryption": "sae-mixed", "network": "lan", "psk": KEY}


def ask(method: str, url: str, by: Any, body: Any = None, **headers: str) -> Any:
    options: dict[str, Any] = {"headers": {**bearer(by), **{name.replace("_", "-"): text for name, text in headers.items()}}}
    if body is not None:
        options |= {"data": body, "content_type": "application/json"}
    return getattr(Client(), method)(url, **options)


def test_a_value_is_said_read_replaced_and_taken_away(city: City) -> None:
    by = city.administrator
    said = ask("post", URL, by, {"site_id": city.school_a.pk, "key": "ntp_servers", "value": ["a.example"]})
    url = f"{URL}/{said.json()['id']}"
    twice = ask("post", URL, by, {"site_id": city.school_a.pk, "key": "ntp_servers", "value": ["b.example"]})
    read = ask("get", url, by)
    unseen = ask("put", url, by, {"value": ["b.example"]})
    put = ask("put", url, by, {"value": ["b.example"]}, If_Match=read["ETag"])
    late = ask("put", url, by, {"value": ["c.example"]}, If_Match=read["ETag"])
    too_late = ask("delete", url, by, If_Match=read["ETag"])

    assert (said.status_code, twice.status_code, read.status_code) == (201, 409, 200), said.content
    assert said["ETag"] == read["ETag"]
    assert (unseen.status_code, put.status_code, late.status_code, too_late.status_code) == (428, 200, 412, 412)
    row = Baseline.objects.get()
    assert (row.level, row.value, row.changed_by) == ("site", ["b.example"], by)
    assert ask("get", url, by, If_None_Match=put["ETag"]).status_code == 304
    assert ask("delete", url, by, If_Match=put["ETag"]).status_code == 204
    told = Event.objects.filter(name__startswith="wanted.").order_by("pk")
    assert [(one.name, one.actor_id, one.payload["place"]) for one in told] == [
        ("wanted.set", by.pk, f"site:{city.school_a.pk}"),
        ("wanted.set", by.pk, f"site:{city.school_a.pk}"),
        ("wanted.forgotten", by.pk, f"site:{city.school_a.pk}"),
    ]


def test_every_place_and_no_other(city: City) -> None:
    zone = intent.set_zone(authority=city.authority, name="Verwaltung", networks=["127.20.0.0/16"])
    places = [
        {"authority_id": city.authority.pk},
        {"authority_id": city.authority.pk, "platform": "openwrt"},
        {"zone_id": zone.pk},
        {"site_id": city.school_a.pk},
        {"device_id": city.access_point_a.pk},
    ]
    for place in places:
        assert ask("post", URL, city.administrator, {**place, "key": "country", "value": "DE"}).status_code == 201
    levels = [one["level"] for one in ask("get", URL, city.administrator).json()["results"]]
    wrong: list[dict[str, Any]] = [
        {},
        {"authority_id": 999_999},
        {"authority_id": city.authority.pk, "platform": "toaster"},
        {"site_id": city.school_a.pk, "platform": "openwrt"},
        {"site_id": city.school_a.pk, "device_id": city.access_point_a.pk},
    ]

    assert levels == ["authority", "platform", "zone", "site", "device"]
    for place in wrong:
        assert ask("post", URL, city.administrator, {**place, "key": "country", "value": "DE"}).status_code == 422, place
    for key, value in (("country", "Germany"), ("country", None), ("no_such_key", "DE")):
        body = {"site_id": city.school_b.pk, "key": key, "value": value}
        assert ask("post", URL, city.administrator, body).status_code == 422


def test_the_key_of_a_wifi_comes_out_nowhere(city: City) -> None:
    body = {"authority_id": city.authority.pk, "key": "wifis", "value": [WIFI]}
    said = ask("post", URL, city.administrator, body)
    listed = ask("get", URL, city.administrator)

    assert said.json()["value"] == [{**WIFI, "psk": "***"}]
    assert KEY not in said.content.decode() + listed.content.decode() + str([one.payload for one in Event.objects.all()])
    url, as_shown = f"{URL}/{said.json()['id']}", {"value": said.json()["value"]}
    masked = ask("put", url, city.administrator, as_shown, If_Match=said["ETag"])
    assert masked.status_code == 422, "what is shown is no key"
    assert intent.render(city.access_point_a).values["wifis"][0]["psk"] == KEY


@pytest.mark.parametrize(
    ("who", "reads"), [("technician", 200), ("auditor", 200), ("coordinator_a", 404), ("stranger", 404)]
)
def test_who_does_not_manage_sets_nothing(city: City, who: str, reads: int) -> None:
    row = intent.set_value(place=intent.Place(city.authority, site=city.school_a), key="country", value="DE")
    by = getattr(city, who)
    tag = ask("get", f"{URL}/{row.pk}", city.administrator)["ETag"]

    assert ask("get", f"{URL}/{row.pk}", by).status_code == reads
    forbidden = 403 if reads == 200 else 404
    assert ask("put", f"{URL}/{row.pk}", by, {"value": "AT"}, If_Match=tag).status_code == forbidden
    assert ask("delete", f"{URL}/{row.pk}", by, If_Match=tag).status_code == forbidden
    body = {"site_id": city.school_b.pk, "key": "country", "value": "AT"}
    assert ask("post", URL, by, body).status_code in {403, 422}
    assert Baseline.objects.get().value == "DE"


def test_the_list_costs_the_same_for_many(city: City, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(30):
        place = intent.Place(city.authority, platform=f"p{number}")
        intent.set_value(place=place, key="country", value="DE")

    with django_assert_max_num_queries(10):
        assert len(ask("get", URL, city.administrator).json()["results"]) == 30
