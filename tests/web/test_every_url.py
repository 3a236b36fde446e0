"""Walks every page and every operation of the API: strangers are sent away, schools see nothing of each other, reading
changes nothing. An address whose parameters nobody declared in `addresses.py` fails here, so that none is forgotten."""

import hashlib
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.http import HttpResponseBase
from django.test import Client

from fleet.people.models import ApiToken
from tests.conftest import City, bearer, login
from tests.web.addresses import PUBLIC, Address, Things, make_things, operations, pages

PAGES = pages()
OPERATIONS = operations()
OF_SCHOOL_B = ("Schule B", "SW-1-B", "AP-204-B", "DR-204-B")


@pytest.fixture
def things_a(city: City) -> Things:
    return make_things(device=city.access_point_a, owner=city.coordinator_a)


@pytest.fixture
def things_b(city: City) -> Things:
    return make_things(device=city.access_point_b, owner=city.coordinator_b)


def call(client: Client, address: Address, url: str, headers: dict[str, str] | None = None) -> HttpResponseBase:
    if address.method == "GET":
        return client.get(url, headers=headers)
    if address in OPERATIONS:
        body = {} if address.body is None else address.body
        return client.generic(address.method, url, _json(body), content_type="application/json", headers=headers)
    return client.post(url, headers=headers)


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()


def test_every_parameter_of_every_address_is_declared() -> None:
    unknown = sorted({name for address in [*PAGES, *OPERATIONS] for name in address.unknown})

    assert not unknown, f"say in tests/web/addresses.py which thing these name: {unknown}"


@pytest.mark.parametrize("address", [one for one in PAGES if one.name not in PUBLIC], ids=str)
def test_strangers_are_sent_to_the_login(address: Address, things_a: Things) -> None:
    answer = call(Client(), address, address.url(things_a))

    assert answer.status_code == 302, answer
    assert answer.headers["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("address", OPERATIONS, ids=str)
def test_strangers_get_401_from_the_api(address: Address, things_a: Things) -> None:
    answer = call(Client(), address, address.url(things_a))

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("address", [one for one in PAGES if one.names_something], ids=str)
def test_a_coordinator_gets_404_for_a_page_of_another_school(address: Address, city: City, things_b: Things) -> None:
    answer = call(login(Client(), city.coordinator_a), address, address.url(things_b))

    assert answer.status_code in {404, 405}, f"{address} answered {answer.status_code}"


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.names_something], ids=str)
def test_a_coordinator_gets_404_for_an_operation_on_another_school(address: Address, city: City, things_b: Things) -> None:
    answer = call(Client(), address, address.url(things_b), bearer(city.coordinator_a))

    assert answer.status_code == 404, f"{address} answered {answer.status_code}: {getattr(answer, 'content', b'')[:300]!r}"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("address", [one for one in PAGES if one.method == "GET"], ids=str)
def test_no_page_of_one_school_names_another(address: Address, city: City, things_a: Things, things_b: Things) -> None:
    answer = login(Client(), city.coordinator_a).get(address.url(things_a))

    assert not _names_school_b(answer)


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.method == "GET"], ids=str)
def test_no_answer_of_the_api_names_another_school(address: Address, city: City, things_a: Things, things_b: Things) -> None:
    answer = Client().get(address.url(things_a), headers=bearer(city.coordinator_a, ApiToken.Reach.READ))

    assert not _names_school_b(answer)


@pytest.mark.parametrize("address", [one for one in PAGES if one.method == "GET"], ids=str)
def test_reading_a_page_changes_nothing(address: Address, city: City, things_a: Things) -> None:
    client = login(Client(), city.administrator)
    before = _fingerprints()

    answer = client.get(address.url(things_a))

    assert answer.status_code < 500
    assert _fingerprints() == before


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.method == "GET"], ids=str)
def test_reading_through_the_api_changes_nothing(address: Address, city: City, things_a: Things) -> None:
    headers = bearer(city.administrator, ApiToken.Reach.READ)
    before = _fingerprints()

    answer = Client().get(address.url(things_a), headers=headers)

    assert answer.status_code == 200, getattr(answer, "content", b"")[:300]
    assert _fingerprints() == before


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.method != "GET"], ids=str)
def test_a_reading_token_writes_nothing(address: Address, city: City, things_a: Things) -> None:
    headers = bearer(city.administrator, ApiToken.Reach.READ)
    before = _fingerprints()

    answer = call(Client(), address, address.url(things_a), headers)

    assert answer.status_code == 403
    assert _fingerprints() == before


def _names_school_b(answer: HttpResponseBase) -> list[str]:
    content = getattr(answer, "content", b"").decode(errors="replace")
    return [name for name in OF_SCHOOL_B if name in content]


def _fingerprints() -> dict[str, str]:
    """What every table holds, except sessions and when a token was last used."""
    return {
        model._meta.label: hashlib.sha256(repr(sorted(map(str, _rows(model)))).encode()).hexdigest()
        for model in apps.get_models()
        if model._meta.label != "sessions.Session"
    }


def _rows(model: type[models.Model]) -> Any:
    names = [field.attname for field in model._meta.concrete_fields if field.name not in {"last_used_at", "last_login"}]
    return model._base_manager.values_list(*names)
