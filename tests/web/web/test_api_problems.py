"""Every error of the API is a problem document, whoever made it: an operation, the resolver, a method, a body."""

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError
from ninja.testing import TestClient
from ninja.throttling import SimpleRateThrottle

from fleet.web.api import Problem, install
from fleet.web.middleware import ApiProblems
from tests.conftest import City, bearer


class Body(Schema):
    starts_at: int
    secret: int = 0


class OneADay(SimpleRateThrottle):
    def get_cache_key(self, request: Any) -> str:  # noqa: ARG002
        return "one-a-day"


def raising(error: Exception) -> dict[str, Any]:
    api = NinjaAPI(urls_namespace=f"test-{id(error)}")
    install(api)

    @api.get("/it")
    def it(request: Any) -> None:
        raise error

    answer = TestClient(api).get("/it")
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content)
    assert problem["status"] == answer.status_code
    return problem


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (Http404(), 404, "Not Found"),
        (PermissionDenied(), 403, "Forbidden"),
        (HttpError(418, "tea"), 418, "I'm a Teapot"),
        (Problem(409, "somebody was faster"), 409, "Conflict"),
        (ValidationError({"name": ["too long"]}), 422, "Unprocessable"),
        (RuntimeError("password=hunter2"), 500, "Internal Server Error"),
    ],
)
def test_an_exception_becomes_a_problem(error: Exception, status: int, title: str) -> None:
    problem = raising(error)

    assert problem["status"] == status
    assert problem["title"].startswith(title)
    assert "hunter2" not in str(problem)


def test_fields_are_named() -> None:
    assert raising(Problem(422, "no", errors={"ends_at": ["too early"]}))["errors"] == [
        {"field": "ends_at", "message": "too early"}
    ]


def test_a_refused_body_names_the_field_and_does_not_repeat_what_was_sent() -> None:
    api = NinjaAPI(urls_namespace="test-body")
    install(api)

    @api.post("/it")
    def it(request: Any, payload: Body) -> None: ...

    answer = TestClient(api).post("/it", json={"secret": "planted-secret"})

    problem = json.loads(answer.content)
    assert answer.status_code == 422
    assert {one["field"] for one in problem["errors"]} == {"starts_at", "secret"}
    assert "planted-secret" not in str(problem)


def test_whoever_asks_too_often_is_told_when_to_come_back() -> None:
    api = NinjaAPI(urls_namespace="test-throttle", throttle=[OneADay("1/d")])
    install(api)

    @api.get("/it")
    def it(request: Any) -> None: ...

    client = TestClient(api)
    client.get("/it")
    answer = client.get("/it")

    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "application/problem+json")
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400


def test_an_address_that_is_none_is_a_problem(city: City) -> None:
    answer = Client().get("/api/v1/nothing/here", headers=bearer(city.technician))

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_method_that_is_none_is_a_problem_and_keeps_what_is_allowed(city: City) -> None:
    answer = Client().delete("/api/v1/me", headers=bearer(city.technician))

    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "GET"


def test_pages_outside_of_the_api_keep_their_own_errors() -> None:
    answer = ApiProblems(lambda _request: HttpResponse("no", status=404))(RequestFactory().get("/nothing/"))

    assert answer.headers["Content-Type"].startswith("text/html")
