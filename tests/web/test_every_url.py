"""Walks every page and every operation of the API: strangers are sent away, schools see nothing of each other, reading
changes nothing. An address whose parameters nobody declared in `addresses.py` fails here, so that none is forgotten."""

import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from pytest_django import DjangoDbBlocker

from fleet.people.models import ApiToken
from tests import database
from tests.conftest import City, bearer, login, make_city
from tests.web.addresses import PUBLIC, Address, nameless, operations, pages
from tests.web.things import Things, make_things

PAGES = pages()
OPERATIONS = operations()
OF_SCHOOL_B = ("Schule B", "SW-1-B", "AP-204-B", "DR-204-B")


@dataclass(frozen=True)
class Schools:
    city: City
    a: Things
    b: Things


@pytest.fixture(scope="module")
def made_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[bytes]:
    with django_db_blocker.unblock(), database.taken_back():
        city = make_city()
        yield pickle.dumps(
            Schools(
                city,
                make_things(device=city.access_point_a, owner=city.coordinator_a),
                make_things(device=city.access_point_b, owner=city.coordinator_b),
            )
        )


@pytest.fixture
def schools(made_once: bytes, db: None) -> Schools:
    """As they were made, whatever the test before did to them."""
    return pickle.loads(made_once)  # type: ignore[no-any-return]  # noqa: S301  (our own of a moment ago)


@pytest.fixture
def city(schools: Schools) -> City:
    return schools.city


@pytest.fixture
def things_a(schools: Schools) -> Things:
    return schools.a


@pytest.fixture
def things_b(schools: Schools) -> Things:
    return schools.b


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


def test_no_address_is_left_out_of_this_walk() -> None:
    assert not list(nameless())


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

    with writing() as written:
        answer = client.get(address.url(things_a))
        _content(answer)

    assert answer.status_code < 500
    assert not written


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.method == "GET"], ids=str)
def test_reading_through_the_api_changes_nothing(address: Address, city: City, things_a: Things) -> None:
    headers = bearer(city.administrator, ApiToken.Reach.READ)

    with writing() as written:
        answer = Client().get(address.url(things_a), headers=headers)
        content = _content(answer)

    assert answer.status_code == 200, content[:300]
    assert not written


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.method != "GET"], ids=str)
def test_a_reading_token_writes_nothing(address: Address, city: City, things_a: Things) -> None:
    headers = bearer(city.administrator, ApiToken.Reach.READ)

    with writing() as written:
        answer = call(Client(), address, address.url(things_a), headers)

    assert answer.status_code == 403
    assert not written


NUMBERS = (
    "pk",
    "site_id",
    "room_id",
    "device_id",
    "alert_id",
    "change_id",
    "run_id",
    "ticket_id",
    "article_id",
    "attachment_id",
    "job_id",
    "link_id",
    "macro_id",
    "tag_id",
    "knowledge_id",
    "view_id",
    "person_id",
    "grant_id",
)
TOO_LARGE = Things.too_large
"""No column can hold it, so it names nothing."""


def numbered(addresses: list[Address]) -> list[Address]:
    return [one for one in addresses if not one.parameters.keys().isdisjoint(NUMBERS)]


def with_too_large_numbers(address: Address, things: Things) -> str:
    replaced = {name: "too_large" if name in NUMBERS else path for name, path in address.parameters.items()}
    return replace(address, parameters=replaced).url(things)


@pytest.mark.parametrize("address", numbered(PAGES), ids=str)
def test_a_number_that_no_row_can_have_is_no_page(address: Address, city: City, things_a: Things) -> None:
    answer = call(login(Client(), city.administrator), address, with_too_large_numbers(address, things_a))

    assert answer.status_code in {404, 405}


@pytest.mark.parametrize("address", numbered(OPERATIONS), ids=str)
def test_a_number_that_no_row_can_have_is_404_for_the_api(address: Address, city: City, things_a: Things) -> None:
    answer = call(Client(), address, with_too_large_numbers(address, things_a), bearer(city.administrator))

    assert answer.status_code == 404


@pytest.mark.parametrize("address", [one for one in OPERATIONS if one.filters], ids=str)
@pytest.mark.parametrize("value", [str(TOO_LARGE), f"-{TOO_LARGE}", "\0", "'", "{{ lookup('pipe','id') }}"])
def test_no_filter_of_the_api_can_make_an_error_of_ours(address: Address, value: str, city: City, things_a: Things) -> None:
    client, headers = Client(), bearer(city.administrator, ApiToken.Reach.READ)

    answers = {
        name: client.get(address.url(things_a), {name: value}, headers=headers).status_code for name in address.filters
    }

    assert all(status in {200, 404, 422} for status in answers.values()), answers


def _names_school_b(answer: HttpResponseBase) -> list[str]:
    content = _content(answer).decode(errors="replace")
    return [name for name in OF_SCHOOL_B if name in content]


def _content(answer: HttpResponseBase) -> bytes:
    """A file too is read to its end, so that it is closed."""
    return b"".join(answer) if answer.streaming else getattr(answer, "content", b"")  # type: ignore[call-overload]


WRITES = re.compile(r"\s*(?!SELECT|SAVEPOINT|RELEASE|ROLLBACK)\w+", re.IGNORECASE)
OF_THE_VISIT = re.compile(r"django_session|SET \"last_(used_at|login)\" = %s WHERE")
"""That somebody was here is kept."""


@contextmanager
def writing() -> Iterator[list[str]]:
    """What is said to the database meanwhile that could change what it holds."""
    written: list[str] = []

    def listen(execute: Any, sql: str, *more: Any) -> Any:
        if WRITES.match(sql) and not OF_THE_VISIT.search(sql):
            written.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(listen):
        yield written
