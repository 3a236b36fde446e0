"""Lists come in pages; what is added meanwhile neither repeats nor hides a row."""

from typing import Any

from django.db.models import QuerySet
from ninja import NinjaAPI, Schema
from ninja.pagination import paginate
from ninja.testing import TestClient

from fleet.people.models import Scope
from fleet.web.api import CursorPage


class ScopeOut(Schema):
    id: int


def client(namespace: str) -> TestClient:
    api = NinjaAPI(urls_namespace=namespace)

    @api.get("/scopes", response=list[ScopeOut])
    @paginate(CursorPage)
    def scopes(request: Any) -> QuerySet[Scope]:
        return Scope.objects.all()

    return TestClient(api)


def add(count: int) -> None:
    Scope.objects.bulk_create(Scope(kind=Scope.Kind.AUTHORITY, name=str(number)) for number in range(count))


def test_all_rows_come_once_newest_first_though_rows_are_added_meanwhile(db: None) -> None:
    add(7)
    expected = list(Scope.objects.order_by("-id").values_list("id", flat=True))
    api, address, seen = client("cursor-all"), "/scopes?page_size=3", []

    while address:
        page = api.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"] and "/scopes?" + page["next"].split("?")[1]
        add(1)

    assert seen == expected


def test_a_page_is_never_larger_than_200(db: None) -> None:
    add(210)

    assert len(client("cursor-large").get("/scopes?page_size=100000").json()["results"]) == 200


def test_a_late_page_costs_as_many_queries_as_the_first(db: None, django_assert_num_queries: Any) -> None:
    add(120)
    api = client("cursor-cost")
    with django_assert_num_queries(1):
        first = api.get("/scopes?page_size=50").json()
    with django_assert_num_queries(1):
        api.get("/scopes?" + first["next"].split("?")[1])
