"""/api/v1/people: as the pages, with conditional requests; nothing private in it."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.people import services as people
from fleet.people.models import ApiToken, User
from fleet.people.rules import Role
from tests.conftest import PASSWORD, City, bearer

API = "/api/v1/people/"


class Ada:
    """Speaks to the API as one person."""

    def __init__(self, user: User) -> None:
        self._client, self._headers = Client(), bearer(user)

    def __call__(self, method: str, path: str = "", body: Any = None, etag: str = "") -> Any:
        headers = self._headers | ({"If-Match": etag} if etag else {})
        return self._client.generic(
            method, API + path, b"" if body is None else _json(body), content_type="application/json", headers=headers
        )


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()


@pytest.fixture
def ada(city: City) -> Ada:
    return Ada(city.administrator)


def test_a_list_in_pages_without_anything_private(ada: Ada, city: City) -> None:
    city.coordinator_a.set_password(PASSWORD)
    city.coordinator_a.save()

    answer = ada("GET", "?q=alma")

    (alma,) = answer.json()["results"]
    assert set(alma) == {"id", "name", "email", "language", "state", "second_factor", "last_login", "roles"}
    assert (alma["state"], alma["second_factor"]) == ("active", False)
    assert [(role["role"], role["scope"], role["until"]) for role in alma["roles"]] == [("coordinator", "Schule A", None)]
    assert "argon2" not in answer.content.decode()
    assert len(ada("GET", "?page_size=3").json()["results"]) == 3
    assert ada("GET", "?page_size=3").json()["next"]


@pytest.mark.parametrize(
    ("query", "names"),
    [("role=coordinator", {"Alma", "Bruno"}), ("state=left", set()), ("role=technician&q=theo", {"Theo"})],
)
def test_the_list_is_narrowed(ada: Ada, query: str, names: set[str]) -> None:
    assert {one["name"] for one in ada("GET", f"?{query}").json()["results"]} == names


@pytest.mark.parametrize(
    ("who", "many"),
    [("coordinator_a", 0), ("technician", 0), ("approver", 0), ("stranger", 0), ("auditor", 7), ("security", 7)],
)
def test_who_reads_and_that_only_administrators_write(city: City, who: str, many: int) -> None:
    them = Ada(getattr(city, who))
    body = {"name": "Kim", "email": "k@x.example", "role": {"role": "coordinator", "scope_id": city.school_a.pk}}

    assert len(them("GET").json()["results"]) == many
    assert them("POST", "", body).status_code == 403
    bruno = f"{city.coordinator_b.pk}"
    assert them("PATCH", bruno, {"name": "X"}, "*").status_code == (403 if many else 404)
    assert them("POST", f"{bruno}/roles", body["role"]).status_code == (403 if many else 404)
    assert them("DELETE", f"{bruno}/roles/{city.coordinator_b.grants.get().pk}").status_code == (403 if many else 404)
    assert them("POST", f"{bruno}/invitation").status_code == (403 if many else 404)
    assert User.objects.get(pk=city.coordinator_b.pk).name == "Bruno"


def test_a_person_is_made_invited_and_read(ada: Ada, city: City) -> None:
    role = {"role": "coordinator", "scope_id": city.school_a.pk, "until": f"{timezone.now().year + 1}-01-01T00:00:00"}

    made = ada("POST", "", {"name": "Kim", "email": "Kim@x.example", "role": role})

    assert made.status_code == 201
    assert made.json()["email"] == "kim@x.example"
    assert [one.to for one in mail.outbox] == [["kim@x.example"]]
    read = ada("GET", str(made.json()["id"]))
    assert read.json() == made.json()
    same = Client().get(
        f"{API}{made.json()['id']}", headers=bearer(city.administrator) | {"If-None-Match": read.headers["ETag"]}
    )
    assert same.status_code == 304
    taken = ada("POST", "", {"name": "Kim", "email": "kim@x.example", "role": role})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (422, "email")


def test_a_change_wants_to_know_what_was_read(ada: Ada, city: City) -> None:
    path = str(city.coordinator_a.pk)
    etag = ada("GET", path).headers["ETag"]

    assert ada("PATCH", path, {"name": "Alma N."}).status_code == 428
    assert ada("PATCH", path, {"name": "Alma N."}, etag).json()["name"] == "Alma N."
    late = ada("PATCH", path, {"name": "Alma M."}, etag)

    assert late.status_code == 412
    assert User.objects.get(pk=path).name == "Alma N."


def test_leaving_and_coming_back(ada: Ada, city: City) -> None:
    path = str(city.coordinator_a.pk)

    left = ada("PATCH", path, {"active": False, "language": "en"}, "*")
    assert (left.json()["state"], left.json()["language"]) == ("left", "en")
    assert ada("POST", f"{path}/invitation").status_code == 409
    gone = ada("POST", f"{path}/roles", {"role": "auditor", "scope_id": city.school_a.pk})
    assert gone.status_code == 409
    assert ada("PATCH", path, {"active": True}, "*").json()["state"] == "invited"


def test_roles_are_given_and_taken_never_ones_own(ada: Ada, city: City) -> None:
    path, me = str(city.coordinator_a.pk), str(city.administrator.pk)

    given = ada("POST", f"{path}/roles", {"role": "auditor", "scope_id": city.authority.pk})
    assert given.status_code == 201
    row = next(role for role in given.json()["roles"] if role["role"] == "auditor")
    taken = ada("DELETE", f"{path}/roles/{row['id']}", etag=given.headers["ETag"])
    assert next(role for role in taken.json()["roles"] if role["role"] == "auditor")["until"] is not None
    assert ada("POST", f"{me}/roles", {"role": "auditor", "scope_id": city.authority.pk}).status_code == 403
    assert ada("DELETE", f"{me}/roles/{city.administrator.grants.get().pk}").status_code == 403
    assert ada("PATCH", me, {"active": False}, "*").status_code == 403
    assert ada("POST", f"{path}/roles", {"role": "auditor", "scope_id": 10**9}).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope_id": 2**63},
        {"scope_id": 10**30},
        {"scope_id": -(10**30)},
        {"until": "9999-12-31T23:59:59-12:00"},
        {"until": "0001-01-01T00:00:00+14:00"},
        {"until": "0001-01-01T00:00:00"},
        {"until": "2999-01-01T00:00:00Z"},
    ],
)
def test_what_no_column_holds_is_refused(ada: Ada, city: City, wrong: dict[str, Any]) -> None:
    role = {"role": "auditor", "scope_id": city.authority.pk} | wrong

    assert ada("POST", f"{city.coordinator_a.pk}/roles", role).status_code == 422
    new = {"name": "Kim", "email": "kim@schule.example", "role": role}
    assert ada("POST", "", new).status_code == 422
    assert not city.coordinator_a.grants.filter(role="auditor").exists()


def test_at_a_closed_school_no_role_is_given(ada: Ada, city: City) -> None:
    people.close_scope(scope_id=city.school_b.pk, at=timezone.now())

    answer = ada("POST", f"{city.coordinator_a.pk}/roles", {"role": "coordinator", "scope_id": city.school_b.pk})

    assert (answer.status_code, "geschlossen" in answer.json()["detail"]) == (409, True)


def test_a_long_list_costs_as_much_as_a_short_one(city: City, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(60):
        user = User.objects.create_user(f"p{number}@musterstadt.example", name=f"P {number}")
        people.grant(user=user, role=Role.COORDINATOR, scope_id=city.school_a.pk)
    headers = bearer(city.administrator, ApiToken.Reach.READ)

    with django_assert_max_num_queries(6):
        answer = Client().get(f"{API}?page_size=60", headers=headers)

    assert len(answer.json()["results"]) == 60
