"""Who sees which entry, and which one is marked."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from fleet.people.rules import Action
from fleet.web import navigation
from fleet.web.navigation import Item
from tests.conftest import City


@pytest.fixture(autouse=True)
def only_ours() -> Iterator[None]:
    kept = dict(navigation._items)
    navigation._items.clear()
    navigation.register(Item("Konto", "account", "user", None, order=20))
    navigation.register(Item("Token", "people:tokens", "key", Action.WORK_TICKETS, order=10))
    navigation.register(
        Item("Melden", "web:design", "lifebuoy", Action.REPORT_PROBLEM, order=30, unless=Action.WORK_TICKETS)
    )
    navigation.register(Item("Fehlt", "nowhere:page", "x-mark"))
    yield
    navigation._items.clear()
    navigation._items.update(kept)


def seen(user: object, path: str = "/account/") -> list[tuple[str, bool]]:
    request = RequestFactory().get(path)
    request.user = user  # type: ignore[assignment]  # a plain request of the factory has none
    return [(entry.label, entry.current) for entry in navigation.entries(request)]


def test_everybody_sees_what_they_may_use(city: City) -> None:
    assert [label for label, _ in seen(city.technician)] == ["Token", "Konto"]
    assert [label for label, _ in seen(city.coordinator_a)] == ["Konto", "Melden"]


def test_nobody_sees_anything_before_login() -> None:
    assert seen(AnonymousUser()) == []


def test_the_longest_address_that_fits_is_the_place(city: City) -> None:
    assert seen(city.technician, "/account/tokens/3/revoke/") == [("Token", True), ("Konto", False)]
    assert seen(city.technician, "/account/") == [("Token", False), ("Konto", True)]
