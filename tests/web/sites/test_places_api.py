"""/sites, /buildings and /rooms: what a program makes and changes, and what it is refused."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.people import services as people
from fleet.people.models import ApiToken, User
from fleet.people.rules import Role
from fleet.sites import services
from fleet.sites.models import Building, Room, Site
from tests.conftest import City, bearer
from tests.web.sites.things import many_schools


class Api:
    def __init__(self, user: User) -> None:
        self._headers = bearer(user)
        self._client = Client()

    def __call__(self, method: str, path: str, body: Any = None, if_match: str | None = None) -> Any:
        headers = self._headers | ({"If-Match": if_match} if if_match else {})
        data = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(self._client, method)(f"/api/v1{path}", headers=headers, **data)

    def tag(self, path: str) -> str:
        return str(self("get", path).headers["ETag"])


@pytest.fixture
def ada_api(city: City) -> Api:
    return Api(city.administrator)


@pytest.fixture
def head(city: City) -> Api:
    """Administers school A alone."""
    user = User.objects.create_user("hella@musterstadt.example", name="Hella")
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    return Api(user)


def test_a_school_is_made_changed_closed_and_opened(ada_api: Api) -> None:
    made = ada_api("post", "/sites/", {"kind": "school", "name": "Grundschule Süd", "federal_state": "NW"})
    assert (made.status_code, made.json()["slug"], made.json()["federal_state"]) == (201, "grundschule-sued", "NW")
    path = f"/sites/{made.json()['id']}"

    changed = ada_api("patch", path, {"city": "Neuhafen"}, made.headers["ETag"])
    assert (changed.status_code, changed.json()["city"], changed.json()["name"]) == (200, "Neuhafen", "Grundschule Süd")
    closed = ada_api("post", f"{path}/close", if_match=changed.headers["ETag"])
    assert closed.json()["closed_at"]
    assert ada_api("patch", path, {"city": "X"}, closed.headers["ETag"]).status_code == 409
    assert [one["id"] for one in ada_api("get", "/sites/?closed=true").json()["results"]] == [made.json()["id"]]
    opened = ada_api("post", f"{path}/reopen", if_match=closed.headers["ETag"])
    assert opened.json()["closed_at"] is None


def test_what_hangs_on_a_school_keeps_it_open(ada_api: Api, city: City) -> None:
    path = f"/sites/{city.school_a.pk}"
    answer = ada_api("post", f"{path}/close", if_match=ada_api.tag(path))
    assert answer.status_code == 409
    assert "Geräte 3" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"), ({"slug": "schule-b"}, "slug"), ({"kind": "x"}, "kind"),
        ({"federal_state": "XX"}, "federal_state"), ({"timezone": "Mars"}, "timezone"), ({"name": "x" * 201}, "name"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_named(ada_api: Api, city: City, body: dict[str, str], field: str) -> None:
    path = f"/sites/{city.school_a.pk}"
    answer = ada_api("patch", path, body, ada_api.tag(path))
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])


def test_buildings_and_rooms(head: Api, city: City) -> None:
    house = head("post", "/buildings/", {"site_id": city.school_a.pk, "name": "Anbau"})
    path = f"/buildings/{house.json()['id']}"
    renamed = head("patch", path, {"name": "Neubau"}, house.headers["ETag"])
    assert renamed.json()["name"] == "Neubau"

    room = head("post", "/rooms/", {"building_id": house.json()["id"], "number": "1"})
    assert head("delete", path, if_match=renamed.headers["ETag"]).status_code == 409
    assert head("post", "/rooms/", {"building_id": house.json()["id"], "number": "1"}).status_code == 422
    moved = head(
        "patch", f"/rooms/{room.json()['id']}", {"building_id": city.building_a.pk, "floor": -1}, room.headers["ETag"]
    )
    assert (moved.json()["building_id"], moved.json()["floor"], moved.json()["number"]) == (city.building_a.pk, -1, "1")
    assert head("delete", f"/rooms/{room.json()['id']}", if_match=moved.headers["ETag"]).status_code == 204
    assert head("delete", path, if_match=renamed.headers["ETag"]).status_code == 204
    assert not Building.objects.filter(name="Neubau").exists()


def test_a_room_goes_to_no_other_school(head: Api, city: City) -> None:
    path = f"/rooms/{city.room_a.pk}"
    answer = head("patch", path, {"building_id": city.building_b.pk}, head.tag(path))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "building_id")


def test_a_room_with_devices_stays(head: Api, city: City) -> None:
    path = f"/rooms/{city.room_a.pk}"
    assert head("delete", path, if_match=head.tag(path)).status_code == 409
    assert Room.objects.filter(pk=city.room_a.pk).exists()


@pytest.mark.parametrize("thing", ["sites", "buildings", "rooms"])
def test_nothing_is_overwritten_unseen(ada_api: Api, city: City, thing: str) -> None:
    pk = {"sites": city.school_a.pk, "buildings": city.building_a.pk, "rooms": city.room_a.pk}[thing]
    path = f"/{thing}/{pk}"
    old = ada_api.tag(path)

    assert ada_api("patch", path, {"name": "Neu"}).status_code == 428
    assert ada_api("patch", path, {"name": "Neu"}, old).status_code == 200
    assert ada_api("patch", path, {"name": "Anders"}, old).status_code == 412
    assert ada_api("get", path).json()["name"] == "Neu"


def test_unchanged_is_not_sent_again(city: City) -> None:
    headers = bearer(city.administrator, ApiToken.Reach.READ)
    for path in ("/api/v1/sites/", "/api/v1/buildings/", f"/api/v1/rooms/{city.room_a.pk}"):
        tag = Client().get(path, headers=headers).headers["ETag"]
        assert Client().get(path, headers=headers | {"If-None-Match": tag}).status_code == 304


class TestWho:
    """School A and its rooms; and of school B nothing."""

    @pytest.mark.parametrize(
        ("role", "everywhere", "rooms", "school"),
        [
            (Role.COORDINATOR, False, 403, 403),
            (Role.TECHNICIAN, False, 403, 403),
            (Role.APPROVER, True, 403, 403),
            (Role.AUDITOR, True, 403, 403),
            (Role.SECURITY, True, 403, 403),
            (Role.ADMINISTRATOR, False, 200, 403),
            (Role.ADMINISTRATOR, True, 200, 200),
        ],
    )
    def test_role_by_thing(self, city: City, role: Role, everywhere: bool, rooms: int, school: int) -> None:
        api = self._api(role, city.authority.pk if everywhere else city.school_a.pk)
        for path, status in (
            (f"/rooms/{city.room_a.pk}", rooms),
            (f"/buildings/{city.building_a.pk}", rooms),
            (f"/sites/{city.school_a.pk}", school),
        ):
            assert (path, api("patch", path, {"name": "Neu"}, api.tag(path)).status_code) == (path, status)
        made = api("post", "/sites/", {"kind": "school", "name": "Neu"}).status_code
        assert made == (201 if school == 200 else 403)

    @pytest.mark.parametrize("role", list(Role))
    def test_of_another_school_there_is_nothing(self, city: City, role: Role) -> None:
        api = self._api(role, city.school_a.pk)
        things = (f"/rooms/{city.room_b.pk}", f"/buildings/{city.building_b.pk}", f"/sites/{city.school_b.pk}")
        for path in things:
            assert api("get", path).status_code == 404
            assert api("patch", path, {"name": "Neu"}, "*").status_code == 404
        assert api("post", "/buildings/", {"site_id": city.school_b.pk, "name": "x"}).status_code == 404
        assert api("post", "/rooms/", {"building_id": city.building_b.pk, "number": "x"}).status_code == 404
        for path in ("/sites/", "/buildings/", "/rooms/"):
            assert len(api("get", path).json()["results"]) == 1

    def _api(self, role: Role, scope_id: int) -> Api:
        user = User.objects.create_user("jemand@musterstadt.example", name="Jemand")
        people.grant(user=user, role=role, scope_id=scope_id)
        return Api(user)


def test_lists_come_in_pages_at_the_same_price(
    ada_api: Api, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many_schools(city, 300)
    services.create_rooms(building=city.building_a, rooms=[services.RoomDetails(str(n)) for n in range(120)])
    for path in ("/sites/?page_size=200", "/rooms/?page_size=200", f"/buildings/?site={city.school_a.pk}"):
        with django_assert_max_num_queries(6):
            assert ada_api("get", path).status_code == 200
    first = ada_api("get", "/sites/").json()
    assert (len(first["results"]), bool(first["next"])) == (50, True)
    assert Site.objects.count() == 302
